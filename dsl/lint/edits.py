"""Edits of the text around a layer, for fixes."""

from __future__ import annotations

from functools import cached_property

from dsl.diagnostics.model import Edit, Fix
from dsl.passes.arguments import argument_span
from dsl.source import Span
from dsl.syntax import ast


class Places:
    """Where calls and the elements of chains stand in a file, looked through once.

    Args:
        file: The tree.
    """

    def __init__(self, file: ast.File) -> None:
        self.file = file

    @cached_property
    def calls(self) -> dict[tuple[int, int], ast.KindCall]:
        """Each call by where it starts and ends."""
        nodes = (node for node in ast.tree(self.file) if isinstance(node, ast.KindCall))
        return {(node.span.start, node.span.end): node for node in nodes}

    @cached_property
    def _elements(self) -> dict[tuple[int, int], tuple[ast.Node, ast.Chain, int]]:
        found: dict[tuple[int, int], tuple[ast.Node, ast.Chain, int]] = {}
        for node in ast.tree(self.file):
            chain = getattr(node, "chain", None)
            for index, element in enumerate(chain.elements if isinstance(chain, ast.Chain) else ()):
                span = element.span
                found.setdefault((span.start, span.end), (node, chain, index))
        return found

    def call(self, span: Span) -> ast.KindCall | None:
        """The call that takes up a span, if it is one of this file."""
        return self.calls.get((span.start, span.end)) if self._has(span) else None

    def element(self, span: Span) -> tuple[ast.Node, ast.Chain, int] | None:
        """The statement or tuple item, the chain and the position of an element."""
        return self._elements.get((span.start, span.end)) if self._has(span) else None

    def _has(self, span: Span) -> bool:
        return span.source is self.file.span.source


def removed(places: Places, span: Span, safe: bool = True) -> Fix | None:
    """The fix that takes an element out of its chain; None where the text does not allow it.

    Args:
        places: The file that the element may lie in.
        span: The element.
        safe: Whether `msl check --fix` may apply it.
    """
    found = places.element(span)
    if found is None:
        return None
    holder, chain, index = found
    elements = chain.elements
    if index > 0:
        gap = Span(span.source, elements[index - 1].span.end, span.end)
    elif len(elements) > 1:
        gap = Span(span.source, span.start, elements[1].span.start)
    else:
        gap = _alone(holder, span)
    if gap is None or "#" in gap.text.replace(span.text, ""):
        return None
    return Fix(f"remove `{span.text}`", (Edit(gap, ""),), safe)


def _alone(holder: ast.Node, span: Span) -> Span | None:
    """What to take out where the element is all that its statement computes."""
    if isinstance(holder, ast.OutputDecl):
        head = holder.type.span if holder.type is not None else holder.name_span
        return Span(span.source, head.end, span.end)
    if isinstance(holder, ast.Step) and not holder.names:
        text, start, end = span.source.text, span.start, span.end
        line = text.rfind("\n", 0, start) + 1
        is_line = not text[line:start].strip() and text[end : end + 1] == "\n"
        return Span(span.source, line, end + 1) if is_line else None
    return None


def appended(span: Span, text: str, message: str) -> Fix:
    """The fix that puts text behind an element; never safe, since it changes the model."""
    end = Span(span.source, span.end, span.end)
    return Fix(message, (Edit(end, text),), safe=False)


def with_argument(
    places: Places, span: Span, arguments: dict[str, object], name: str, value: str, safe: bool
) -> Fix | None:
    """The fix that gives an argument of a call another value.

    None where the call is not in this file, or where the text computes the value.
    """
    call = places.call(span)
    if call is None or not call.args:
        return None
    message = f"write `{name}={value}`"
    place = argument_span(arguments, call, name)
    given = next((item for item in call.args if item.span == place), None)
    if given is None:
        end = call.args[-1].span.end
        return Fix(message, (Edit(Span(span.source, end, end), f", {name}={value}"),), safe)
    if not isinstance(given.value, (ast.Bool, ast.Number, ast.String)):
        return None
    return Fix(message, (Edit(given.value.span, value),), safe)


def argument_place(places: Places, span: Span, arguments: dict[str, object], name: str) -> Span:
    """Where a call gives an argument, as far as the call is in this file."""
    call = places.call(span)
    return span if call is None else argument_span(arguments, call, name)
