"""Parts of a value in PyTorch: Python's own subscripts."""

from __future__ import annotations

from backends.base import Emission, Site
from backends.layers.sizes import line_up, slice_code, subscript
from backends.torch.channels import torch_axis
from backends.torch.layers import TORCH
from dsl.kinds.values import AxisName
from dsl.layers.base import resolve_axis
from dsl.layers.slicing import Gather, Select, Slice, Split


@TORCH.emits(Select)
def select(layer: Select, site: Site) -> Emission:
    """An index; the last dimension is reached by ``...``."""
    return Emission(f"{site.x[0]}[{_front(layer.dim, site)}{site.forward(layer.index)}]")


@TORCH.emits(Slice)
def slice_(layer: Slice, site: Site) -> Emission:
    """A slice."""
    return Emission(f"{site.x[0]}[{_front(layer.dim, site)}{slice_code(layer, site)}]")


@TORCH.emits(Gather)
def gather(layer: Gather, site: Site) -> Emission:
    """A subscript; `torch.take_along_dim` where each sample has positions of its own."""
    (x, index), (values, positions) = site.x, site.types
    at = resolve_axis(layer.dim, values)
    if values.batched and positions.batched:
        whole = str(index) if positions.dtype == "int64" else f"{index}.long()"
        lined = line_up(whole, positions, values, at)
        call = f"torch.take_along_dim({x}, {lined}, dim={at + 1})"
        return Emission(call if positions.rank else f"{call}.squeeze({at + 1})")
    call = f"{x}[{':, ' * (at + values.batched)}{index}]"
    return Emission(f"{call}.movedim({at}, 0)" if positions.batched and at else call)


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
