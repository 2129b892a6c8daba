"""Elementary functions in PyTorch: methods and operators of tensors."""

from __future__ import annotations

from backends.base import Emission, Site
from backends.torch.layers import TORCH
from dsl.layers import pointwise as kinds


@TORCH.emits(kinds.Abs, kinds.Exp, kinds.Log, kinds.Sqrt, kinds.Rsqrt)
def elementary(layer: kinds.Elementary, site: Site) -> Emission:
    """`torch.exp` and the like."""
    return Emission(f"torch.{layer.name.lower()}({site.x[0]})")


@TORCH.emits(kinds.Power)
def power(layer: kinds.Power, site: Site) -> Emission:
    """Python's operator; a whole exponent is written as one."""
    exponent = site.forward(layer.exponent)
    whole = exponent.endswith(".0")
    return Emission(f"{site.x[0]} ** {exponent[:-2] if whole else _operand(exponent)}")


def _operand(code: str) -> str:
    """Code as the right operand of a power."""
    return f"({code})" if " " in code else code
