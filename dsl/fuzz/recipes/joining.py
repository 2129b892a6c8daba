"""Recipes of kinds that take several values, and of attention in windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dsl.fuzz.machine import Refused
from dsl.fuzz.program import Axis, Call, Chain, literal
from dsl.fuzz.recipes.arguments import axis, divisors, option, start
from dsl.fuzz.recipes.registry import (
    any_float,
    fits_image,
    fits_vector,
    fixed,
    integers,
    recipe,
    sequence,
)

if TYPE_CHECKING:
    from dsl.fuzz.bodies import Writer


@recipe(any_float, "Add", "Multiply", "Subtract", "Average", "Maximum", "Minimum", "Divide")
def _broadcast(w: Writer) -> None:
    here = w.here()
    kind = w.d.pick(["Add", "Multiply", "Subtract", "Average", "Maximum", "Minimum", "Divide"])
    acts = ["Sigmoid"] if kind == "Divide" else ["Tanh", "Sigmoid", "Softplus", "Identity"]
    other = Chain((("", here),), (Call(w.d.pick(acts)),))
    elements: list[tuple[str, Any]] = [("", here), ("", other)]
    w.join(elements, Call(kind))


@recipe(any_float, "WeightedSum")
def _weighted(w: Writer) -> None:
    here = w.here()
    other = Chain((("", here),), (Call(w.d.pick(["Tanh", "Sigmoid"])),))
    named: dict[str, Any] = {}
    option(w, named, "normalize", ["relu", "none"])
    option(w, named, "gain", [True])
    w.join([("", here), ("", other)], w.call("WeightedSum", **named))


@recipe(fixed, "Concat")
def _concat(w: Writer) -> None:
    here = w.here()
    other = Chain((("", here),), (Call(w.d.pick(["Tanh", "ReLU"])),))
    named = {"dim": axis(w, w.x)} if w.d.chance(2) or w.x.rank > 2 else {}
    w.join([("", here), ("", other)], w.call("Concat", **named))


@recipe(sequence, "MatMul")
def _matmul(w: Writer) -> None:
    here = w.here()
    other = Chain((("", here),), (Call("Tanh"),))
    turned = w.d.pick([{"transpose_b": True}, {"transpose_a": True}])
    w.join([("", here), ("", other)], w.call("MatMul", **turned))


@recipe(fits_vector, "Parameter")
def _parameter(w: Writer) -> None:
    here = w.here()
    named = {"init": start(w)} if w.d.chance(2) else {"init": Call("Ones")}
    if named["init"].kind.startswith(("Kaiming", "Xavier")):
        named = {}
    shape = [w.x.shape[-1]] if w.d.chance(2) or w.x.rank == 1 else [1, w.x.shape[-1]]
    call = w.call("Parameter", shape, **named)
    if sequence(w.x) and len(shape) == 2 and w.d.chance(2):
        w.join(
            [("", Chain((), (call,))), ("", here)],
            Call("Concat", (("dim", literal(Axis("time"))),)),
        )
    else:
        w.join([("", here), ("", Chain((), (call,)))], Call(w.d.pick(["Add", "Multiply"])))


@recipe(fixed, "Gather")
def _gather(w: Writer) -> None:
    found = w.operands(lambda type_: integers(type_) and type_.rank < 2)
    wide = [place for place, size in enumerate(w.x.shape) if size >= 5]
    if not found or not wide:
        raise Refused("nothing to gather by")
    name = w.d.pick(found)
    w.join([("", w.here()), ("", name)], w.call("Gather", literal(w.d.pick(wide))))


@recipe(
    fits_image, "WindowPartition", "WindowMerge", "ShiftedWindowMask", "RelativePositionBias2d",
    "LogRelativePosition2d", "RelativePositionIndex2d",
)  # fmt: skip
def _windows(w: Writer) -> None:
    channels, height, width = w.x.shape
    common = [n for n in divisors(height) if width % n == 0 and n > 1]
    if not common:
        raise Refused("no window divides the image")
    size, heads = w.d.pick(common), w.d.pick(divisors(channels))
    names = [w.shop.names.fresh() for _ in range(5)]
    image = w.here()
    w.link("Permute", literal([Axis("height"), Axis("width"), Axis("channels")]))
    w.link("WindowPartition", size)
    w.body.statements[-1].names = (names[0],)
    w.env[names[0]] = w.current[0]
    more = []
    if w.d.chance(2):
        w.say(Chain((), (w.call("RelativePositionBias2d", heads, size),)), (names[1],))
        more.append(("bias", names[1]))
    elif w.d.chance(2):
        w.say(
            Chain((), (w.call("LogRelativePosition2d", size), w.call("Linear", heads))), (names[1],)
        )
        w.say(Chain((), (w.call("RelativePositionIndex2d", size),)), (names[2],))
        w.join([("", names[1]), ("", names[2])], Call("Gather", (("", literal(0)),)))
        w.link("Permute", literal([2, 0, 1]))
        more.append(("bias", w.here()))
    if w.d.chance(2):
        mask = w.call("ShiftedWindowMask", size, w.d.integer(0, size - 1))
        w.say(Chain((("", image),), (mask,)), (names[3],))
        more.append(("mask", names[3]))
    if more:
        w.join([("", names[0]), *more], w.call("SelfAttention", heads))
    else:
        w.link("SelfAttention", heads)
    w.link("WindowMerge", height, width)
    w.link("Permute", literal([Axis("channels"), Axis("height"), Axis("width")]))
