"""Linear maps in PyTorch."""

from __future__ import annotations

from backends.base import Emission, Site
from backends.torch.layers import TORCH
from backends.torch.layers.parameter import initialized
from backends.torch.layers.reparametrization import construct
from dsl.layers.linear import Linear


@TORCH.emits(Linear)
def linear(layer: Linear, site: Site) -> Emission:
    """`nn.Linear`; a tied one takes the other layer's weight and owns its bias alone."""
    if layer.tie:
        return _tied(layer, site)
    bias = None if layer.bias is True else layer.bias
    module = construct(layer, site, site.type.shape[-1], layer.out_features, bias=bias)
    return Emission(f"{site.self}({site.x[0]})", initialized(site, module, layer.init))


def _tied(layer: Linear, site: Site) -> Emission:
    """A product with ``site.tied``, a weight ``[out, in]`` of another layer."""
    if not layer.bias:
        return Emission(f"F.linear({site.x[0]}, {site.tied})")
    helper = site.helper("TiedLinear")
    module = site.call(helper, site.type.shape[-1], layer.out_features)
    return Emission(f"{site.self}({site.x[0]}, {site.tied})", module)
