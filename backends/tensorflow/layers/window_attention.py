"""Windows of images in Keras, where pixels are stored channels-last already."""

from __future__ import annotations

from backends.base import Emission, KerasWeight, Raw, Site, unless
from backends.tensorflow.layers import TENSORFLOW
from dsl.layers import window_attention as kinds


@TENSORFLOW.emits(kinds.WindowPartition)
def window_partition(layer: kinds.WindowPartition, site: Site) -> Emission:
    """A function."""
    helper = site.helper("window_partition")
    return Emission(site.call_forward(helper, Raw(str(site.x[0])), layer.window))


@TENSORFLOW.emits(kinds.WindowMerge)
def window_merge(layer: kinds.WindowMerge, site: Site) -> Emission:
    """A function."""
    helper = site.helper("window_merge")
    return Emission(site.call_forward(helper, Raw(str(site.x[0])), layer.height, layer.width))


@TENSORFLOW.emits(kinds.ShiftedWindowMask)
def shifted_window_mask(layer: kinds.ShiftedWindowMask, site: Site) -> Emission:
    """A constant."""
    site.helper("window_partition")
    height, width, _ = kinds.pixels(layer.name, site.type)
    mask = site.call(site.helper("shifted_window_mask"), height, width, layer.window, layer.shift)
    return _constant(site, mask, str(site.x[0]))


@TENSORFLOW.emits(kinds.RelativePositionBias2d)
def relative_position_bias2d(layer: kinds.RelativePositionBias2d, site: Site) -> Emission:
    """A layer that looks its table up, called with any value that has a batch."""
    site.helper("relative_position_index2d")
    token = unless(False, layer.class_token)
    helper = site.helper("RelativePositionBias2d", class_token=token is not None)
    settings = {"class_token": token, "name": Raw(site.name)}
    module = site.call(helper, layer.heads, layer.window, **settings)
    return Emission(f"{site.self}({site.anchor})", module, (KerasWeight("table", ("weight",)),))


@TENSORFLOW.emits(kinds.RelativePositionIndex2d)
def relative_position_index2d(layer: kinds.RelativePositionIndex2d, site: Site) -> Emission:
    """A constant."""
    index = site.call(site.helper("relative_position_index2d"), layer.window)
    return _constant(site, index, site.anchor)


@TENSORFLOW.emits(kinds.LogRelativePosition2d)
def log_relative_position2d(layer: kinds.LogRelativePosition2d, site: Site) -> Emission:
    """A constant."""
    distances = site.call(site.helper("log_relative_position2d"), layer.window)
    return _constant(site, distances, site.anchor)


def _constant(site: Site, value: str, anchor: str) -> Emission:
    """A layer that holds a value, called with any value that has a batch."""
    module = site.call(site.helper("Constant"), Raw(value), name=Raw(site.name))
    return Emission(f"{site.self}({anchor})", module)
