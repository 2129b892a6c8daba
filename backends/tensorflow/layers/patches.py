"""Patches as columns in Keras: helpers, for TensorFlow has the channels of a patch innermost."""

from __future__ import annotations

from typing import Any

from backends.base import Emission, Raw, Site, unless
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.layers.conv import channels_last
from dsl.layers.patches import Fold, Unfold

_ONES = (1, 1)


@TENSORFLOW.emits(Unfold)
def unfold(layer: Unfold, site: Site) -> Emission:
    """A helper that takes the cells of all patches, one after the other."""
    x = Raw(channels_last(site, 2, layer.name))
    return Emission(
        site.call_forward(site.helper("unfold"), x, layer.kernel_size, **_window(layer))
    )


@TENSORFLOW.emits(Fold)
def fold(layer: Fold, site: Site) -> Emission:
    """A helper that adds every value where `unfold` takes it from."""
    x = Raw(channels_last(site, 1, layer.name))
    sizes = layer.output_size, layer.kernel_size
    return Emission(site.call_forward(site.helper("fold"), x, *sizes, **_window(layer)))


def _window(layer: Unfold | Fold) -> dict[str, Any]:
    return {
        "dilation_rate": unless(_ONES, layer.dilation),
        "padding": unless((0, 0), layer.padding),
        "strides": unless(_ONES, layer.stride),
    }
