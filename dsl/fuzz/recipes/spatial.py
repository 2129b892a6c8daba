"""Recipes of linear maps, convolutions, pooling and normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dsl.fuzz.program import Call, literal
from dsl.fuzz.recipes.arguments import divisors, mask_for, option, spread, start
from dsl.fuzz.recipes.registry import (
    RECIPES,
    SPATIAL,
    any_float,
    channels_first,
    fits_image,
    fits_vector,
    recipe,
    sequence,
    simple,
)
from dsl.shapes.types import TensorType

if TYPE_CHECKING:
    from dsl.fuzz.bodies import Writer


@recipe(fits_vector, "Linear")
def _linear(w: Writer) -> None:
    named: dict[str, Any] = {}
    option(w, named, "bias", [False])
    if w.d.chance(5):
        named["init"] = start(w)
    elif w.d.chance(6):
        named["weight"] = w.d.pick([Call("WeightNorm"), Call("WeightNorm", (("dim", literal(1)),))])
    w.link("Linear", w.d.integer(1, 8), **named)


def window(w: Writer, rank: int, padded: bool) -> tuple[Any, dict[str, Any]]:
    """Kernel size and what goes with it, for a value of so many spatial dimensions."""
    least = min(w.x.shape[1:]) if w.x.axes[0] == "channels" else min(w.x.shape)
    kernel = w.d.pick([k for k in (3, 1, 2, 4, 5) if k <= least] or [1])
    named: dict[str, Any] = {}
    if w.d.chance(2):
        named["stride"] = spread(w, w.d.pick([2, 1, 3]), rank)
    if w.d.chance(2):
        named["padding"] = w.d.pick(["same", kernel // 2, "valid", min(1, kernel // 2)])
    return spread(w, kernel, rank), named


def convolution(w: Writer, rank: int) -> None:
    """Passes the value through a convolution."""
    kernel, named = window(w, rank, True)
    channels = w.x.shape[0]
    groups = w.d.pick(divisors(channels)) if w.d.chance(3) else 1
    out = groups * w.d.integer(1, 4)
    if groups > 1:
        named["groups"] = groups
    if w.d.chance(4):
        named["dilation"] = spread(w, 2, rank)
    option(w, named, "bias", [False])
    if w.d.chance(6):
        named["weight"] = Call(
            w.d.pick(["WeightNorm", "WeightStandardization", "ScaledWeightStandardization"])
        )
    w.link(f"Conv{rank}d", out, kernel, **named)


def transposed(w: Writer, rank: int) -> None:
    """Passes the value through a transposed convolution."""
    stride, kernel = w.d.pick([1, 2, 3]), w.d.pick([2, 3, 1])
    named: dict[str, Any] = {"stride": spread(w, stride, rank)}
    if kernel > 1 and w.d.chance(2):
        named["padding"] = 1
    if stride > 1 and w.d.chance(3):
        named["output_padding"] = spread(w, 1, rank)
    if w.d.chance(4):
        named["dilation"] = 2
    groups = w.d.pick(divisors(w.x.shape[0])) if w.d.chance(4) else 1
    if groups > 1:
        named["groups"] = groups
    option(w, named, "bias", [False])
    w.link(f"ConvTranspose{rank}d", groups * w.d.integer(1, 3), kernel, **named)


def pooled(w: Writer, kind: str, rank: int) -> None:
    """Passes the value through a pooling over windows."""
    kernel, named = window(w, rank, False)
    option(w, named, "ceil_mode", [True])
    if kind == "Avg":
        option(w, named, "count_include_pad", [False])
    elif w.d.chance(4):
        named["dilation"] = 2
    w.link(f"{kind}Pool{rank}d", kernel, **named)


def adaptive(w: Writer, kind: str, rank: int) -> None:
    """Passes the value through a pooling to a given size."""
    w.link(f"Adaptive{kind}Pool{rank}d", spread(w, w.d.integer(1, 3), rank))


for _rank, _fits in SPATIAL.items():
    RECIPES[f"Conv{_rank}d"] = _fits, lambda w, rank=_rank: convolution(w, rank)
    RECIPES[f"ConvTranspose{_rank}d"] = _fits, lambda w, rank=_rank: transposed(w, rank)
    for _kind in ("Avg", "Max"):
        RECIPES[f"{_kind}Pool{_rank}d"] = _fits, lambda w, k=_kind, r=_rank: pooled(w, k, r)
        RECIPES[f"Adaptive{_kind}Pool{_rank}d"] = (
            _fits, lambda w, k=_kind, r=_rank: adaptive(w, k, r)
        )  # fmt: skip


def deep(x: TensorType) -> bool:
    """Whether a value has positions to pool over."""
    return any_float(x) and x.rank >= 2 and (x.is_image_like or sequence(x))


@recipe(deep, "GlobalAvgPool", "GlobalMaxPool")
def _global_pool(w: Writer) -> None:
    kind = w.d.pick(["GlobalAvgPool", "GlobalMaxPool"])
    mask = mask_for(w)
    if mask:
        w.join([("", w.here()), ("mask", mask)], Call(kind))
    else:
        w.link(kind)


simple(any_float, "SpatialDropout", lambda w: ([0.1], {}))
RECIPES["SpatialDropout"] = deep, RECIPES["SpatialDropout"][1]


def normalised(x: TensorType) -> bool:
    """Whether the axis of channels or features is known, and its size."""
    return any_float(x) and (
        x.rank == 1 or x.is_image_like or sequence(x)
    ) and type(x.shape[0 if x.is_image_like else -1]) is int  # fmt: skip


@recipe(normalised, "BatchNorm")
def _batch_norm(w: Writer) -> None:
    named: dict[str, Any] = {}
    option(w, named, "eps", [1e-3])
    option(w, named, "affine", [False])
    option(w, named, "momentum", [0.2])
    w.link("BatchNorm", **named)


simple(fits_vector, "LayerNorm", lambda w: ([], {"bias": w.d.pick([True, False])}))
simple(fits_vector, "RMSNorm", lambda w: ([], {"elementwise_affine": w.d.pick([True, False])}))
simple(channels_first, "InstanceNorm", lambda w: ([], {"affine": w.d.pick([False, True])}))
simple(channels_first, "LocalResponseNorm", lambda w: ([w.d.integer(1, 3)], {}))
simple(channels_first, "GroupNorm", lambda w: ([w.d.pick(divisors(w.x.shape[0]))], {}))
simple(channels_first, "ChannelShuffle", lambda w: ([w.d.pick(divisors(w.x.shape[0]))], {}))
simple(fits_image, "GRN", lambda w: ([], {}))
simple(normalised, "LayerScale", lambda w: ([w.d.pick([0.5, 1e-6])], {}))
simple(normalised, "PReLU", lambda w: ([], {}))
