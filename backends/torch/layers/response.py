"""Response normalisation in PyTorch."""

from __future__ import annotations

from backends.base import Emission, Site, unless
from backends.torch.channels import on_channels, torch_axis
from backends.torch.layers import TORCH
from dsl.layers.axes import channel_axis
from dsl.layers.response import GRN, LocalResponseNorm


@TORCH.emits(GRN)
def grn(layer: GRN, site: Site) -> Emission:
    """A module of its own, on channels brought to the end."""
    axis, eps = channel_axis(layer.name, site.type), unless(1e-6, layer.eps)
    helper = site.helper("GRN", eps=eps is not None)
    module = site.call(helper, site.type.shape[axis], eps=eps)
    dim = torch_axis(site.type, axis)
    if dim == -1:
        return Emission(f"{site.self}({site.x[0]})", module)
    return Emission(f"{site.self}({site.x[0]}.movedim({dim}, -1)).movedim(-1, {dim})", module)


@TORCH.emits(LocalResponseNorm)
def local_response_norm(layer: LocalResponseNorm, site: Site) -> Emission:
    """`nn.LocalResponseNorm`, on channels behind the batch."""
    module = site.call(
        "nn.LocalResponseNorm",
        layer.size,
        alpha=unless(1e-4, layer.alpha),
        beta=unless(0.75, layer.beta),
        k=unless(1.0, layer.k),
    )
    return Emission(on_channels(site, channel_axis(layer.name, site.type)), module)
