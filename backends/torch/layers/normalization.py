"""Normalisation in PyTorch."""

from __future__ import annotations

from backends.base import Emission, Raw, Site, unless
from backends.torch.channels import on_channels, ranked, torch_axis
from backends.torch.layers import TORCH
from dsl.layers.axes import channel_axis
from dsl.layers.base import resolve_axis
from dsl.layers.normalization import (
    BatchNorm,
    GroupNorm,
    InstanceNorm,
    L2Normalize,
    LayerNorm,
    RMSNorm,
)


@TORCH.emits(BatchNorm)
def batch_norm(layer: BatchNorm, site: Site) -> Emission:
    """`nn.BatchNorm1d`, `2d` or `3d`, on channels behind the batch."""
    axis = channel_axis(layer.name, site.type)
    name, flat = ranked("nn.BatchNorm", site.type.rank - 1)
    module = site.call(
        name,
        site.type.shape[axis],
        eps=unless(1e-5, layer.eps),
        momentum=unless(0.1, layer.momentum),
        affine=unless(True, layer.affine),
    )
    if not layer.scale:
        module = site.call(site.helper("offset_only"), Raw(module))
    return Emission(on_channels(site, axis, flat), module)


@TORCH.emits(GroupNorm)
def group_norm(layer: GroupNorm, site: Site) -> Emission:
    """`nn.GroupNorm`, on channels behind the batch."""
    axis = channel_axis(layer.name, site.type)
    module = site.call(
        "nn.GroupNorm",
        layer.num_groups,
        site.type.shape[axis],
        eps=unless(1e-5, layer.eps),
        affine=unless(True, layer.affine),
    )
    return Emission(on_channels(site, axis), module)


@TORCH.emits(InstanceNorm)
def instance_norm(layer: InstanceNorm, site: Site) -> Emission:
    """`nn.InstanceNorm1d`, `2d` or `3d`, on channels behind the batch."""
    axis = channel_axis(layer.name, site.type)
    name, flat = ranked("nn.InstanceNorm", site.type.rank - 1)
    module = site.call(
        name,
        site.type.shape[axis],
        eps=unless(1e-5, layer.eps),
        affine=unless(False, layer.affine),
    )
    return Emission(on_channels(site, axis, flat), module)


@TORCH.emits(LayerNorm)
def layer_norm(layer: LayerNorm, site: Site) -> Emission:
    """`nn.LayerNorm`."""
    module = site.call(
        "nn.LayerNorm",
        _last_sizes(layer, site),
        eps=unless(1e-5, layer.eps),
        elementwise_affine=unless(True, layer.elementwise_affine),
        bias=unless(True, layer.bias),
    )
    return Emission(f"{site.self}({site.x[0]})", module)


@TORCH.emits(RMSNorm)
def rms_norm(layer: RMSNorm, site: Site) -> Emission:
    """`nn.RMSNorm`."""
    module = site.call(
        "nn.RMSNorm",
        _last_sizes(layer, site),
        eps=layer.eps,
        elementwise_affine=unless(True, layer.elementwise_affine),
    )
    return Emission(f"{site.self}({site.x[0]})", module)


def _last_sizes(layer: LayerNorm | RMSNorm, site: Site) -> Raw:
    """The size normalised over, or a tuple of several."""
    sizes = [site.code(size) for size in site.type.shape[site.type.rank - layer.dims :]]
    return Raw(sizes[0] if len(sizes) == 1 else f"({', '.join(sizes)})")


@TORCH.emits(L2Normalize)
def l2_normalize(layer: L2Normalize, site: Site) -> Emission:
    """`F.normalize`."""
    dim = torch_axis(site.type, resolve_axis(layer.dim, site.type))
    x = Raw(site.x[0])
    return Emission(site.call_forward("F.normalize", x, dim=dim, eps=unless(1e-12, layer.eps)))
