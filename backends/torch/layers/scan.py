"""Scans in PyTorch: a loop over time, which a CPU runs faster than doubling."""

from __future__ import annotations

from backends.base import Emission, Raw, Site, unless
from backends.torch.layers import TORCH
from dsl.layers.scan import LinearRecurrence, SelectiveScan


@TORCH.emits(LinearRecurrence)
def linear_recurrence(layer: LinearRecurrence, site: Site) -> Emission:
    """A function with the loop."""
    helper = site.helper("linear_recurrence")
    return Emission(site.call_forward(helper, *(Raw(str(x)) for x in site.x)))


@TORCH.emits(SelectiveScan)
def selective_scan(layer: SelectiveScan, site: Site) -> Emission:
    """A module of its own, for PyTorch has none; another one where features form heads."""
    call = f"{site.self}({', '.join(map(str, site.x))})"
    if layer.heads is None:
        helper = site.helper("SelectiveScan")
        return Emission(call, site.call(helper, site.type.shape[-1], site.types[2].shape[-1]))
    groups = unless(1, layer.groups)
    helper = site.helper("SelectiveHeadScan", groups=groups is not None)
    return Emission(call, site.call(helper, layer.heads, groups=groups))
