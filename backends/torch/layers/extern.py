"""Layers written by hand, in PyTorch."""

from __future__ import annotations

from backends.base import Emission, Site, Unsupported
from backends.torch.layers import TORCH
from dsl.layers.extern import ExternLayer


@TORCH.emits(ExternLayer)
def extern(layer: ExternLayer, site: Site) -> Emission:
    """The user's class, constructed with the arguments by name."""
    made = layer.classes.get("torch")
    if made is None:
        raise Unsupported(
            f"extern layer `{layer.name}` names no class for it",
            'add `torch = "..."` with the name of the class',
        )
    return Emission(f"{site.self}({site.x[0]})", site.call(made, **layer.args))
