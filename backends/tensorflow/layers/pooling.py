"""Pooling in Keras: plain functions on channels-last values."""

from __future__ import annotations

from typing import Any

from backends.base import Emission, Raw, Site, is_traced, require_fixed, short
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.layers.conv import Pads, channels_last, even, padded, padded_same
from backends.tensorflow.layout import stored_axis, to_meaning
from dsl.layers.pooling import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
    AdaptivePool,
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    GlobalAvgPool,
    GlobalMaxPool,
    GlobalPool,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
    Pool,
)

LOWEST = "-math.inf"


@TENSORFLOW.emits(MaxPool1d, MaxPool2d, MaxPool3d)
def max_pool(layer: Pool, site: Site) -> Emission:
    """`keras.ops.max_pool`, on cells of minus infinity where padding adds some."""
    x = channels_last(site, layer.spatial, layer.name)
    require_fixed(layer.ceil_mode, layer.padding if isinstance(layer.padding, str) else 0)
    dilated = is_traced(layer.spread) or max(layer.spread) > 1
    native = layer.padding == "same" and not dilated
    if layer.padding == "same" and dilated:
        x = padded_same(site, x, layer.kernel_size, layer.steps, layer.spread, LOWEST)
    elif not native:
        x = padded(site, x, _pads(layer), LOWEST)
    function = site.helper("dilated_max_pool") if dilated else "keras.ops.max_pool"
    call = _pooled(function, layer, site, x, native)
    return Emission(call + _cut(layer, site))


@TENSORFLOW.emits(AvgPool1d, AvgPool2d, AvgPool3d)
def avg_pool(layer: AvgPool2d, site: Site) -> Emission:
    """`keras.ops.average_pool`, whose "same" leaves added cells out of the mean."""
    x = channels_last(site, layer.spatial, layer.name)
    require_fixed(layer.ceil_mode, layer.count_include_pad)
    if isinstance(layer.padding, str):
        require_fixed(layer.padding)
    if layer.padding == "same":
        if not layer.count_include_pad:
            return Emission(_pooled("keras.ops.average_pool", layer, site, x, True))
        x = padded_same(site, x, layer.kernel_size, layer.steps, (1,) * layer.spatial)
        return Emission(_pooled("keras.ops.average_pool", layer, site, x, False))
    counted = even(layer.padding, layer.spatial)
    if layer.count_include_pad and not layer.ceil_mode:
        x = padded(site, x, counted)
        return Emission(_pooled("keras.ops.average_pool", layer, site, x, False))
    if not layer.ceil_mode and not is_traced(layer.padding) and not any(map(any, counted)):
        return Emission(_pooled("keras.ops.average_pool", layer, site, x, False))
    return Emission(_counted_mean(layer, site, x, counted) + _cut(layer, site))


def _counted_mean(layer: AvgPool2d, site: Site, x: str, even_pads: Pads) -> str:
    """The mean over those cells of each window that count."""
    padding = tuple(_pads(layer))
    return site.call_forward(
        site.helper("counted_average_pool"),
        Raw(x),
        short(layer.kernel_size),
        short(layer.steps),
        padding=padding,
        counted=even_pads if layer.count_include_pad else ((0, 0),) * layer.spatial,
    )


def _pads(layer: Pool) -> Pads:
    """Cells before and after; rounding up needs one stride less one more behind."""
    pads = even(layer.padding, layer.spatial)
    if not layer.ceil_mode:
        return pads
    return tuple((low, high + s - 1) for (low, high), s in zip(pads, layer.steps, strict=True))


def _cut(layer: Pool, site: Site) -> str:
    """A subscript that drops last windows which would start beyond the input's padding.

    Only a stride longer than what the window reaches behind the padding can make such.
    """
    if not layer.ceil_mode:
        return ""
    pads = even(layer.padding, layer.spatial)
    window = zip(layer.kernel_size, layer.steps, layer.spread, pads, strict=True)
    if all(s <= d * (k - 1) + 1 - p for k, s, d, (p, _) in window):
        return ""
    sizes = ", ".join(f":{site.forward(size)}" for size in site.outputs[0].shape[1:])
    return f"[:, {sizes}]"


def _pooled(function: str, layer: Pool, site: Site, x: str, same: bool) -> str:
    """A call of a pooling function."""
    alike = layer.steps == layer.kernel_size and not is_traced(layer.steps + layer.kernel_size)
    dilated = function == "dilated_max_pool"
    return site.call_forward(
        function,
        Raw(x),
        short(layer.kernel_size),
        strides=None if layer.stride is None or alike else short(layer.steps),
        padding="same" if same else None,
        dilation_rate=short(layer.spread) if dilated else None,
    )


@TENSORFLOW.emits(AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d)
def adaptive_avg_pool(layer: AdaptivePool, site: Site) -> Emission:
    """A helper, since Keras' own layer needs windows smaller than the input; or a plain mean."""
    if not is_traced(layer.output_size) and set(layer.output_size) == {1}:
        x = channels_last(site, layer.spatial, layer.name)
        axis = _short(list(range(1, layer.spatial + 1)))
        return Emission(site.call_forward("keras.ops.mean", Raw(x), axis=axis, keepdims=True))
    return _adaptive("keras.ops.average_pool", layer, site)


@TENSORFLOW.emits(AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d)
def adaptive_max_pool(layer: AdaptivePool, site: Site) -> Emission:
    """The same helper with the largest value."""
    return _adaptive("keras.ops.max_pool", layer, site)


def _adaptive(function: str, layer: AdaptivePool, site: Site) -> Emission:
    x = channels_last(site, layer.spatial, layer.name)
    helper = site.helper("adaptive_pool")
    return Emission(site.call_forward(helper, Raw(x), layer.output_size, Raw(function)))


@TENSORFLOW.emits(GlobalAvgPool)
def global_avg_pool(layer: GlobalPool, site: Site) -> Emission:
    """The mean over everything but channels; with a mask, of what it leaves."""
    if any(site.x[1:]):
        x, mask = _masked(layer, site)
        return Emission(site.call_forward(site.helper("masked_average"), x, mask))
    return Emission(site.call_forward("keras.ops.mean", Raw(site.x[0]), axis=_axes(layer, site)))


@TENSORFLOW.emits(GlobalMaxPool)
def global_max_pool(layer: GlobalPool, site: Site) -> Emission:
    """The largest value over everything but channels; with a mask, of what it leaves."""
    if any(site.x[1:]):
        x, mask = _masked(layer, site)
        seen = site.call_forward("keras.ops.where", Raw(f"{mask}[..., None]"), x, Raw(LOWEST))
        axis = _short(list(range(1, site.type.rank)))
        return Emission(site.call_forward("keras.ops.max", Raw(seen), axis=axis))
    return Emission(site.call_forward("keras.ops.max", Raw(site.x[0]), axis=_axes(layer, site)))


def _masked(layer: GlobalPool, site: Site) -> tuple[Raw, Raw]:
    """The value with its channels last, and the mask."""
    kept, mask_type = stored_axis(site.type, layer.kept(site.type)), site.types[1]
    x = str(site.x[0])
    if kept != site.type.rank:
        x = f"keras.ops.moveaxis({x}, {kept}, -1)"
    return Raw(x), Raw(to_meaning(str(site.x[1]), mask_type) if mask_type else str(site.x[1]))


def _axes(layer: GlobalPool, site: Site) -> Any:
    """The stored axes that are pooled over; the number itself where there is one."""
    kept = layer.kept(site.type)
    return _short(sorted(stored_axis(site.type, i) for i in range(site.type.rank) if i != kept))


def _short(axes: list[int]) -> Any:
    """The number itself where there is one."""
    return axes[0] if len(axes) == 1 else tuple(axes)
