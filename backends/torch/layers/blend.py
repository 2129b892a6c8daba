"""Learned weights of whole values in PyTorch."""

from __future__ import annotations

from backends.base import Emission, Site, require_fixed, unless
from backends.torch.channels import torch_axis
from backends.torch.layers import TORCH
from backends.torch.layers.merge import aligned
from dsl.layers.axes import channel_axis
from dsl.layers.blend import LayerScale, WeightedSum


@TORCH.emits(LayerScale)
def layer_scale(layer: LayerScale, site: Site) -> Emission:
    """A module of its own, whose weight has ones for the axes behind the channels."""
    axis = channel_axis(layer.name, site.type)
    behind = 0 if torch_axis(site.type, axis) == -1 else site.type.rank - axis - 1
    init = unless(1e-6, layer.init)
    helper = site.helper("LayerScale", init=init is not None, spatial=behind > 0)
    module = site.call(helper, site.type.shape[axis], init=init, spatial=unless(0, behind))
    return Emission(f"{site.self}({site.x[0]})", module)


@TORCH.emits(WeightedSum)
def weighted_sum(layer: WeightedSum, site: Site) -> Emission:
    """A module of its own, with code for one way to make shares."""
    require_fixed(layer.normalize, layer.gain)
    eps = layer.eps if layer.normalize == "relu" else None
    helper = site.helper(HELPERS[layer.normalize], gain=layer.gain)
    gain = True if layer.gain else None
    module = site.call(helper, len(site.x), eps=eps and unless(1e-4, eps), gain=gain)
    return Emission(f"{site.self}({', '.join(aligned(site))})", module)


HELPERS = {"softmax": "SoftmaxSum", "relu": "FastFusion", "none": "WeightedSum"}
