"""Reshaping, cell by cell in the order of the meaning."""

from __future__ import annotations

from typing import Any

import numpy as np

from backends.reference import Mode, reference
from dsl.layers import reshape as kinds
from dsl.shapes.dim import Poly


@reference(kinds.Flatten, kinds.Unflatten, kinds.Reshape, kinds.Unsqueeze, kinds.Squeeze)
def same_order(
    layer: Any, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """The values in order, the last dimension running fastest (NumPy's order C)."""
    (x,) = inputs
    front = x.shape[: int(types[0].batched)]
    sizes = dict(_sizes(x, types[0]))
    return x.reshape(front + layer.infer(types[0]).sized(sizes).shape)


@reference(kinds.Permute, kinds.Transpose)
def reordered(
    layer: Any, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``y[i_0, i_1, ..] = x`` at the indices put back in their old order."""
    front = int(types[0].batched)
    order = [*range(front), *(axis + front for axis in layer.order(types[0]))]
    return np.transpose(inputs[0], order)


@reference(kinds.ToSequence)
def to_sequence(
    layer: Any, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``y[p] = x[:, p-th pixel]``, row by row."""
    x = np.moveaxis(inputs[0], int(types[0].batched), -1)
    front = x.shape[: int(types[0].batched)]
    return x.reshape(*front, -1, x.shape[-1])


@reference(kinds.ToImage)
def to_image(
    layer: kinds.ToImage, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``y[:, h, w] = x[h * width + w]``."""
    (x,) = inputs
    height = x.shape[-2] // layer.width if isinstance(layer.height, Poly) else layer.height
    rows = x.reshape(*x.shape[:-2], height, x.shape[-2] // height, x.shape[-1])
    return np.moveaxis(rows, -1, -3)


@reference(kinds.Roll)
def roll(
    layer: kinds.Roll, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``y[(i + shift) mod size] = x[i]``, one dimension after the other."""
    (y,) = inputs
    for shift, position in zip(layer.moves, layer.positions(types[0]), strict=True):
        axis = position + int(types[0].batched)
        source = [(i - shift) % y.shape[axis] for i in range(y.shape[axis])]
        y = np.take(y, source, axis=axis)
    return y


def _sizes(x: np.ndarray, type: Any) -> Any:
    """Each symbol of the type with the size that the array gives it."""
    shape = x.shape[int(type.batched) :]
    return ((name, shape[axis]) for name, axis in kinds.sized_by(type).items())
