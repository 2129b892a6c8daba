"""Which values are used, and which names a piece of text mentions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from dsl.ir import CallNode, Instance, LayerNode, Node, SharedNode, Value, children
from dsl.passes.drafts import (
    CallDraft,
    Draft,
    GroupDraft,
    LayerDraft,
    RepeatDraft,
    WhenDraft,
    tied_path,
)
from dsl.passes.scope import Scope, Tensor
from dsl.source import Span
from dsl.syntax import ast


class Usage:
    """Follows values through a model, so that nothing computed is dropped in silence."""

    def __init__(self) -> None:
        self._used: set[Value] = set()

    def use(self, values: Iterable[Value | None]) -> None:
        """Marks values as used."""
        self._used.update(value for value in values if value is not None)

    def is_used(self, value: Value) -> bool:
        """Whether anything uses a value."""
        return value in self._used

    def name(self, value: Value, name: str) -> None:
        """Keeps the author's name for a value, for messages and generated code."""
        if not value.hint:
            object.__setattr__(value, "hint", name)
        if name.startswith("_"):
            self._used.add(value)

    def mention(self, node: ast.Node | None, scope: Scope) -> None:
        """Counts what a branch that is not elaborated mentions as used."""
        if node is None:
            return
        for name in mentioned(node):
            binding = scope.lookup(name)
            if binding is not None:
                binding.used = True
                if isinstance(binding.value, Tensor) and binding.value.value is not None:
                    self._used.add(binding.value.value)

    def unused(self, drafts: list[Draft]) -> Iterator[tuple[Value, Span]]:
        """Results that nothing uses, with the place that makes them."""
        for draft in every(drafts):
            if isinstance(draft, (LayerDraft, CallDraft, RepeatDraft)):
                for value in draft.outputs:
                    if value not in self._used:
                        yield value, draft.span

    def ties(self, drafts: list[Draft]) -> list[tuple[LayerDraft, str, Span]]:
        """Layers that borrow a weight, each with the path it borrows from."""
        tied = []
        for draft in every(drafts):
            if isinstance(draft, LayerDraft) and draft.tie is not None:
                tied.append((draft, tied_path(draft) or "", draft.tie[2]))
        return tied


def every(drafts: list[Draft]) -> Iterator[Draft]:
    """All drafts below some, blocks not entered."""
    stack = list(reversed(drafts))
    while stack:
        draft = stack.pop()
        yield draft
        if isinstance(draft, (GroupDraft, WhenDraft)):
            stack.extend(reversed(draft.drafts))
        elif isinstance(draft, RepeatDraft):
            for part in draft.rounds:
                stack.extend(reversed(part.drafts))


def owns_weights(nodes: tuple[Node, ...], is_weighted: Callable[[Instance], bool]) -> bool:
    """Whether there are weights below some nodes, those shared with others left out.

    Args:
        nodes: The nodes.
        is_weighted: Whether there are any in an instance that is applied here.
    """
    declared: set[SharedNode] = set()
    stack = list(reversed(nodes))
    while stack:
        node = stack.pop()
        shared = getattr(node, "shared", None)
        if isinstance(node, SharedNode):
            declared.add(node)
        elif shared is not None and shared not in declared:
            continue
        elif isinstance(node, (LayerNode, CallNode)):
            if node.weights if isinstance(node, LayerNode) else is_weighted(node.instance):
                return True
        else:
            inner = [child for _, body, _ in children(node) for child in body]
            stack.extend(reversed(inner))
    return False


def mentioned(node: ast.Node) -> set[str]:
    """Every lower-case name that a piece of the syntax tree mentions."""
    return {item.id for item in ast.tree(node) if isinstance(item, ast.Name)}


def unused_advice(span: Span) -> tuple[str, str]:
    """What happens to an unused result, and its cure: in front of values in parentheses or not."""
    text = span.source.text
    parentheses = re.match(r"\s*->\s*\(", text[span.end : span.end + 200])
    if parentheses is None:
        return "the next statement does not take it", "name it and use the name, or remove it"
    layer = span.text if len(span.text) < 40 else "LayerNorm"
    return (
        "no value in the parentheses takes it",
        f"put it into them: `({layer}, ..)`; `input` is what the whole body was given",
    )
