"""Reshaping in PyTorch: views where the memory allows them."""

from __future__ import annotations

from backends.base import Emission, Raw, Site
from backends.layers.sizes import size_code
from backends.torch.channels import torch_axis
from backends.torch.layers import TORCH
from dsl.layers import reshape as kinds
from dsl.layers.base import resolve_axis
from dsl.shapes.dim import Dim, Poly
from dsl.shapes.trace import formula


@TORCH.emits(kinds.Flatten)
def flatten(layer: kinds.Flatten, site: Site) -> Emission:
    """`torch.flatten`, behind the batch."""
    start, end = layer.span(site.type)
    if start == end:
        return Emission(site.x[0])
    first = f"torch.flatten({site.x[0]}, {start + site.type.batched}"
    last = "" if end == site.type.rank - 1 else f", {end + site.type.batched}"
    return Emission(f"{first}{last})")


@TORCH.emits(kinds.Reshape)
def reshape(layer: kinds.Reshape, site: Site) -> Emission:
    """`flatten` of the last dimensions where it is that, `unflatten` where a size is left open."""
    shape = site.outputs[0].shape
    if _flattens_last(site.type.shape, shape):
        return Emission(f"{site.x[0]}.flatten({len(shape) - 1 + site.type.batched})")
    hole = _hole(layer.shape, shape)
    sizes = [_size(size, site) for size in shape]
    if hole is None or not site.type.batched:
        front = ["-1"] * site.type.batched
        if hole is not None:
            sizes[hole] = "-1"
        return Emission(f"{site.x[0]}.reshape({', '.join(front + sizes) or '()'})")
    sizes[hole] = "-1"
    flat = site.x[0] if site.type.rank == 1 else f"torch.flatten({site.x[0]}, 1)"
    return Emission(flat if len(sizes) == 1 else f"{flat}.unflatten(1, ({', '.join(sizes)}))")


@TORCH.emits(kinds.Unflatten)
def unflatten(layer: kinds.Unflatten, site: Site) -> Emission:
    """`unflatten`, behind the batch."""
    at, shape = layer.parts(site.type)
    hole = _hole(layer.unflattened_size, shape)
    sizes = ["-1" if i == hole else site.forward(size) for i, size in enumerate(shape)]
    parts = f"({', '.join(sizes)}{',' * (len(sizes) == 1)})"
    return Emission(f"{site.x[0]}.unflatten({torch_axis(site.type, at)}, {parts})")


def _flattens_last(old: tuple[Dim, ...], new: tuple[Dim, ...]) -> bool:
    """Whether a new shape puts together the last dimensions and leaves all others."""
    kept = list(zip(old, new[:-1], strict=False))
    same = all(a == b and formula(a) == formula(b) for a, b in kept)
    return 0 < len(new) < len(old) and same


def _hole(asked: tuple[Dim, ...], shape: tuple[Dim, ...]) -> int | None:
    """The position of the size to leave open: the only symbol, or the author's -1."""
    open_sizes = [i for i, size in enumerate(shape) if isinstance(size, Poly)]
    if len(open_sizes) == 1:
        return open_sizes[0]
    rest = [i for i, size in enumerate(asked) if not isinstance(size, Poly) and size == -1]
    return rest[0] if rest else None


def _size(size: Dim, site: Site) -> str:
    """Code of a size in `forward`."""
    front = site.type.batched
    return size_code(size, site.type, lambda i: f"{site.x[0]}.shape[{i + front}]", site.forward)


@TORCH.emits(kinds.Permute, kinds.Transpose)
def permute(layer: kinds.Permute | kinds.Transpose, site: Site) -> Emission:
    """`transpose` of two dimensions, `permute` of more."""
    front = int(site.type.batched)
    order = layer.order(site.type)
    moved = [i for i, old in enumerate(order) if i != old]
    if not moved:
        return Emission(site.x[0])
    if len(moved) == 2:
        return Emission(f"{site.x[0]}.transpose({moved[0] + front}, {moved[1] + front})")
    dims = [*range(front), *(old + front for old in order)]
    return Emission(f"{site.x[0]}.permute({', '.join(map(str, dims))})")


@TORCH.emits(kinds.ToSequence)
def to_sequence(layer: kinds.ToSequence, site: Site) -> Emission:
    """Pixels made one dimension, then swapped with the channels."""
    front = int(site.type.batched)
    flat = f"{site.x[0]}.flatten({front + 1})" if site.type.rank > 2 else site.x[0]
    return Emission(f"{flat}.transpose({front}, {front + 1})")


@TORCH.emits(kinds.ToImage)
def to_image(layer: kinds.ToImage, site: Site) -> Emission:
    """Positions swapped with the channels, then made rows and columns."""
    front = int(site.type.batched)
    sizes = [
        "-1" if isinstance(size, Poly) else site.forward(size)
        for size in (layer.height, layer.width)
    ]
    swapped = f"{site.x[0]}.transpose({front}, {front + 1})"
    return Emission(f"{swapped}.unflatten({front + 1}, ({', '.join(sizes)}))")


@TORCH.emits(kinds.Roll)
def roll(layer: kinds.Roll, site: Site) -> Emission:
    """`torch.roll`."""
    dims = tuple(position + site.type.batched for position in layer.positions(site.type))
    parts = [part[0] if len(part) == 1 else part for part in (layer.moves, dims)]
    return Emission(site.call_forward("torch.roll", Raw(site.x[0]), *parts))


@TORCH.emits(kinds.Unsqueeze)
def unsqueeze(layer: kinds.Unsqueeze, site: Site) -> Emission:
    """`unsqueeze`, behind the batch."""
    return Emission(f"{site.x[0]}.unsqueeze({layer.position(site.type) + site.type.batched})")


@TORCH.emits(kinds.Squeeze)
def squeeze(layer: kinds.Squeeze, site: Site) -> Emission:
    """`squeeze`, behind the batch."""
    position = resolve_axis(layer.dim, site.type) + site.type.batched
    return Emission(f"{site.x[0]}.squeeze({position})")
