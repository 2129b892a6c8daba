"""Cells under a sliding window, straight from index arithmetic."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

Pads = list[tuple[int, int]]


def same_pads(
    sizes: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
) -> Pads:
    """Cells that "same" adds at both ends, for ceil(size / stride) windows; the odd one last."""
    pads = []
    for size, k, s, d in zip(sizes, kernel, stride, dilation, strict=True):
        count = -(-size // s)
        total = max((count - 1) * s + d * (k - 1) + 1 - size, 0)
        pads.append((total // 2, total - total // 2))
    return pads


def explicit_pads(
    padding: tuple[int, ...] | str,
    sizes: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
) -> Pads:
    """Cells before and after in each dimension."""
    if padding == "same":
        return same_pads(sizes, kernel, stride, dilation)
    return [(0, 0)] * len(sizes) if padding == "valid" else [(p, p) for p in padding]


def pad(x: np.ndarray, pads: Pads, value: float = 0.0) -> np.ndarray:
    """The array ``[B, C, *sizes]`` with cells of `value` around it."""
    return np.pad(x, [(0, 0), (0, 0), *pads], constant_values=value)


def windows(
    x: np.ndarray,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    counts: tuple[int, ...],
) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
    """For each cell of the kernel, the values under it at all positions, ``[B, C, *counts]``."""
    for cell in itertools.product(*map(range, kernel)):
        index = [slice(None), slice(None)]
        for k, s, d, count in zip(cell, stride, dilation, counts, strict=True):
            index.append(slice(k * d, k * d + (count - 1) * s + 1, s))
        yield cell, x[tuple(index)]
