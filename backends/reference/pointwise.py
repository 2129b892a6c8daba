"""Elementary functions, from NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np

from backends.reference import Mode, reference
from dsl.layers import pointwise as kinds

FUNCTIONS = {
    kinds.Abs: np.absolute,
    kinds.Exp: np.exp,
    kinds.Log: np.log,
    kinds.Sqrt: np.sqrt,
}


@reference(*FUNCTIONS)
def elementary(
    layer: Any, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """NumPy's function of that name."""
    return FUNCTIONS[type(layer)](inputs[0])


@reference(kinds.Rsqrt)
def rsqrt(
    layer: kinds.Rsqrt, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``1 / sqrt(x)``."""
    return 1 / np.sqrt(inputs[0])


@reference(kinds.Power)
def power(
    layer: kinds.Power, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``x ** exponent`` (NumPy `power`)."""
    return inputs[0] ** layer.exponent
