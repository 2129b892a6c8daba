"""Reparametrised weights in PyTorch: its own `weight_norm`, or a convolution that standardises."""

from __future__ import annotations

from typing import Any

from backends.base import Raw, Site, unless
from dsl.layers.conv import Convolution
from dsl.layers.linear import Linear
from dsl.layers.reparametrization import (
    ScaledWeightStandardization,
    WeightNorm,
    WeightStandardization,
)

ROLES = {
    "weight_g": "parametrizations.weight.original0",
    "weight_v": "parametrizations.weight.original1",
}
"""Where `weight_norm` keeps what it learns."""


def state_name(role: str) -> str:
    """The name of a weight in the module's state."""
    return ROLES.get(role, role)


def construct(layer: Convolution | Linear, site: Site, *args: Any, **named: Any) -> str:
    """Code of the module of a layer, its weight reparametrised as the layer asks.

    Args:
        layer: A convolution or a linear map.
        site: Where it is emitted.
        args: What the module is constructed with.
        named: The same, by name.
    """
    form = layer.weight
    if isinstance(form, WeightNorm):
        module = Raw(site.call(f"nn.{layer.name}", *args, **named))
        return site.call("weight_norm", module, dim=unless(0, form.dim))
    if isinstance(form, WeightStandardization):
        helper = site.helper(f"Standardized{layer.name}")
        return site.call(helper, *args, **named, eps=unless(1e-6, form.eps))
    if isinstance(form, ScaledWeightStandardization):
        helper = site.helper(f"ScaledStandardized{layer.name}")
        settings = {"gamma": unless(1.0, form.gamma), "eps": unless(1e-5, form.eps)}
        return site.call(helper, *args, **named, **settings)
    return site.call(f"nn.{layer.name}", *args, **named)
