"""Parts of a value, index by index."""

from __future__ import annotations

from typing import Any

import numpy as np

from backends.reference import Mode, reference
from dsl.layers.base import resolve_axis
from dsl.layers.slicing import Gather, Select, Slice, Split


@reference(Select)
def select(
    layer: Select, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """The values at one index."""
    return np.take(inputs[0], layer.index, axis=_axis(layer, types[0]))


@reference(Slice)
def slice_(
    layer: Slice, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """The values at ``start, start + step, ..`` below ``stop``."""
    axis = _axis(layer, types[0])
    size = inputs[0].shape[axis]
    start = layer.start + size * (layer.start < 0)
    stop = size if layer.stop is None else layer.stop + size * (layer.stop < 0)
    return np.take(inputs[0], list(range(start, stop, layer.step)), axis=axis)


@reference(Gather)
def gather(
    layer: Gather, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``y[.., i, ..] = x[.., index[i], ..]``, one sample at a time."""
    x, index = inputs
    axis = resolve_axis(layer.dim, types[0])
    if not (types[0].batched or types[1].batched):
        return np.take(x, index, axis=axis)
    batch = len(x) if types[0].batched else len(index)
    samples = [
        np.take(x[n] if types[0].batched else x, index[n] if types[1].batched else index, axis=axis)
        for n in range(batch)
    ]
    return np.stack(samples)


@reference(Split)
def split(
    layer: Split, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> tuple[np.ndarray, ...]:
    """Parts one after the other."""
    axis = _axis(layer, types[0])
    sizes = layer.sizes
    if not isinstance(sizes, tuple):
        sizes = (inputs[0].shape[axis] // sizes,) * sizes
    starts = [sum(sizes[:number]) for number in range(len(sizes))]
    return tuple(
        np.take(inputs[0], list(range(start, start + size)), axis=axis)
        for start, size in zip(starts, sizes, strict=True)
    )


def _axis(layer: Any, type: Any) -> int:
    """The axis of the array."""
    return resolve_axis(layer.dim, type) + type.batched
