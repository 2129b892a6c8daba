"""Sizes that loops carry, for all variants of a loop together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backends.lowering.merging import unmerged
from dsl.ir import RepeatNode, Round
from dsl.shapes.trace import Expr, Operand, Traced, formula, names_in, plain, substitute, traced

Rounds = list[tuple[RepeatNode, Round]]


class Varied(Traced):
    """A value that is another number in other variants: only its formula serves them all."""

    def __init__(self, expr: Expr) -> None:
        self.expr = expr


def together(values: Sequence[Any]) -> Any:
    """Values of one formula as one value."""
    first = values[0]
    if isinstance(first, Traced) and any(plain(value) != plain(first) for value in values):
        return Varied(first.expr)
    return first


def exits_of(variants: Sequence[RepeatNode]) -> dict[str, Operand]:
    """What the sizes that a loop carries are behind it, in terms of the names outside.

    None where variants have no formula in common.
    """
    found: dict[str, Operand] = {}
    for node in variants:
        for name, operand in node.exits.items():
            found[name] = operand if found.get(name, operand) == operand else None
    return found


def carried_sizes(
    rounds: Rounds, merged: Mapping[str, Operand], exits: Mapping[str, Operand]
) -> dict[str, tuple[Any, Any]]:
    """First and next value of each size that a loop carries; None where no formula serves all.

    Args:
        rounds: Those of all variants, which carry the same names.
        merged: What sizes behind choices are.
        exits: What sizes that loops inside carry are behind these, where it is known.
    """
    places = rounds[0][1].carried.items()
    names = {name for _, (name, _) in places}
    inner = {name: operand for name, operand in exits.items() if name not in names}
    return {
        name: (_first_size(rounds, *place), _next_size(rounds, *place, merged, inner))
        for place, (name, _) in places
    }


def _first_size(rounds: Rounds, index: int, axis: int) -> Any:
    sizes = [node.inputs[index].type.shape[axis] for node, _ in rounds]
    return together(sizes) if len({formula(size) for size in sizes}) == 1 else None


def _next_size(
    rounds: Rounds, index: int, axis: int, merged: Mapping[str, Operand],
    inner: Mapping[str, Operand],
) -> Any:  # fmt: skip
    formulas = {
        _outside(unmerged(part.carried[index, axis][1], merged), inner) for _, part in rounds
    }
    if len(formulas) > 1 or None in formulas:
        return None
    operand = formulas.pop()
    sizes = [part.outputs[index].type.shape[axis] for _, part in rounds]
    return together([traced(plain(size), operand) for size in sizes])


def _outside(operand: Operand, inner: Mapping[str, Operand]) -> Operand:
    """A formula without names of loops inside; None where there is none."""
    result = substitute(
        operand, {name: known for name, known in inner.items() if known is not None}
    )
    return None if names_in(result) & inner.keys() else result
