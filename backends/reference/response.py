"""Response normalisation, from its formulas."""

from __future__ import annotations

from typing import Any

import numpy as np

from backends.reference import Mode, reference
from dsl.layers.axes import channel_axis
from dsl.layers.response import GRN, LocalResponseNorm


@reference(GRN)
def grn(
    layer: GRN, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``weight * (x * g / (mean(g) + eps)) + bias + x`` (Woo et al. 2023, algorithm 1)."""
    axis = channel_axis(layer.name, types[0]) + 1
    x = np.moveaxis(inputs[0], axis, -1)
    g = np.sqrt((x**2).sum(tuple(range(1, x.ndim - 1)), keepdims=True))
    n = g / (g.mean(-1, keepdims=True) + layer.eps)
    return np.moveaxis(weights["weight"] * (x * n) + weights["bias"] + x, -1, axis)


@reference(LocalResponseNorm)
def local_response_norm(
    layer: LocalResponseNorm, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``x / (k + alpha / size * sum of squares nearby) ** beta`` (Krizhevsky et al. 2012)."""
    axis = channel_axis(layer.name, types[0]) + 1
    x = np.moveaxis(inputs[0], axis, -1)
    y = np.empty_like(x)
    for c in range(x.shape[-1]):
        near = x[..., max(c - layer.size // 2, 0) : c + (layer.size - 1) // 2 + 1]
        y[..., c] = (
            x[..., c] / (layer.k + layer.alpha / layer.size * (near**2).sum(-1)) ** layer.beta
        )
    return np.moveaxis(y, -1, axis)
