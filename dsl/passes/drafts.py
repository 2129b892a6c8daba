"""Drafts of nodes: what a body computes, before its layers have their names.

A layer's name depends on the statement around it (``conv1 = Conv2d(32, 3) -> ReLU`` names the one
step that has weights) and on its neighbours (``conv2d_2``), so bodies are drafted first; `finish`
gives every draft its name and freezes it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from dsl.ir import (
    CallNode,
    Group,
    Instance,
    LayerNode,
    Node,
    RepeatNode,
    Round,
    SharedNode,
    Value,
    WhenNode,
    join,
)
from dsl.layers.base import Layer
from dsl.record import Record, field
from dsl.shapes.trace import Operand
from dsl.source import Span


class Draft(Record, frozen=False, eq=False):
    """Base of drafts.

    Attributes:
        base: The name it gets where the author gives none; numbered where taken.
        name: The author's name.
        path: Its path from the enclosing model or block, once finished.
        weighted: Whether it holds weights of its own.
    """

    span: Span
    base: str = ""
    name: str = ""
    path: str = ""
    weighted: bool = False
    comments: tuple[str, ...] = ()


class LayerDraft(Draft, frozen=False, eq=False):
    """A layer.

    `tie` is the draft that it borrows from, the rest of the path, and its place; `given` the name
    of the ``layer`` argument that it was made from.
    """

    layer: Layer | None = None
    inputs: tuple[Value | None, ...] = ()
    outputs: tuple[Value, ...] = ()
    shared: SharedDraft | None = None
    tie: tuple[Draft, str, Span] | None = None
    given: str = ""


class CallDraft(Draft, frozen=False, eq=False):
    """A block applied."""

    instance: Instance | None = None
    args: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[Value, ...] = ()
    outputs: tuple[Value, ...] = ()
    shared: SharedDraft | None = None


class SharedDraft(Draft, frozen=False, eq=False):
    """A ``shared`` declaration."""

    node: SharedNode | None = None


class GroupDraft(Draft, frozen=False, eq=False):
    """Drafts that belong together: a level of names if `name` or `base` is set, else none."""

    kind: str = "chain"
    drafts: list[Draft] = field(default_factory=list)
    inputs: tuple[Value, ...] = ()
    outputs: tuple[Value, ...] = ()


class WhenDraft(Draft, frozen=False, eq=False):
    """A choice made; a level of names only where the author names it.

    `reserved` counts the names that the branch not taken would give.
    """

    condition: Any = None
    reserved: Counter[str] = field(default_factory=Counter)
    taken: bool = True
    drafts: list[Draft] = field(default_factory=list)
    inputs: tuple[Value, ...] = ()
    results: tuple[Value, ...] = ()
    outputs: tuple[Value, ...] = ()


class RoundDraft(Record, frozen=False, eq=False):
    """One distinct round; `single` is the draft whose level is the round's own."""

    start: int
    count: int
    bindings: dict[str, Any]
    inputs: tuple[Value, ...]
    drafts: list[Draft]
    outputs: tuple[Value, ...]
    carried: dict[tuple[int, int], tuple[str, Operand]]
    single: Draft | None = None


class RepeatDraft(Draft, frozen=False, eq=False):
    """A repeat."""

    times: Any = 0
    rows: Any = None
    names: tuple[str, ...] = ()
    indexed: bool = False
    exits: dict[str, Operand] = field(default_factory=dict)
    rounds: list[RoundDraft] = field(default_factory=list)
    inputs: tuple[Value, ...] = ()
    outputs: tuple[Value, ...] = ()


def snake_case(kind: str) -> str:
    """A kind as a name: ``BatchNorm`` to ``batch_norm``, ``ReLU`` to ``relu``, ViT to ``vit``."""
    word = re.sub(r"(Re|Si|Ge|Ce|Se)LU", lambda match: match.group(1) + "lu", kind)
    word = word.replace("ViT", "Vit")
    word = re.sub(r"(^|[a-z0-9])P(Relu)", r"\1Prelu", word)
    word = re.sub(r"([a-zA-Z0-9])([A-Z][a-z]+)", r"\1_\2", word)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", word).lower()


class Namer:
    """Gives the layers of one level distinct names.

    Args:
        taken: The names that the author gave.
    """

    def __init__(self, taken: set[str]) -> None:
        self.taken = taken
        self.given: list[str] = []
        self.numbers: dict[str, int] = {}

    def mark(self) -> tuple[int, dict[str, int]]:
        """What has been given so far, to come back to."""
        return len(self.given), dict(self.numbers)

    def reserve(self, mark: tuple[int, dict[str, int]], names: Counter[str]) -> None:
        """Keeps free what other layers would be called where only names up to a mark were given."""
        count, numbers = mark
        other = Namer(set())
        other.numbers = numbers
        later = set(self.given[count:])
        for base in names.elements():
            other.name(base, lambda name: name in self.taken and name not in later)
        for name in other.given:
            self._take(name)
        for base in names:  # all numbers below are taken by now
            self.numbers[base] = max(other.numbers[base], self.numbers.get(base, 2))

    def name(self, base: str, is_taken: Callable[[str], bool] | None = None) -> str:
        """`base`, or with the first free number behind it."""
        name, number = base, self.numbers.get(base, 2)
        while name in self.taken or (is_taken is not None and is_taken(name)):
            name, number = f"{base}_{number}", number + 1
        self.numbers[base] = number
        self._take(name)
        return name

    def _take(self, name: str) -> None:
        if name not in self.taken:
            self.taken.add(name)
            self.given.append(name)


def settle(name: str, steps: list[Draft], span: Span) -> list[Draft]:
    """Names a chain: the one step that bears the name does, otherwise a group is made.

    Args:
        name: The author's name for the chain.
        steps: Its steps in order.
        span: The statement.

    Returns:
        The steps, or the group that holds them.
    """
    weighted = [step for step in steps if step.weighted]
    bearer = steps[0] if len(steps) == 1 else weighted[0] if len(weighted) == 1 else None
    if bearer is not None and not bearer.name:
        bearer.name = name
        return steps
    if not steps:
        return steps
    group = GroupDraft(span, name=name, drafts=steps, weighted=bool(weighted))
    return [group]


def is_transparent(draft: Draft) -> bool:
    """Whether a draft adds no level of names."""
    if isinstance(draft, WhenDraft):
        return not draft.name
    return isinstance(draft, GroupDraft) and not draft.name and not draft.base


def finish(drafts: list[Draft], prefix: str = "", single: Draft | None = None) -> tuple[Node, ...]:
    """Names and freezes the drafts of one level.

    Args:
        drafts: In order.
        prefix: The path of the level from the enclosing model or block.
        single: A draft that adds no level, since the level already bears its name.
    """
    namer = Namer({draft.name for draft in _level(drafts) if draft.name})
    return _finish(drafts, prefix, namer, single)


def _level(drafts: list[Draft]) -> list[Draft]:
    """The drafts of a level, those inside transparent ones included."""
    found: list[Draft] = []
    stack = list(reversed(drafts))
    while stack:
        draft = stack.pop()
        if is_transparent(draft):
            stack.extend(reversed(draft.drafts))
        else:
            found.append(draft)
    return found


def _finish(
    drafts: list[Draft], prefix: str, namer: Namer, single: Draft | None
) -> tuple[Node, ...]:
    nodes: list[Node] = []
    for draft in drafts:
        if is_transparent(draft):
            before = namer.mark()
            inner = _finish(draft.drafts, prefix, namer, single)
            if isinstance(draft, WhenDraft):
                namer.reserve(before, draft.reserved)
                inner = (_when(draft, inner),)
            nodes.extend(inner)
            continue
        name = "" if draft is single else draft.name or namer.name(draft.base)
        draft.path = join(prefix, name)
        nodes.append(_FREEZE[type(draft)](draft, name))
    return tuple(nodes)


def tied_path(draft: LayerDraft) -> str | None:
    """The path, from the enclosing model or block, of the layer whose weight a draft uses."""
    if draft.tie is None:
        return None
    target, rest, _ = draft.tie
    return join(target.path, rest)


def _layer(draft: LayerDraft, name: str) -> LayerNode:
    shared = draft.shared.node if draft.shared else None
    tied = tied_path(draft)
    node = LayerNode(
        name, draft.layer, draft.inputs, draft.outputs, draft.span, draft.comments, shared, tied,
        draft.given,
    )  # fmt: skip
    if shared is not None:
        shared.uses.append(node)
    return node


def _call(draft: CallDraft, name: str) -> CallNode:
    shared = draft.shared.node if draft.shared else None
    node = CallNode(
        name, draft.instance, draft.args, draft.inputs, draft.outputs, draft.span, draft.comments,
        shared,
    )  # fmt: skip
    if shared is not None:
        shared.uses.append(node)
    return node


def _shared(draft: SharedDraft, name: str) -> SharedNode:
    draft.node.path = draft.path
    return draft.node


def _group(draft: GroupDraft, name: str) -> Group:
    nodes = finish(draft.drafts, draft.path)
    return Group(name, nodes, draft.kind, draft.inputs, draft.outputs, draft.span, draft.comments)


def _when(draft: WhenDraft, nodes: tuple[Node, ...]) -> WhenNode:
    return WhenNode(
        draft.condition, draft.taken, nodes, draft.inputs, draft.results, draft.outputs, draft.span,
        draft.comments,
    )  # fmt: skip


def _named_when(draft: WhenDraft, name: str) -> Group:
    inner = _when(draft, finish(draft.drafts, draft.path))
    return Group(name, (inner,), "chain", draft.inputs, draft.outputs, draft.span)


def _repeat(draft: RepeatDraft, name: str) -> RepeatNode:
    rounds = tuple(
        Round(
            part.start, part.count, part.bindings, part.inputs,
            finish(part.drafts, join(draft.path, str(part.start)), part.single),
            part.outputs, part.carried,
        )
        for part in draft.rounds
    )  # fmt: skip
    return RepeatNode(
        name, draft.times, draft.rows, draft.names, rounds, draft.inputs, draft.outputs,
        draft.span, draft.comments, draft.indexed, draft.exits,
    )  # fmt: skip


_FREEZE: dict[type[Draft], Any] = {
    LayerDraft: _layer,
    CallDraft: _call,
    SharedDraft: _shared,
    GroupDraft: _group,
    WhenDraft: _named_when,
    RepeatDraft: _repeat,
}
