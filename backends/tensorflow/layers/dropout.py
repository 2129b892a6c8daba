"""Dropout in Keras."""

from __future__ import annotations

from backends.base import Emission, Raw, Site
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.layout import stored_axis
from dsl.layers.axes import channel_axis
from dsl.layers.dropout import AlphaDropout, Dropout, SpatialDropout, StochasticDepth
from dsl.shapes.trace import Traced


@TENSORFLOW.emits(Dropout, AlphaDropout)
def dropout(layer: Dropout | AlphaDropout, site: Site) -> Emission:
    """`layers.Dropout` or `layers.AlphaDropout`."""
    module = site.call(f"layers.{layer.name}", layer.p, name=Raw(site.name))
    return Emission(f"{site.self}({site.x[0]})", module)


@TENSORFLOW.emits(SpatialDropout)
def spatial_dropout(layer: SpatialDropout, site: Site) -> Emission:
    """`layers.SpatialDropout1D`, `2D` or `3D`, or `Dropout` whose mask keeps to channels."""
    rank = site.type.rank
    channels = stored_axis(site.type, channel_axis(layer.name, site.type))
    if channels == rank and rank <= 4:
        module = site.call(f"layers.SpatialDropout{rank - 1}D", layer.p, name=Raw(site.name))
        return Emission(f"{site.self}({site.x[0]})", module)
    mask = ["None" if axis in (0, channels) else "1" for axis in range(rank + 1)]
    return _masked(layer, site, f"({', '.join(mask)})")


@TENSORFLOW.emits(StochasticDepth)
def stochastic_depth(layer: StochasticDepth, site: Site) -> Emission:
    """`layers.Dropout` with one draw a sample, or one in all."""
    first = "None" if layer.mode == "row" else "1"
    if isinstance(layer.mode, Traced):
        first = f'None if {site.code(layer.mode)} == "row" else 1'
    ones = ", 1" * site.type.rank
    return _masked(layer, site, f"({first}{ones or ','})")


def _masked(layer: SpatialDropout | StochasticDepth, site: Site, shape: str) -> Emission:
    """`layers.Dropout` with a mask of a shape that broadcasts."""
    options = {"noise_shape": Raw(shape), "name": Raw(site.name)}
    module = site.call("layers.Dropout", layer.p, **options)
    return Emission(f"{site.self}({site.x[0]})", module)
