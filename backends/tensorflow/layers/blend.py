"""Learned weights of whole values in Keras."""

from __future__ import annotations

from backends.base import Emission, KerasWeight, Raw, Site, require_fixed, unless
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.layers.merge import aligned
from backends.tensorflow.layout import keras_axis
from dsl.layers.axes import channel_axis
from dsl.layers.blend import LayerScale, WeightedSum

HELPERS = {"softmax": "SoftmaxSum", "relu": "FastFusion", "none": "WeightedSum"}


@TENSORFLOW.emits(LayerScale)
def layer_scale(layer: LayerScale, site: Site) -> Emission:
    """A layer of its own, on the last axis."""
    init = unless(1e-6, layer.init)
    module = site.call(
        site.helper("LayerScale", init=init is not None), init=init, name=Raw(site.name)
    )
    axis = keras_axis(site.type, channel_axis(layer.name, site.type))
    call = f"{site.self}({site.x[0]})"
    if axis != -1:
        call = f"{site.self}(keras.ops.moveaxis({site.x[0]}, {axis}, -1))"
        call = f"keras.ops.moveaxis({call}, -1, {axis})"
    return Emission(call, module, (KerasWeight("weight", ("weight",)),))


@TENSORFLOW.emits(WeightedSum)
def weighted_sum(layer: WeightedSum, site: Site) -> Emission:
    """A layer of its own, with code for one way to make shares."""
    require_fixed(layer.normalize, layer.gain)
    epsilon = unless(1e-4, layer.eps) if layer.normalize == "relu" else None
    gain = True if layer.gain else None
    helper = site.helper(HELPERS[layer.normalize], gain=layer.gain)
    module = site.call(helper, epsilon=epsilon, gain=gain, name=Raw(site.name))
    weights = (KerasWeight("weight", ("weight",)), KerasWeight("gain", ("gain",)))
    call = f"{site.self}([{', '.join(aligned(site))}])"
    return Emission(call, module, weights[: 2 if layer.gain else 1])
