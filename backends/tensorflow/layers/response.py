"""Response normalisation in Keras."""

from __future__ import annotations

from collections.abc import Callable

from backends.base import Emission, KerasWeight, Raw, Site, unless
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.layout import keras_axis
from dsl.layers.axes import channel_axis
from dsl.layers.response import GRN, LocalResponseNorm


@TENSORFLOW.emits(GRN)
def grn(layer: GRN, site: Site) -> Emission:
    """A layer of its own, on the last axis."""
    epsilon = unless(1e-6, layer.eps)
    helper = site.helper("GRN", epsilon=epsilon is not None)
    module = site.call(helper, epsilon=epsilon, name=Raw(site.name))
    weights = (KerasWeight("weight", ("weight",)), KerasWeight("bias", ("bias",)))
    return Emission(_on_last(site, layer.name, lambda x: f"{site.self}({x})"), module, weights)


@TENSORFLOW.emits(LocalResponseNorm)
def local_response_norm(layer: LocalResponseNorm, site: Site) -> Emission:
    """A function: TensorFlow's own takes windows of an odd size alone."""

    def normalized(x: str) -> str:
        return site.call_forward(
            site.helper("local_response_norm"),
            Raw(x),
            layer.size,
            alpha=unless(1e-4, layer.alpha),
            beta=unless(0.75, layer.beta),
            k=unless(1.0, layer.k),
        )

    return Emission(_on_last(site, layer.name, normalized))


def _on_last(site: Site, kind: str, apply: Callable[[str], str]) -> str:
    """A call on the value with its channels as the last axis, which then go back."""
    axis = keras_axis(site.type, channel_axis(kind, site.type))
    if axis == -1:
        return apply(str(site.x[0]))
    moved = apply(f"keras.ops.moveaxis({site.x[0]}, {axis}, -1)")
    return f"keras.ops.moveaxis({moved}, -1, {axis})"
