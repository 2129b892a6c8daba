"""Linear maps in PyTorch."""

from backends.base import Emission, Site
from backends.torch.layers import TORCH
from dsl.layers.linear import Linear


@TORCH.emits(Linear)
def linear(layer: Linear, site: Site) -> Emission:
    """`nn.Linear`; the lowering ties the weight where the spec does."""
    bias = None if layer.bias is True else layer.bias
    module = site.call("nn.Linear", site.type.shape[-1], layer.out_features, bias=bias)
    return Emission(f"{site.self}({site.x[0]})", module)
