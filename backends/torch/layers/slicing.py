"""Parts of a value in PyTorch: Python's own subscripts."""

from __future__ import annotations

from backends.base import Emission, Site
from backends.layers.sizes import slice_code, subscript
from backends.torch.channels import torch_axis
from backends.torch.layers import TORCH
from dsl.kinds.values import AxisName
from dsl.layers.base import resolve_axis
from dsl.layers.slicing import Select, Slice, Split


@TORCH.emits(Select)
def select(layer: Select, site: Site) -> Emission:
    """An index; the last dimension is reached by ``...``."""
    return Emission(f"{site.x[0]}[{_front(layer.dim, site)}{site.forward(layer.index)}]")


@TORCH.emits(Slice)
def slice_(layer: Slice, site: Site) -> Emission:
    """A slice."""
    return Emission(f"{site.x[0]}[{_front(layer.dim, site)}{slice_code(layer, site)}]")


@TORCH.emits(Split)
def split(layer: Split, site: Site) -> Emission:
    """`chunk` into equal parts, `split` into given ones."""
    dim = torch_axis(site.type, resolve_axis(layer.dim, site.type))
    method = "split" if isinstance(layer.sizes, tuple) else "chunk"
    return Emission(site.call_forward(f"{site.x[0]}.{method}", layer.sizes, dim=dim))


def _front(dim: int | AxisName, site: Site) -> str:
    """The subscript of the dimensions in front of one."""
    position = resolve_axis(dim, site.type) + site.type.batched
    return subscript(position, site.type.rank + site.type.batched)
