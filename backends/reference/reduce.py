"""Reductions, as in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from backends.reference import Mode, reference
from dsl.layers.reduce import Max, Mean, Min, Sum

_FUNCTIONS = {Mean: np.mean, Sum: np.sum, Max: np.max, Min: np.min}


@reference(*_FUNCTIONS)
def reduction(
    layer: Any, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """Over the axes given, the batch not counted (NumPy `mean` and the like)."""
    axes = tuple(axis + types[0].batched for axis in layer.positions(types[0]))
    return _FUNCTIONS[type(layer)](inputs[0], axis=axes, keepdims=bool(layer.keepdim))
