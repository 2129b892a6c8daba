"""Learned weights of whole values, from their formulas."""

from __future__ import annotations

from typing import Any

import numpy as np

from backends.reference import Mode, reference
from backends.reference.merge import aligned
from dsl.layers.axes import channel_axis
from dsl.layers.blend import LayerScale, WeightedSum


@reference(LayerScale)
def layer_scale(
    layer: LayerScale, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``weight * x`` along the channels (Touvron et al. 2021, eq. 5)."""
    axis = channel_axis(layer.name, types[0]) + 1
    return np.moveaxis(np.moveaxis(inputs[0], axis, -1) * weights["weight"], -1, axis)


@reference(WeightedSum)
def weighted_sum(
    layer: WeightedSum, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``gain * sum of share_i x_i`` (Peters et al. 2018, eq. 1; Tan et al. 2020, section 3.3)."""
    shares = weights["weight"]
    if layer.normalize == "softmax":
        powers = np.exp(shares - shares.max())
        shares = powers / powers.sum()
    elif layer.normalize == "relu":
        shares = np.maximum(shares, 0)
        shares = shares / (layer.eps + shares.sum())
    values = aligned(inputs, types)
    total = sum(share * value for share, value in zip(shares, values, strict=True))
    return weights["gain"][0] * total if layer.gain else total
