"""Patches as columns in PyTorch: `F.unfold` and `F.fold`."""

from __future__ import annotations

from typing import Any

from backends.base import Emission, Raw, Site, short, unless
from backends.torch.layers import TORCH
from dsl.layers.patches import Fold, Unfold


@TORCH.emits(Unfold)
def unfold(layer: Unfold, site: Site) -> Emission:
    """`F.unfold`, whose order is ours."""
    kernel = short(layer.kernel_size)
    return Emission(site.call_forward("F.unfold", Raw(site.x[0]), kernel, **_window(layer)))


@TORCH.emits(Fold)
def fold(layer: Fold, site: Site) -> Emission:
    """`F.fold`, whose order is ours."""
    sizes = layer.output_size, short(layer.kernel_size)
    return Emission(site.call_forward("F.fold", Raw(site.x[0]), *sizes, **_window(layer)))


def _window(layer: Unfold | Fold) -> dict[str, Any]:
    return {
        "dilation": unless(1, short(layer.dilation)),
        "padding": unless(0, short(layer.padding)),
        "stride": unless(1, short(layer.stride)),
    }
