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
    """One dimension after the other (Gonzalez and Woods 2018, section 2.4; Keys 1981, eq. 4)."""
    (x,) = inputs
    front = 1 + types[0].batched
    sizes = {name: x.shape[at + types[0].batched] for name, at in sized_by(types[0]).items()}
    for number, size in enumerate(x.shape[front:]):
        given = layer.scale_factor if layer.size is None else layer.size
        asked = given[number] if isinstance(given, tuple) else given
        target = asked * size if layer.size is None else evaluate(asked, sizes)
        x = _resized(x, front + number, target, layer)
    return x


def _resized(x: np.ndarray, axis: int, target: int, layer: kinds.Upsample) -> np.ndarray:
    """Cells ``floor(i s / t)``, or a line or a cubic between cells, s of them made t."""
    size = x.shape[axis]
    if not layer.smooth:
        return np.take(x, [i * size // target for i in range(target)], axis=axis)
    cells = []
    for i in range(target):
        place = (i + 0.5) * size / target - 0.5
        if layer.align_corners:
            place = i * (size - 1) / max(target - 1, 1)
        reach, share = (2, _cubic) if layer.mode == "bicubic" else (1, _tent)
        near = range(math.floor(place) - reach + 1, math.floor(place) + reach + 1)
        held = [min(max(cell, 0), size - 1) for cell in near]
        shares = [share(abs(place - cell)) for cell in near]
        cells.append(np.tensordot(shares, np.take(x, held, axis=axis), axes=(0, axis)))
    return np.stack(cells, axis=axis)


def _tent(distance: float) -> float:
    """The share of a cell at a distance below 1 in linear interpolation."""
    return 1 - distance


def _cubic(distance: float, a: float = -0.75) -> float:
    """The share of a cell at a distance below 2 in cubic convolution (Keys 1981, eq. 4)."""
    d = distance
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a


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


@reference(kinds.ChannelShuffle)
def channel_shuffle(
    layer: kinds.ChannelShuffle, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``y[i g + j] = x[j n + i]`` for channel i of the n of group j (Zhang et al. 2018)."""
    axis = int(types[0].batched)
    channels = inputs[0].shape[axis]
    order = np.arange(channels).reshape(layer.groups, -1).T.reshape(-1)
    return np.take(inputs[0], order, axis)
