"""Other sizes, cell by cell from the formulas."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backends.reference import Mode, reference
from dsl.layers import resize as kinds
from dsl.layers.reshape import sized_by
from dsl.shapes.dim import evaluate


@reference(kinds.Pad)
def pad(
    layer: kinds.Pad, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """Cell i of the result is cell ``i - before``, or what the mode has in its place."""
    (x,) = inputs
    for position, (before, after) in layer.pads(types[0]).items():
        axis = position + types[0].batched
        size = x.shape[axis]
        cells = [_source(layer.mode, i - before, size) for i in range(before + size + after)]
        outside = [i for i, cell in enumerate(cells) if cell is None]
        x = np.take(x, [0 if cell is None else cell for cell in cells], axis=axis)
        x[(slice(None),) * axis + (outside,)] = layer.value
    return x


def _source(mode: str, place: int, size: int) -> int | None:
    """The cell that stands at a place, which may lie outside; None for the constant."""
    if 0 <= place < size:
        return place
    if mode == "replicate":
        return 0 if place < 0 else size - 1
    if mode == "reflect":
        return -place if place < 0 else 2 * (size - 1) - place
    return None


@reference(kinds.Upsample)
def upsample(
    layer: kinds.Upsample, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """One dimension after the other (Gonzalez and Woods 2018, section 2.4)."""
    (x,) = inputs
    front = 1 + types[0].batched
    sizes = {name: x.shape[at + types[0].batched] for name, at in sized_by(types[0]).items()}
    for number, size in enumerate(x.shape[front:]):
        given = layer.scale_factor if layer.size is None else layer.size
        asked = given[number] if isinstance(given, tuple) else given
        target = asked * size if layer.size is None else evaluate(asked, sizes)
        x = _resized(x, front + number, target, layer.linear)
    return x


def _resized(x: np.ndarray, axis: int, target: int, linear: bool) -> np.ndarray:
    """Cells ``floor(i s / t)``, or lines between them at ``(i + 0.5) s / t - 0.5``, s to t long."""
    size = x.shape[axis]
    if not linear:
        return np.take(x, [i * size // target for i in range(target)], axis=axis)
    cells = []
    for i in range(target):
        place = min(max((i + 0.5) * size / target - 0.5, 0), size - 1)
        low = math.floor(place)
        high = min(low + 1, size - 1)
        a, b = np.take(x, low, axis=axis), np.take(x, high, axis=axis)
        cells.append((1 - (place - low)) * a + (place - low) * b)
    return np.stack(cells, axis=axis)


@reference(kinds.PixelShuffle)
def pixel_shuffle(
    layer: kinds.PixelShuffle, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``y[c, h r + i, w r + j] = x[c r r + i r + j, h, w]`` (Shi et al. 2016, eq. 4)."""
    (x,) = inputs
    r = layer.upscale_factor
    channels, height, width = x.shape[-3] // (r * r), x.shape[-2], x.shape[-1]
    y = np.empty((*x.shape[:-3], channels, height * r, width * r))
    for c in range(channels):
        for i in range(r):
            for j in range(r):
                y[..., c, i::r, j::r] = x[..., c * r * r + i * r + j, :, :]
    return y


@reference(kinds.PixelUnshuffle)
def pixel_unshuffle(
    layer: kinds.PixelUnshuffle, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``y[c r r + i r + j, h, w] = x[c, h r + i, w r + j]``."""
    (x,) = inputs
    r = layer.downscale_factor
    channels, height, width = x.shape[-3], x.shape[-2] // r, x.shape[-1] // r
    y = np.empty((*x.shape[:-3], channels * r * r, height, width))
    for c in range(channels):
        for i in range(r):
            for j in range(r):
                y[..., c * r * r + i * r + j, :, :] = x[..., c, i::r, j::r]
    return y
