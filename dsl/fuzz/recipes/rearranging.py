"""Recipes of kinds that move, cut, pad and reduce."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dsl.fuzz.machine import Refused
from dsl.fuzz.program import Call, literal
from dsl.fuzz.recipes.arguments import axis, divisors, option, place_of
from dsl.fuzz.recipes.registry import any_float, fits_image, fixed, fixed_sequence, recipe, simple

if TYPE_CHECKING:
    from dsl.fuzz.bodies import Writer


@recipe(fixed, "Flatten")
def _flatten(w: Writer) -> None:
    if w.x.rank > 2 and w.d.chance(3):
        w.link("Flatten", literal(w.d.integer(0, 1)))
    else:
        w.link("Flatten")


@recipe(fixed, "Reshape", "Unflatten")
def _reshape(w: Writer) -> None:
    total = 1
    for size in w.x.shape:
        total *= size
    first = w.d.pick(divisors(total))
    if w.x.rank > 1 or w.d.chance(2):
        named = {"axes": ["time", "features"]} if w.d.chance(3) else {}
        w.link("Reshape", [first, -1 if w.d.chance(3) else total // first], **named)
    else:
        w.link("Unflatten", literal(0), [first, total // first])


@recipe(fixed, "Permute", "Transpose")
def _permute(w: Writer) -> None:
    order = list(range(w.x.rank))
    for place in range(w.x.rank - 1, 0, -1):
        other = w.d.integer(0, place)
        order[place], order[other] = order[other], order[place]
    if w.x.rank == 2 and w.d.chance(2):
        w.link("Transpose", literal(0), literal(1))
    else:
        w.link("Permute", literal(order))


simple(fits_image, "ToSequence", lambda w: ([], {}))


@recipe(fixed_sequence, "ToImage")
def _to_image(w: Writer) -> None:
    height = w.d.pick(divisors(w.x.shape[0]))
    w.link("ToImage", height, w.x.shape[0] // height)


@recipe(fixed, "Roll")
def _roll(w: Writer) -> None:
    if w.x.rank > 1 and w.d.chance(3):
        w.link("Roll", [1, -1], literal([0, 1]))
    else:
        w.link("Roll", w.d.pick([1, -2]), axis(w, w.x))


@recipe(lambda x: fixed(x) and x.rank < 3, "Unsqueeze", "Squeeze")
def _unsqueeze(w: Writer) -> None:
    place = w.d.integer(0, w.x.rank)
    w.link("Unsqueeze", literal(place))
    if w.d.chance(2):
        w.link("Tanh")
        w.link("Squeeze", literal(place))


@recipe(any_float, "Select", "Slice")
def _select(w: Writer) -> None:
    dim = axis(w, w.x)
    size = w.x.shape[place_of(w.x, dim)]
    size = size if type(size) is int else 1
    if size > 1 and w.d.chance(2):
        named = {"step": 2} if w.d.chance(3) else {}
        if w.d.chance(2):
            w.link("Slice", literal(w.d.integer(0, 1)), size, dim=dim, **named)
        else:
            w.link("Slice", dim=dim, stop=-1, **named)
    else:
        w.link("Select", literal(w.d.pick([0, -1])), dim=dim)


@recipe(fixed, "Split")
def _split(w: Writer) -> None:
    dim = axis(w, w.x)
    size = w.x.shape[place_of(w.x, dim)]
    if size < 2:
        raise Refused("nothing to split")
    if size % 2 == 0 and w.d.chance(2):
        sizes: Any = 2
    else:
        cut = w.d.integer(1, size - 1)
        sizes = [cut, size - cut]
    w.link("Split", sizes, dim=dim)
    if w.d.chance(2):
        w.link_on(Call("Concat", (("dim", literal(place_of(w.x, dim))),)))
        return
    names = tuple(w.shop.names.fresh() for _ in w.current)
    w.body.statements[-1].names = names
    w.env.update(zip(names, w.current))
    order = [("", name) for name in reversed(names)]
    w.join(order, Call("Concat", (("dim", literal(place_of(w.x, dim))),)))


@recipe(fixed, "Pad")
def _pad(w: Writer) -> None:
    mode = w.d.pick(["zeros", "constant", "reflect", "replicate"])
    named: dict[str, Any] = {"mode": mode, "dim": axis(w, w.x)}
    if mode == "constant":
        named["value"] = 0.5
    w.link("Pad", w.d.pick([1, [1, 0], [0, 1]]), **named)


@recipe(any_float, "Sum", "Mean", "Max", "Min")
def _reduce(w: Writer) -> None:
    kind = w.d.pick(["Mean", "Sum", "Max", "Min"])
    named: dict[str, Any] = {"keepdim": True} if w.d.chance(2) or w.x.rank == 1 else {}
    dim = axis(w, w.x)
    if w.x.rank > 2 and w.d.chance(3):
        dim = literal([0, 1])
    w.link(kind, dim, **named)


@recipe(fits_image, "PixelShuffle", "PixelUnshuffle")
def _pixels(w: Writer) -> None:
    channels, height, width = w.x.shape
    if height % 2 == width % 2 == 0 and w.d.chance(2):
        w.link("PixelUnshuffle", 2)
    else:
        if channels % 4:
            w.link("Conv2d", 4, 1)
        w.link("PixelShuffle", 2)


@recipe(fits_image, "Upsample")
def _upsample(w: Writer) -> None:
    mode = w.d.pick(["nearest", "bilinear", "bicubic"])
    named: dict[str, Any] = {"mode": mode}
    if mode != "nearest":
        option(w, named, "align_corners", [True])
    if w.d.chance(2):
        w.link("Upsample", scale_factor=w.d.pick([2, [2, 1]]), **named)
    else:
        w.link("Upsample", [w.x.shape[1] + 1, w.x.shape[2] * 2], **named)


@recipe(fits_image, "Unfold", "Fold")
def _unfold(w: Writer) -> None:
    _, height, width = w.x.shape
    kernel = w.d.pick([k for k in (2, 1, 3) if k <= min(height, width)])
    named: dict[str, Any] = {"stride": w.d.pick([1, 2])}
    if w.d.chance(3):
        named["padding"] = 1
    w.link("Unfold", kernel, **named)
    if w.d.chance(2):
        w.link("Fold", [height, width], kernel, **named)
