"""Pooling, from its definition."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from backends.reference import Mode, reference
from backends.reference.windows import explicit_pads, pad, windows
from dsl.layers.pooling import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
    AdaptivePool,
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    GlobalAvgPool,
    GlobalMaxPool,
    GlobalPool,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
    Pool,
)

Arrays = list[np.ndarray]


def _cells(layer: Pool, x: np.ndarray, outside: float, beyond: float) -> Arrays:
    """For each cell of the window, its value at all positions.

    Args:
        layer: The kind.
        x: The input ``[B, C, *sizes]``.
        outside: The value of cells that padding adds.
        beyond: The value of cells behind the padding, which rounding up reaches.
    """
    kernel, stride, dilation = layer.kernel_size, layer.steps, layer.spread
    pads = explicit_pads(layer.padding, x.shape[2:], kernel, stride, dilation)
    x = pad(x, pads, outside)
    counts = []
    for n, k, s, d, (_, after) in zip(x.shape[2:], kernel, stride, dilation, pads, strict=True):
        room = n - d * (k - 1) - 1
        count = room // s + 1
        if layer.ceil_mode and room % s and count * s < n - after:
            count += 1
        counts.append(count)
    x = pad(x, [(0, s) for s in stride], beyond)
    return [values for _, values in windows(x, kernel, stride, dilation, tuple(counts))]


@reference(MaxPool1d, MaxPool2d, MaxPool3d)
def max_pool(
    layer: Pool, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``y = max of the window``, added cells being minus infinity (Goodfellow et al. 2016, 9.3)."""
    return functools.reduce(np.maximum, _cells(layer, inputs[0], -np.inf, -np.inf))


@reference(AvgPool1d, AvgPool2d, AvgPool3d)
def avg_pool(
    layer: AvgPool2d, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """The sum of the window over the number of its cells that count (LeCun et al. 1998, II.B)."""
    total = sum(_cells(layer, inputs[0], 0.0, 0.0))
    added = 1.0 if layer.count_include_pad else 0.0
    return total / sum(_cells(layer, np.ones_like(inputs[0]), added, 0.0))


def _adaptive(x: np.ndarray, sizes: tuple[int, ...], pool: Callable[..., Any]) -> np.ndarray:
    """Pools windows ``floor(i L / n) .. ceil((i + 1) L / n)``, one dimension after the other."""
    for axis, n in enumerate(sizes, start=2):
        length = x.shape[axis]
        parts = [
            np.take(x, range(i * length // n, -(-(i + 1) * length // n)), axis) for i in range(n)
        ]
        x = np.stack([pool(part, axis=axis) for part in parts], axis)
    return x


@reference(AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d)
def adaptive_avg_pool(
    layer: AdaptivePool, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """The mean of each window; a mean of means, as all windows of a row are equally high."""
    return _adaptive(inputs[0], layer.output_size, np.mean)


@reference(AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d)
def adaptive_max_pool(
    layer: AdaptivePool, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """The largest value of each window."""
    return _adaptive(inputs[0], layer.output_size, np.max)


@reference(GlobalAvgPool)
def global_avg_pool(
    layer: GlobalPool, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """The mean over everything but channels (Lin et al. 2013, 3.2), or over what a mask leaves."""
    axes, (x, *given) = _pooled_axes(layer, types), inputs
    if not given or given[0] is None:
        return x.mean(axis=axes)
    mask = np.expand_dims(given[0], layer.kept(types[0]) + 1)
    return np.where(mask, x, 0.0).sum(axis=axes) / np.maximum(mask.sum(axis=axes), 1)


@reference(GlobalMaxPool)
def global_max_pool(
    layer: GlobalPool, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """The largest value over everything but channels, or over what a mask leaves."""
    axes, (x, *given) = _pooled_axes(layer, types), inputs
    if given and given[0] is not None:
        x = np.where(np.expand_dims(given[0], layer.kept(types[0]) + 1), x, -np.inf)
    return x.max(axis=axes)


def _pooled_axes(layer: GlobalPool, types: Any) -> tuple[int, ...]:
    return tuple(i + 1 for i in range(types[0].rank) if i != layer.kept(types[0]))
