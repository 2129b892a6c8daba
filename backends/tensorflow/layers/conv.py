"""Convolutions in Keras: channels-last, kernels ``[*window, in, out]``."""

from __future__ import annotations

from typing import Any

from backends.base import (
    Emission,
    KerasWeight,
    Raw,
    Site,
    Unsupported,
    is_traced,
    require_fixed,
    short,
    unless,
)
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.layers.linear import uniform
from backends.tensorflow.layers.reparametrization import construct
from backends.tensorflow.layout import to_storage
from dsl.layers.conv import (
    Conv,
    Conv1d,
    Conv2d,
    Conv3d,
    Convolution,
    ConvTranspose,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from dsl.layers.windows import as_image
from dsl.shapes.dim import product
from dsl.shapes.trace import formula
from dsl.shapes.types import TensorType

Pads = tuple[tuple[Any, Any], ...]


def channels_last(site: Site, spatial: int, kind: str) -> str:
    """Code of the input with channels behind; a sequence read as a signal is turned first."""
    if site.type.is_image_like:
        return site.x[0] or ""
    return to_storage(site.x[0] or "", as_image(site.type, spatial, kind))


def padded(site: Site, x: str, pads: Pads, value: str = "") -> str:
    """Code of a channels-last value with cells added before and after in each dimension."""
    if not is_traced(sum(pads, ())) and not any(map(any, pads)):
        return x
    around = short(sum(pads, ()))
    if is_traced(around) and not isinstance(around, tuple) and len(pads) > 1 and not value:
        return site.call_forward(site.helper("pad_zeros"), Raw(x), around)
    inside = ", ".join(f"({site.forward(low)}, {site.forward(high)})" for low, high in pads)
    fill = f", constant_values={value}" if value else ""
    return f"keras.ops.pad({x}, ((0, 0), {inside}, (0, 0)){fill})"


def even(padding: tuple[int, ...] | str, spatial: int) -> Pads:
    """The cells that explicit padding adds at both ends of each dimension."""
    return ((0, 0),) * spatial if isinstance(padding, str) else tuple((p, p) for p in padding)


def padded_same(
    site: Site,
    x: str,
    kernel_size: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    value: str | None = None,
) -> str:
    """Code of a channels-last value with the cells that ``padding="same"`` adds.

    Raises:
        Unsupported: Their number depends on a size that is only known when the model runs.
    """
    if site.type.is_symbolic:
        raise Unsupported(
            "Keras cannot pad a size that is only known when the model runs",
            'give the padding as numbers instead of "same", or the input a fixed size',
        )
    return site.call_forward(
        site.helper("pad_same"),
        Raw(x),
        short(kernel_size),
        short(stride),
        dilation_rate=unless(1, short(dilation)),
        value=value and Raw(value),
    )


def may_exceed_one(values: tuple[int, ...]) -> bool:
    """Whether a stride or dilation is, or may elsewhere be, above 1."""
    return is_traced(values) or max(values) > 1


@TENSORFLOW.emits(Conv1d, Conv2d, Conv3d)
def conv(layer: Conv, site: Site) -> Emission:
    """`layers.Conv2D` and its like; one channel a group is `layers.DepthwiseConv2D`.

    Keras refuses stride and dilation at once; then every position is computed and some are taken.
    """
    x = channels_last(site, layer.spatial, layer.name)
    thinned = may_exceed_one(layer.stride) and may_exceed_one(layer.dilation)
    if thinned and isinstance(layer.padding, str):
        require_fixed(layer.padding)
    if thinned and layer.padding == "same":
        x, word = padded_same(site, x, layer.kernel_size, layer.stride, layer.dilation), None
    else:
        word = _keras_padding(layer)
        x = x if word else padded(site, x, even(layer.padding, layer.spatial))
    call = f"{site.self}({x})"
    strides = None if thinned else unless(1, short(layer.stride))
    if thinned:
        steps = ", ".join(f"::{site.forward(stride)}" for stride in layer.stride)
        call = f"{call}[:, {steps}]"
    make = _depthwise if _is_depthwise(layer, site.type) else _dense
    module, kernels = make(layer, site, strides, None if word == "valid" else word)
    return Emission(call, module, _weights(layer, kernels))


def _keras_padding(layer: Conv) -> str | None:
    """Keras' word for the padding, or None where cells must be added before."""
    if isinstance(layer.padding, str):
        return layer.padding
    known = not is_traced(layer.kernel_size + layer.padding + layer.dilation + layer.stride)
    if known and not any(layer.padding):
        return "valid"
    window = zip(layer.kernel_size, layer.padding, layer.dilation, layer.stride, strict=True)
    return (
        "same" if known and all(s == 1 and 2 * p == d * (k - 1) for k, p, d, s in window) else None
    )


def _is_depthwise(layer: Conv, x: TensorType) -> bool:
    """Whether each channel is a group, for every stride and dilation that may occur."""
    alone = layer.groups == x.shape[0] and formula(layer.groups) == formula(x.shape[0])
    plain = layer.weight is None and layer.spatial < 3 and len(set(layer.stride)) == 1
    return alone and layer.groups > 1 and plain


def _dense(
    layer: Conv, site: Site, strides: Any, padding: str | None
) -> tuple[str, tuple[KerasWeight, ...]]:
    """A convolution with all, or groups of, channels."""
    return construct(
        layer,
        site,
        f"layers.Conv{layer.spatial}D",
        (*range(2, layer.spatial + 2), 1, 0),
        layer.out_channels,
        short(layer.kernel_size),
        strides=strides,
        padding=padding,
        dilation_rate=unless(1, short(layer.dilation)),
        groups=unless(1, layer.groups),
        **_starts(layer, site, "kernel_initializer", site.type.shape[0] // layer.groups),
    )


def _depthwise(
    layer: Conv, site: Site, strides: Any, padding: str | None
) -> tuple[str, tuple[KerasWeight, ...]]:
    """A convolution of each channel by itself; its kernel is ``[*window, in, out / in]``."""
    multiplier = layer.out_channels // layer.groups
    if formula(layer.out_channels) == formula(layer.groups):
        multiplier = 1
    module = site.call(
        f"layers.DepthwiseConv{layer.spatial}D",
        short(layer.kernel_size),
        strides=strides,
        padding=padding,
        depth_multiplier=unless(1, multiplier),
        dilation_rate=unless(1, short(layer.dilation)),
        **_starts(layer, site, "depthwise_initializer", 1),
    )
    axes = tuple(range(2, layer.spatial + 2))
    return module, (KerasWeight("kernel", ("weight",), (*axes, 0, 1)),)


def _starts(layer: Convolution, site: Site, kernel: str, channels: Any) -> dict[str, Any]:
    """Initializers, whether there is a bias, and the name."""
    window = layer.kernel_size
    fan_in = product((channels, *window)) if is_traced(window) else channels * product(window)
    return {
        "use_bias": unless(True, layer.bias),
        kernel: uniform(site, fan_in),
        "bias_initializer": uniform(site, fan_in) if layer.bias else None,
        "name": Raw(site.name),
    }


def _weights(layer: Convolution, kernels: tuple[KerasWeight, ...]) -> tuple[KerasWeight, ...]:
    return (*kernels, KerasWeight("bias", ("bias",))) if layer.bias else kernels


@TENSORFLOW.emits(ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
def conv_transpose(layer: ConvTranspose, site: Site) -> Emission:
    """`layers.Conv2DTranspose` and its like, its result cut; or a helper where Keras lacks it."""
    x = channels_last(site, layer.spatial, layer.name)
    axes = tuple(range(2, layer.spatial + 2))
    if _is_general(layer):
        module, kernels = _general_transpose(layer, site, (*axes, 0, 1))
        return Emission(f"{site.self}({x})", module, _weights(layer, kernels))
    same = all(
        extra == 0 and 2 * p == k - s
        for k, s, p, extra in zip(
            layer.kernel_size, layer.stride, layer.padding, layer.output_padding, strict=True
        )
    )
    module = site.call(
        f"layers.Conv{layer.spatial}DTranspose",
        layer.out_channels,
        short(layer.kernel_size),
        strides=unless(1, short(layer.stride)),
        padding="same" if same and any(layer.padding) else None,
        **_starts(layer, site, "kernel_initializer", layer.out_channels),
    )
    cut = "" if same else _cut(layer)
    kernel = KerasWeight("kernel", ("weight",), (*axes, 1, 0))
    return Emission(f"{site.self}({x}){cut}", module, _weights(layer, (kernel,)))


def _ends(layer: ConvTranspose) -> tuple[int, ...]:
    """Cells to cut off behind what Keras gives, which has max(kernel, stride) for each cell."""
    window = zip(layer.kernel_size, layer.stride, layer.padding, layer.output_padding, strict=True)
    return tuple(max(k, s) - k + p - extra for k, s, p, extra in window)


def _cut(layer: ConvTranspose) -> str:
    """The subscript that takes the padding off."""
    slices = [
        f"{low or ''}:{-high or ''}" for low, high in zip(layer.padding, _ends(layer), strict=True)
    ]
    return f"[:, {', '.join(slices)}]" if set(slices) != {":"} else ""


def _is_general(layer: ConvTranspose) -> bool:
    """Whether Keras' own layer cannot do it, or not for every value that may occur."""
    window = layer.kernel_size + layer.stride + layer.padding + layer.output_padding
    return (
        layer.weight is not None
        or is_traced(window + layer.dilation + (layer.groups,))
        or layer.groups > 1
        or max(layer.dilation) > 1
        or min(_ends(layer)) < 0
    )


def _general_transpose(
    layer: ConvTranspose, site: Site, permute: tuple[int, ...]
) -> tuple[str, tuple[KerasWeight, ...]]:
    return construct(
        layer,
        site,
        site.helper("ConvTranspose", weight_norm=layer.weight is not None),
        permute,
        layer.out_channels,
        layer.kernel_size,
        strides=unless((1,) * layer.spatial, layer.stride),
        padding=unless((0,) * layer.spatial, layer.padding),
        output_padding=unless((0,) * layer.spatial, layer.output_padding),
        groups=unless(1, layer.groups),
        dilation_rate=unless((1,) * layer.spatial, layer.dilation),
        **_starts(layer, site, "kernel_initializer", layer.out_channels // layer.groups),
    )
