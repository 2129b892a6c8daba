"""Reductions in Keras: functions."""

from __future__ import annotations

from backends.base import Emission, Raw, Site, unless
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.layout import keras_axis, stored_axis, to_storage
from dsl.layers.reduce import Max, Mean, Min, Sum


@TENSORFLOW.emits(Mean, Sum, Max, Min)
def reduction(layer: Mean | Sum | Max | Min, site: Site) -> Emission:
    """``keras.ops.mean(x, axis=..)`` and the like; of a scalar, the scalar."""
    type, result = site.type, site.outputs[0]
    axes = layer.positions(type)
    if not axes:
        return Emission(str(site.x[0]))
    axis: int | tuple[int, ...] = tuple(sorted(stored_axis(type, axis) for axis in axes))
    if len(axes) == 1:
        axis = keras_axis(type, axes[0])
    keepdims = unless(False, layer.keepdim)
    name = f"keras.ops.{layer.name.lower()}"
    call = site.call_forward(name, Raw(site.x[0]), axis=axis, keepdims=keepdims)
    moved = result.is_image_like and not type.is_image_like
    return Emission(to_storage(call, result) if moved else call)
