"""Joining values in PyTorch: operators and functions."""

from __future__ import annotations

from backends.base import Emission, Site, unless
from backends.torch.channels import torch_axis
from backends.torch.layers import TORCH
from dsl.layers import merge as kinds

OPERATORS = {kinds.Add: " + ", kinds.Subtract: " - ", kinds.Multiply: " * ", kinds.Divide: " / "}


@TORCH.emits(kinds.Identity)
def identity(layer: kinds.Identity, site: Site) -> Emission:
    """The value itself."""
    return Emission(str(site.x[0]))


@TORCH.emits(kinds.Scale)
def scale(layer: kinds.Scale, site: Site) -> Emission:
    """Python's operators; a formula stands in parentheses."""
    x, factor, offset = site.x[0], _operand(site, layer.factor), _operand(site, layer.offset)
    if unless(0.0, layer.offset) is None:
        return Emission(f"{x} * {factor}")
    if unless(-1.0, layer.factor) is None:
        return Emission(f"{offset} - {x}")
    return Emission(f"{offset} + {x} * {factor}")


def _operand(site: Site, value: float) -> str:
    """A number as an operand."""
    code = site.forward(value)
    return f"({code})" if " " in code or "**" in code else code


@TORCH.emits(kinds.Concat)
def concat(layer: kinds.Concat, site: Site) -> Emission:
    """`torch.cat`; a learned value is first expanded to the batch."""
    result = site.outputs[0]
    parts = list(site.x)
    if result.batched:
        batch = next(x for x, type in zip(site.x, site.types, strict=True) if type.batched)
        for index, type in enumerate(site.types):
            if not type.batched:
                sizes = ", ".join(["-1"] * type.rank)
                parts[index] = f"{site.x[index]}.expand({batch}.shape[0], {sizes})"
    dim = torch_axis(result, layer.position(site.types))
    return Emission(f"torch.cat(({', '.join(parts)}), dim={dim})")


@TORCH.emits(*OPERATORS)
def operator(layer: kinds.Arithmetic, site: Site) -> Emission:
    """Python's operator."""
    return Emission(OPERATORS[type(layer)].join(aligned(site)))


@TORCH.emits(kinds.Average)
def average(layer: kinds.Average, site: Site) -> Emission:
    """The sum by the number."""
    return Emission(f"({' + '.join(aligned(site))}) / {len(site.x)}")


@TORCH.emits(kinds.Maximum, kinds.Minimum)
def extremum(layer: kinds.Maximum | kinds.Minimum, site: Site) -> Emission:
    """`torch.maximum` or `torch.minimum` of two values at a time."""
    first, *others = aligned(site)
    for other in others:
        first = f"torch.{layer.name.lower()}({first}, {other})"
    return Emission(first)


@TORCH.emits(kinds.MatMul)
def matmul(layer: kinds.MatMul, site: Site) -> Emission:
    """Python's operator for it."""
    a, b = aligned(site)
    a = f"{a}.transpose(-2, -1)" if layer.transpose_a else a
    b = f"{b}.transpose(-2, -1)" if layer.transpose_b else b
    return Emission(f"{a} @ {b}")


def aligned(site: Site) -> list[str]:
    """The values, ones put behind the batch of those that have fewer dimensions than the result."""
    result = site.outputs[0]
    values = []
    for x, type in zip(site.x, site.types, strict=True):
        missing = ", None" * (result.rank - type.rank)
        values.append(f"{x}[:{missing}]" if missing and type.batched else str(x))
    return values
