"""Reductions in PyTorch: methods of the tensor."""

from __future__ import annotations

from backends.base import Emission, Site, unless
from backends.torch.channels import torch_axis
from backends.torch.layers import TORCH
from dsl.layers.reduce import Max, Mean, Min, Sum

METHODS = {Mean: "mean", Sum: "sum", Max: "amax", Min: "amin"}


@TORCH.emits(*METHODS)
def reduction(layer: Mean | Sum | Max | Min, site: Site) -> Emission:
    """``x.mean(dim=..)`` and the like; of a scalar, the scalar."""
    axes = layer.positions(site.type)
    if not axes:
        return Emission(str(site.x[0]))
    if len(axes) == 1:
        dim = torch_axis(site.type, axes[0])
    else:
        dim = tuple(axis + site.type.batched for axis in axes)
    method = f"{site.x[0]}.{METHODS[type(layer)]}"
    return Emission(site.call_forward(method, dim=dim, keepdim=unless(False, layer.keepdim)))
