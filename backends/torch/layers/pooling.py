"""Pooling in PyTorch: plain functions."""

from __future__ import annotations

from dataclasses import replace

from backends.base import Emission, Raw, Site, is_traced, require_fixed, short, unless
from backends.torch.layers import TORCH
from backends.torch.layers.conv import padded_same
from dsl.layers.pooling import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
    AdaptivePool,
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    GlobalAvgPool,
    GlobalMaxPool,
    GlobalPool,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
    Pool,
)


@TORCH.emits(MaxPool1d, MaxPool2d, MaxPool3d)
def max_pool(layer: Pool, site: Site) -> Emission:
    """`F.max_pool2d` and its like; "same" adds cells that are never the largest."""
    x = site.x[0]
    if isinstance(layer.padding, str):
        require_fixed(layer.padding)
    if layer.padding == "same":
        x = padded_same(site, layer.kernel_size, layer.steps, layer.spread, "-torch.inf")
    return Emission(_pooled(f"F.max_pool{layer.spatial}d", layer, site, x))


@TORCH.emits(AvgPool1d, AvgPool2d, AvgPool3d)
def avg_pool(layer: AvgPool2d, site: Site) -> Emission:
    """`F.avg_pool2d` and its like; under "same" the mean of ones tells what share counts."""
    function = f"F.avg_pool{layer.spatial}d"
    if not isinstance(layer.padding, str) or layer.padding == "valid":
        return Emission(_pooled(function, layer, site, site.x[0]))
    require_fixed(layer.padding, layer.count_include_pad)
    window = layer.kernel_size, layer.steps, (1,) * layer.spatial
    mean = _pooled(function, layer, site, padded_same(site, *window))
    if layer.count_include_pad:
        return Emission(mean)
    ones = replace(site, x=(f"torch.ones_like({site.x[0]}[:1, :1])",))
    return Emission(f"{mean} / {_pooled(function, layer, site, padded_same(ones, *window))}")


def _pooled(function: str, layer: Pool, site: Site, x: str) -> str:
    """A call of a pooling function; what is PyTorch's default is left out."""
    kernel = short(layer.kernel_size)
    alike = layer.steps == layer.kernel_size and not is_traced(layer.steps + layer.kernel_size)
    padding = 0 if isinstance(layer.padding, str) else short(layer.padding)
    counts = getattr(layer, "count_include_pad", True)
    rest = {
        "stride": None if alike or layer.stride is None else short(layer.steps),
        "padding": unless(0, padding),
        "dilation": unless(1, short(layer.spread)),
        "ceil_mode": unless(False, layer.ceil_mode),
        "count_include_pad": None if layer.padding == "same" else unless(True, counts),
    }
    rest = {key: value for key, value in rest.items() if value is not None}
    if not rest:
        return site.call_forward(function, Raw(x), kernel)
    return site.call_forward(function, Raw(x), kernel_size=kernel, **rest)


@TORCH.emits(AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d)
def adaptive_avg_pool(layer: AdaptivePool, site: Site) -> Emission:
    """`F.adaptive_avg_pool2d` and its like."""
    return _adaptive(f"F.adaptive_avg_pool{layer.spatial}d", layer, site)


@TORCH.emits(AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d)
def adaptive_max_pool(layer: AdaptivePool, site: Site) -> Emission:
    """`F.adaptive_max_pool2d` and its like."""
    return _adaptive(f"F.adaptive_max_pool{layer.spatial}d", layer, site)


def _adaptive(function: str, layer: AdaptivePool, site: Site) -> Emission:
    return Emission(site.call_forward(function, Raw(site.x[0]), short(layer.output_size)))


@TORCH.emits(GlobalAvgPool)
def global_avg_pool(layer: GlobalPool, site: Site) -> Emission:
    """The mean over everything but channels; with a mask, of what it leaves."""
    dims, mask = _pooled_dims(layer, site), next(iter(site.x[1:]), None)
    if mask is None:
        return Emission(f"{site.x[0]}.mean(dim={dims})")
    count = f"{mask}.sum(dim=1, keepdim=True)"
    if site.type.rank > 2:
        count = f"{mask}.flatten(1).sum(dim=1, keepdim=True)"
    total = f"({site.x[0]} * {_spread(layer, site)}).sum(dim={dims})"
    return Emission(f"{total} / {count}.clamp(min=1)")


@TORCH.emits(GlobalMaxPool)
def global_max_pool(layer: GlobalPool, site: Site) -> Emission:
    """The largest value over everything but channels; with a mask, of what it leaves."""
    x = site.x[0]
    if any(site.x[1:]):
        x = f"{x}.masked_fill(~{_spread(layer, site)}, -torch.inf)"
    return Emission(f"{x}.amax(dim={_pooled_dims(layer, site)})")


def _spread(layer: GlobalPool, site: Site) -> str:
    """The mask with an axis for channels."""
    kept = layer.kept(site.type)
    last = kept == site.type.rank - 1
    return f"{site.x[1]}[..., None]" if last else f"{site.x[1]}.unsqueeze({kept + 1})"


def _pooled_dims(layer: GlobalPool, site: Site) -> int | tuple[int, ...]:
    kept = layer.kept(site.type)
    dims = tuple(i + 1 for i in range(site.type.rank) if i != kept)
    return dims[0] if len(dims) == 1 else dims
