"""Patches as columns and back, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from backends.reference import Mode, reference
from backends.reference.windows import pad, windows
from dsl.layers.patches import Fold, Unfold


def _cells(layer: Unfold | Fold, image: np.ndarray) -> Iterator[np.ndarray]:
    """For each cell of a patch, row by row, its values of all patches, ``[B, C, *counts]``."""
    sizes = tuple(n - 2 * p for n, p in zip(image.shape[2:], layer.padding, strict=True))
    found = windows(image, layer.kernel_size, layer.stride, layer.dilation, layer.counts(sizes))
    return (values for _, values in found)


@reference(Unfold)
def unfold(
    layer: Unfold, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """Column `l` holds patch `l`, channel by channel (PyTorch `nn.Unfold`)."""
    x = pad(inputs[0], [(p, p) for p in layer.padding])
    columns = np.stack(list(_cells(layer, x)), axis=2)  # [B, C, cells, *counts]
    batch, channels, cells = columns.shape[:3]
    return columns.reshape(batch, channels * cells, -1)


@reference(Fold)
def fold(
    layer: Fold, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """Every value is added where `unfold` takes it from."""
    (x,) = inputs
    cells = layer.kernel_size[0] * layer.kernel_size[1]
    parts = x.reshape(len(x), -1, cells, *layer.counts(layer.output_size))
    whole = tuple(n + 2 * p for n, p in zip(layer.output_size, layer.padding, strict=True))
    y = np.zeros((len(x), parts.shape[1], *whole))
    for number, target in enumerate(_cells(layer, y)):
        target += parts[:, :, number]
    inner = tuple(slice(p, p + n) for p, n in zip(layer.padding, layer.output_size, strict=True))
    return y[(slice(None), slice(None), *inner)]
