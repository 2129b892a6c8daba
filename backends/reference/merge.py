"""Joining values, as NumPy does on shapes without the batch."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from backends.reference import Mode, reference
from dsl.layers import merge as kinds

_FOLDS = {
    kinds.Add: np.add,
    kinds.Subtract: np.subtract,
    kinds.Multiply: np.multiply,
    kinds.Divide: np.divide,
    kinds.Average: np.add,
    kinds.Maximum: np.maximum,
    kinds.Minimum: np.minimum,
}


def aligned(inputs: list[Any], types: Any) -> list[np.ndarray]:
    """Values with the batch in front, if any has one, and one number of dimensions."""
    rank = max(type.rank for type in types)
    batched = any(type.batched for type in types)
    values = []
    for x, type in zip(inputs, types, strict=True):
        front = x.shape[:1] if type.batched else (1,) * batched
        inner = x.shape[type.batched :]
        values.append(x.reshape(*front, *(1,) * (rank - type.rank), *inner))
    return values


@reference(kinds.Identity)
def identity(
    layer: kinds.Identity, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> Any:
    """The value."""
    return inputs[0]


@reference(kinds.Scale)
def scale(
    layer: kinds.Scale, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> Any:
    """``factor * x + offset`` (Vaswani et al. 2017, section 3.4)."""
    return layer.factor * inputs[0] + layer.offset


@reference(*_FOLDS)
def arithmetic(
    layer: Any, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """Element by element, two at a time (NumPy, "Broadcasting")."""
    total = functools.reduce(_FOLDS[type(layer)], aligned(inputs, types))
    return total / len(inputs) if isinstance(layer, kinds.Average) else total


@reference(kinds.Concat)
def concat(
    layer: kinds.Concat, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """One after the other (NumPy `concatenate`); a learned value is repeated for every sample."""
    values = aligned(inputs, types)
    batched = any(type.batched for type in types)
    axis = layer.position(types) + batched
    if batched:
        batch = max(len(value) for value in values)
        values = [np.broadcast_to(value, (batch, *value.shape[1:])) for value in values]
    return np.concatenate(values, axis)


@reference(kinds.MatMul)
def matmul(
    layer: kinds.MatMul, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """Sums of products of rows and columns (NumPy `matmul`)."""
    a, b = aligned(inputs, types)
    a = np.swapaxes(a, -2, -1) if layer.transpose_a else a
    b = np.swapaxes(b, -2, -1) if layer.transpose_b else b
    return np.einsum("...nk,...km->...nm", a, b)
