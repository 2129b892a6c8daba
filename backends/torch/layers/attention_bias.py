"""Biases of attention in PyTorch."""

from __future__ import annotations

from backends.base import Emission, Raw, Site, unless
from backends.torch.layers import TORCH
from dsl.layers.attention_bias import RelativePositionBias


@TORCH.emits(RelativePositionBias)
def relative_position_bias(layer: RelativePositionBias, site: Site) -> Emission:
    """A module of its own, for PyTorch has none."""
    memory = site.x[1] if len(site.x) > 1 else None
    helper = site.helper("RelativePositionBias", memory=memory is not None)
    module = site.call(
        helper,
        layer.heads,
        buckets=unless(32, layer.buckets),
        max_distance=unless(128, layer.max_distance),
        bidirectional=unless(True, layer.bidirectional),
    )
    values = [Raw(x) for x in site.x if x is not None]
    return Emission(site.call_forward(site.self, *values), module)
