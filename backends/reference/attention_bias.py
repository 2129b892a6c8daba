"""Biases of attention, from their formulas: one pair of positions at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backends.reference import Mode, reference
from dsl.layers.attention_bias import RelativePositionBias


@reference(RelativePositionBias)
def relative_position_bias(
    layer: RelativePositionBias, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """The row of each pair's bucket (Raffel et al. 2020, section 2.1)."""
    x, memory = (*inputs, None)[:2]
    queries, keys = x.shape[-2], (x if memory is None else memory).shape[-2]
    bias = np.zeros((layer.heads, queries, keys))
    for i in range(queries):
        for j in range(keys):
            bias[:, i, j] = weights["weight"][_bucket(layer, j - i)]
    return bias


def _bucket(layer: RelativePositionBias, ahead: int) -> int:
    """The bucket of a key so many positions ahead of the query."""
    count, first = layer.buckets, 0
    if layer.bidirectional:
        count //= 2
        first = count if ahead > 0 else 0
        distance = abs(ahead)
    else:
        distance = max(-ahead, 0)
    exact = count // 2
    if distance < exact:
        return first + distance
    octaves = math.log(distance / exact) / math.log(layer.max_distance / exact)
    step = math.floor((count - exact) * octaves + 1e-9)  # a distance at a bound is behind it
    return first + min(exact + step, count - 1)
