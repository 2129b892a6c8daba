"""Local names for sizes that differ from round to round, or with the way a choice went.

A size that changes from round to round (``channels``) lives in a variable of the constructor. Its
name means nothing outside of that constructor, so what leaves it is put in other terms: a closed
form where the loop has one, else the plain number.

A size behind a ``when`` has a name as well, since each variant of a body knows only the way that
it went: what both ways make of it is known where variants are put together, and no code shows it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dsl.ir import Value
from dsl.passes.flow import Flow
from dsl.shapes.dim import Dim
from dsl.shapes.trace import (
    Expr,
    Operand,
    TracedInt,
    combine,
    formula,
    names_in,
    substitute,
    traced,
)
from dsl.source import Span

MERGED = "?"
"""What names of sizes behind a choice begin with; no spec can."""


class Locals:
    """The carried names of one block or model, in order, with their values after the loop.

    Args:
        taken: The names of sizes of its inputs.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._exits: dict[str, Operand | None] = {}
        self._names: dict[tuple[int, int, int], str] = {}
        self._merged: dict[str, Operand] = {}
        self._behind: dict[str, Operand] = {}

    def name(self, place: tuple[int, int, int], base: str, taken: set[str]) -> str:
        """The name of a carried size, one that nothing else in the block has.

        Args:
            place: Start of the loop in the text, number of its input, and axis: a loop inside
                another gets the same names in every round.
            base: The name of the axis.
            taken: Names of the spec that can be seen.
        """
        if place in self._names:
            self._exits.setdefault(self._names[place], None)
            return self._names[place]
        name, number = base, 2
        while name in taken or name in self._taken or name in self._names.values():
            name, number = f"{base}_{number}", number + 1
        self._exits[name] = None
        self._names[place] = name
        return name

    def merge(self, place: tuple[int, int, int], dim: Dim) -> Dim:
        """A size behind a choice, under a name that is the same whichever way was taken.

        Args:
            place: Start of the choice in the text, number of the result, and axis.
            dim: The size as the way taken makes it.
        """
        if not isinstance(dim, int):
            return dim
        name = MERGED + ".".join(map(str, place))
        self._merged[name] = formula(dim)
        return TracedInt(int(dim), Expr("name", name))

    def mark(self) -> int:
        """The number of names so far."""
        return len(self._exits)

    def forget(self, mark: int) -> None:
        """Drops the names made since a mark."""
        for name in list(self._exits)[mark:]:
            del self._exits[name]

    def note(
        self, name: str, first: Operand, step: Operand, times: Operand, indices: tuple[str, ...],
        bound: set[str],
    ) -> None:  # fmt: skip
        """Remembers what a carried size is after its loop.

        Args:
            name: The carried name.
            first: Its formula before the loop.
            step: The formula of its next value, None where rounds differ in it.
            times: The number of rounds.
            indices: The name that counts the rounds, if one does.
            bound: All names that mean something in a round only.
        """
        if step is None:
            return
        closed = _closed(name, first, step, times, indices, bound)
        self._behind[name] = closed
        self._exits[name] = self.resolve(closed)

    def exit(self, name: str) -> Operand | None:
        """What a carried size is after its loop, in terms of the loops around it; None if unknown.

        Sizes behind choices keep their names.
        """
        result: Operand = Expr("name", name)
        for _ in range(len(self._behind) + 1):
            before, result = result, substitute(result, self._behind)
            if result == before:
                break
        return None if name in names_in(result) else result

    def resolve(self, operand: Operand) -> Operand | None:
        """A formula without local names, or None where there is none."""
        known = {key: value for key, value in self._exits.items() if value is not None}
        result = operand
        for _ in range(len(known) + len(self._merged) + 1):
            before, result = result, substitute(substitute(result, self._merged), known)
            if result == before:
                break
        return None if names_in(result) & self._exits.keys() else result

    def outside(self, dim: Dim, keep: str) -> Operand:
        """The formula of a size in terms of one carried name and those of loops further out.

        Args:
            dim: The size, traced.
            keep: The carried name that may stay.
        """
        operand = formula(dim)
        order = list(self._exits)
        inner = set(order[order.index(keep) + 1 :])
        stuck = names_in(operand) & inner
        if not stuck:
            return operand
        behind = {key: self.exit(key) for key in inner}
        known = {key: value for key, value in behind.items() if value is not None}
        result = substitute(operand, known)
        return int(dim) if names_in(result) & inner else result  # type: ignore[arg-type]

    def leave(self, dim: Dim) -> Dim:
        """A size as it may be known outside of the block: without local names."""
        local = self._exits.keys() | self._merged.keys()
        if not isinstance(dim, TracedInt) or not names_in(dim.expr) & local:
            return dim
        result = self.resolve(dim.expr)
        return int(dim) if result is None else traced(int(dim), result)


def is_merged(dim: Dim) -> bool:
    """Whether a size hangs on a choice."""
    return any(name.startswith(MERGED) for name in names_in(formula(dim)))


def _closed(
    name: str, first: Operand, step: Operand, times: Operand, indices: tuple[str, ...],
    bound: set[str],
) -> Operand:  # fmt: skip
    """The value after all rounds: of ``n = n + a``, or of a step that is the same or counts."""
    mentioned = names_in(step)
    if name not in mentioned:
        last = {index: combine("-", times, 1) for index in indices}
        result = substitute(step, last)
        return Expr("name", name) if names_in(result) & bound else result
    grows = isinstance(step, Expr) and step.op == "+" and step.args[0] == Expr("name", name)
    if grows and not names_in(step.args[1]) & (bound | {name}):
        return combine("+", first, combine("*", times, step.args[1]))
    return Expr("name", name)


def carry(flow: Flow, names: dict[tuple[int, int], str], origins: dict[Value, Span]) -> Flow:
    """The flow with carried sizes traced under their local names."""
    if not names:
        return flow
    values = []
    for index, value in enumerate(flow.values):
        shape: list[Any] = list(value.type.shape)
        for (which, axis), name in names.items():
            if which == index:
                shape[axis] = TracedInt(int(shape[axis]), Expr("name", name))
        changed = Value(value.type.with_shape(tuple(shape), value.type.axes), value.hint)
        if value in origins:
            origins[changed] = origins[value]
        values.append(changed)
    return Flow(tuple(values))
