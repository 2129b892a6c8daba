"""Draws what several recipes need: axes, starts of weights, masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dsl.fuzz.program import Axis, Call, literal
from dsl.fuzz.recipes.registry import sequence
from dsl.shapes.types import TensorType

if TYPE_CHECKING:
    from dsl.fuzz.bodies import Writer


def option(w: Writer, named: dict[str, Any], key: str, values: list[Any]) -> None:
    """Gives an argument at times."""
    if w.d.chance(3):
        named[key] = w.d.pick(values)


def divisors(size: int) -> list[int]:
    """All divisors of a number, the smallest first."""
    return [n for n in range(1, size + 1) if size % n == 0]


def spread(w: Writer, value: Any, rank: int) -> Any:
    """A number for all dimensions, or at times a list with one for each."""
    return [value] * rank if rank > 1 and w.d.chance(4) else value


def start(w: Writer) -> Any:
    """How a weight starts."""
    return w.d.pick(
        [
            Call("Normal", (("", literal(0.02)),)),
            Call("XavierUniform"),
            Call("KaimingNormal"),
            Call("Uniform", (("", literal(-0.1)), ("", literal(0.1)))),
            Call("TruncatedNormal", (("std", literal(0.02)),)),
            Call("Constant", (("", literal(0.5)),)),
            Call("Zeros"),
        ]
    )


def axis(w: Writer, x: TensorType, low: int = 0) -> Any:
    """An axis by number or name."""
    place = w.d.integer(low, x.rank - 1)
    name = x.axes[place]
    if name and x.axes.count(name) == 1 and w.d.chance(2):
        return Axis(name)
    return literal(place - x.rank if w.d.chance(3) else place)


def place_of(x: TensorType, dim: Any) -> int:
    """The position of an axis argument."""
    if isinstance(dim, Axis):
        return x.axes.index(dim.name)
    return dim.value({}) % x.rank


def mask_for(w: Writer) -> str:
    """At times the name of a mask over the steps of a sequence."""
    if not sequence(w.x) or w.d.chance(3):
        return ""
    time = w.x.shape[0]
    found = w.operands(lambda type_: type_.dtype == "bool" and type_.shape == (time,))
    return w.d.pick(["", *found])
