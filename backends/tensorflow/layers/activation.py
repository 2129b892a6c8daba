"""Activations in Keras: functions, and a layer for the one that has weights."""

from __future__ import annotations

from backends.base import Emission, KerasWeight, Raw, Site, unless
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.layout import keras_axis, stored_axis
from dsl.layers import activation as kinds
from dsl.layers.axes import channel_axis, class_axis
from dsl.shapes.trace import Traced

FUNCTIONS = {
    kinds.ReLU: "relu",
    kinds.ReLU6: "relu6",
    kinds.SELU: "selu",
    kinds.SiLU: "silu",
    kinds.Sigmoid: "sigmoid",
    kinds.Tanh: "tanh",
    kinds.Softsign: "softsign",
    kinds.Tanhshrink: "tanh_shrink",
    kinds.LogSigmoid: "log_sigmoid",
    kinds.Hardsigmoid: "hard_sigmoid",
    kinds.Hardswish: "hard_silu",
}


@TENSORFLOW.emits(*FUNCTIONS)
def function(layer: kinds.Activation, site: Site) -> Emission:
    """A function of `keras.ops`."""
    return Emission(f"keras.ops.{FUNCTIONS[type(layer)]}({site.x[0]})")


@TENSORFLOW.emits(kinds.LeakyReLU)
def leaky_relu(layer: kinds.LeakyReLU, site: Site) -> Emission:
    """`keras.ops.leaky_relu`, its slope always written: Keras' own default is 0.2."""
    return _call(site, "leaky_relu", negative_slope=layer.negative_slope)


@TENSORFLOW.emits(kinds.ELU, kinds.CELU)
def elu(layer: kinds.ELU | kinds.CELU, site: Site) -> Emission:
    """`keras.ops.elu` or `celu`."""
    return _call(site, layer.name.lower(), alpha=unless(1.0, layer.alpha))


@TENSORFLOW.emits(kinds.GELU)
def gelu(layer: kinds.GELU, site: Site) -> Emission:
    """`keras.ops.gelu`, its formula always written: Keras' own default is the tanh."""
    is_tanh: bool | Raw = layer.approximate == "tanh"
    if isinstance(layer.approximate, Traced):
        is_tanh = Raw(f'{site.forward(layer.approximate)} == "tanh"')
    return _call(site, "gelu", approximate=is_tanh)


@TENSORFLOW.emits(kinds.Mish)
def mish(layer: kinds.Mish, site: Site) -> Emission:
    """A layer, for there is no function in `keras.ops`."""
    module = site.call("layers.Activation", "mish", name=Raw(site.name))
    return Emission(f"{site.self}({site.x[0]})", module)


@TENSORFLOW.emits(kinds.Softplus)
def softplus(layer: kinds.Softplus, site: Site) -> Emission:
    """`keras.ops.softplus`, in a helper where it does not start at its defaults."""
    if unless(1.0, layer.beta) is None and unless(20.0, layer.threshold) is None:
        return _call(site, "softplus")
    return Emission(
        site.call_forward(site.helper("softplus"), Raw(site.x[0]), layer.beta, layer.threshold)
    )


@TENSORFLOW.emits(kinds.Softshrink)
def softshrink(layer: kinds.Softshrink, site: Site) -> Emission:
    """What `keras.ops.clip` takes away, which keeps a NaN (`keras.ops.soft_shrink` hides it)."""
    x, most = site.x[0], layer.lambd
    clipped = site.call_forward("keras.ops.clip", Raw(x), -most, most)
    return Emission(f"{x} - {clipped}")


@TENSORFLOW.emits(kinds.Hardshrink)
def hardshrink(layer: kinds.Hardshrink, site: Site) -> Emission:
    """0 where small, which keeps a NaN (`keras.ops.hard_shrink` hides it)."""
    small = f"keras.ops.abs({site.x[0]}) <= {site.forward(layer.lambd)}"
    return Emission(f"keras.ops.where({small}, 0.0, {site.x[0]})")


@TENSORFLOW.emits(kinds.Threshold)
def threshold(layer: kinds.Threshold, site: Site) -> Emission:
    """The value where not above, which keeps a NaN (`keras.ops.threshold` hides it)."""
    low = f"{site.x[0]} <= {site.forward(layer.threshold)}"
    return Emission(f"keras.ops.where({low}, {site.forward(layer.value)}, {site.x[0]})")


@TENSORFLOW.emits(kinds.Hardtanh)
def hardtanh(layer: kinds.Hardtanh, site: Site) -> Emission:
    """`keras.ops.clip`."""
    return _call(site, "clip", layer.min_val, layer.max_val)


@TENSORFLOW.emits(kinds.Clamp)
def clamp(layer: kinds.Clamp, site: Site) -> Emission:
    """`keras.ops.clip`; with one bound, the maximum or minimum of it and the value."""
    if layer.max is None:
        return _call(site, "maximum", layer.min)
    if layer.min is None:
        return _call(site, "minimum", layer.max)
    return _call(site, "clip", layer.min, layer.max)


@TENSORFLOW.emits(kinds.Softmax, kinds.LogSoftmax, kinds.Softmin, kinds.GLU)
def along_axis(layer: kinds.AlongAxis, site: Site) -> Emission:
    """A function of the elements along an axis."""
    axis = unless(-1, keras_axis(site.type, class_axis(layer.dim, site.type)))
    names = {kinds.LogSoftmax: "log_softmax", kinds.GLU: "glu"}
    x = f"-{site.x[0]}" if isinstance(layer, kinds.Softmin) else str(site.x[0])
    name = f"keras.ops.{names.get(type(layer), 'softmax')}"
    return Emission(site.call_forward(name, Raw(x), axis=axis))


@TENSORFLOW.emits(kinds.PReLU)
def prelu(layer: kinds.PReLU, site: Site) -> Emission:
    """`layers.PReLU`, which shares slopes along all axes, or all but that of channels."""
    type = site.type
    axes = set(range(1, type.rank + type.batched))
    if layer.num_parameters != 1:
        axes.discard(stored_axis(type, channel_axis(layer.name, type)))
    module = site.call(
        "layers.PReLU",
        alpha_initializer=Raw(site.call("keras.initializers.Constant", layer.init)),
        shared_axes=tuple(sorted(axes)) or None,
        name=Raw(site.name),
    )
    return Emission(f"{site.self}({site.x[0]})", module, (KerasWeight("alpha", ("weight",)),))


def _call(site: Site, name: str, *args: object, **named: object) -> Emission:
    return Emission(site.call_forward(f"keras.ops.{name}", Raw(site.x[0]), *args, **named))
