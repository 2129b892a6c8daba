"""Scans in PyTorch: a loop over time, which a CPU runs faster than doubling."""

from __future__ import annotations

from backends.base import Emission, Site
from backends.torch.layers import TORCH
from dsl.layers.scan import SelectiveScan


@TORCH.emits(SelectiveScan)
def selective_scan(layer: SelectiveScan, site: Site) -> Emission:
    """A module of its own, for PyTorch has none."""
    helper = site.helper("SelectiveScan")
    module = site.call(helper, site.type.shape[-1], site.types[2].shape[-1])
    return Emission(f"{site.self}({', '.join(map(str, site.x))})", module)
