"""Dropout in PyTorch."""

from __future__ import annotations

from backends.base import Emission, Site, unless
from backends.torch.channels import on_channels, ranked
from backends.torch.layers import TORCH
from dsl.layers.axes import channel_axis
from dsl.layers.dropout import AlphaDropout, Dropout, SpatialDropout, StochasticDepth


@TORCH.emits(Dropout, AlphaDropout)
def dropout(layer: Dropout | AlphaDropout, site: Site) -> Emission:
    """`nn.Dropout` or `nn.AlphaDropout`."""
    return Emission(f"{site.self}({site.x[0]})", site.call(f"nn.{layer.name}", layer.p))


@TORCH.emits(SpatialDropout)
def spatial_dropout(layer: SpatialDropout, site: Site) -> Emission:
    """`nn.Dropout1d`, `2d` or `3d`, on channels behind the batch."""
    name, flat = ranked("nn.Dropout", site.type.rank - 1)
    call = on_channels(site, channel_axis(layer.name, site.type), flat)
    return Emission(call, site.call(name, layer.p))


@TORCH.emits(StochasticDepth)
def stochastic_depth(layer: StochasticDepth, site: Site) -> Emission:
    """A module of its own, for PyTorch has none."""
    mode = unless("row", layer.mode)
    helper = site.helper("StochasticDepth", batch=mode is not None)
    module = site.call(helper, layer.p, mode=mode)
    return Emission(f"{site.self}({site.x[0]})", module)
