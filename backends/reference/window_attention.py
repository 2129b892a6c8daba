"""Windows of images, from their formulas: one window and one pair of pixels at a time."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from backends.reference import Mode, reference
from dsl.layers import window_attention as kinds


@reference(kinds.WindowPartition)
def window_partition(
    layer: kinds.WindowPartition, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """Each window's pixels, row by row (Liu et al. 2021, section 3.2)."""
    x = np.moveaxis(inputs[0], 1, -1) if types[0].is_image_like else inputs[0]
    return _cut(x, layer.window)


@reference(kinds.WindowMerge)
def window_merge(
    layer: kinds.WindowMerge, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """Each window's pixels, put back where they were."""
    (x,) = inputs
    window = math.isqrt(x.shape[2])
    y = np.zeros((len(x), layer.height, layer.width, x.shape[-1]))
    columns = layer.width // window
    for number in range(x.shape[1]):
        top, left = number // columns * window, number % columns * window
        for position in range(x.shape[2]):
            row, column = divmod(position, window)
            y[:, top + row, left + column] = x[:, number, position]
    return y


@reference(kinds.ShiftedWindowMask)
def shifted_window_mask(
    layer: kinds.ShiftedWindowMask, inputs: list[Any], weights: dict[str, Any], mode: Mode,
    types: Any,
) -> np.ndarray:  # fmt: skip
    """True where both pixels come from the same of the parts that the shift brought together."""
    height, width, _ = kinds.pixels(layer.name, types[0])
    part = [
        [2 * (row >= height - layer.shift) + (column >= width - layer.shift)
         for column in range(width)]
        for row in range(height)
    ]  # fmt: skip
    parts = _cut(np.array(part)[None, :, :, None], layer.window)[0, :, :, 0]
    return parts[:, :, None] == parts[:, None, :]


@reference(kinds.RelativePositionBias2d)
def relative_position_bias2d(
    layer: kinds.RelativePositionBias2d, inputs: list[Any], weights: dict[str, Any], mode: Mode,
    types: Any,
) -> np.ndarray:  # fmt: skip
    """``y[h, i, j] = W[d_ij, h]`` (Liu et al. 2021, eq. 4)."""
    table, index = weights["weight"], _numbers(layer.window)
    if not layer.class_token:
        return np.moveaxis(table[index], -1, 0)
    bias = np.zeros((len(index) + 1, len(index) + 1, layer.heads))
    bias[1:, 1:] = table[index]
    bias[0, 1:], bias[1:, 0], bias[0, 0] = table[-3], table[-2], table[-1]
    return np.moveaxis(bias, -1, 0)


@reference(kinds.RelativePositionIndex2d)
def relative_position_index2d(
    layer: kinds.RelativePositionIndex2d, inputs: list[Any], weights: dict[str, Any], mode: Mode,
    types: Any,
) -> np.ndarray:  # fmt: skip
    """``y[i, j] = d_ij``."""
    return _numbers(layer.window)


@reference(kinds.LogRelativePosition2d)
def log_relative_position2d(
    layer: kinds.LogRelativePosition2d, inputs: list[Any], weights: dict[str, Any], mode: Mode,
    types: Any,
) -> np.ndarray:  # fmt: skip
    """``sign(d) log2(1 + 8 |d| / (window - 1)) / 3`` of rows and columns (Liu et al. 2022)."""
    far = layer.window - 1
    distances = range(-far, layer.window)
    scaled = [math.copysign(math.log2(1 + 8 * abs(d) / far) / 3, d) for d in distances]
    return np.array(list(itertools.product(scaled, scaled)))


def _cut(x: np.ndarray, window: int) -> np.ndarray:
    """``[B, H, W, C]`` as ``[B, windows, window * window, C]``."""
    corners = itertools.product(range(0, x.shape[1], window), range(0, x.shape[2], window))
    parts = [x[:, top : top + window, left : left + window] for top, left in corners]
    return np.stack([part.reshape(len(x), -1, x.shape[-1]) for part in parts], axis=1)


def _numbers(window: int) -> np.ndarray:
    """The number of the distance of each pixel from each."""
    index = np.zeros((window**2, window**2), dtype=np.int64)
    for i, j in itertools.product(range(window**2), repeat=2):
        rows, columns = i // window - j // window, i % window - j % window
        index[i, j] = (rows + window - 1) * (2 * window - 1) + columns + window - 1
    return index
