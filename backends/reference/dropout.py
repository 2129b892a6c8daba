"""Dropout, from its formulas; the random numbers are handed in."""

from __future__ import annotations

from typing import Any

import numpy as np

from backends.reference import Mode, reference
from dsl.layers.axes import channel_axis
from dsl.layers.dropout import AlphaDropout, Dropout, SpatialDropout, StochasticDepth

_LOWEST = -1.0507009873554805 * 1.6732632423543772


def _mask_shape(layer: Any, x: np.ndarray, types: Any) -> tuple[int, ...]:
    """The shape in which elements are kept or not; 1 where they share their fate."""
    if isinstance(layer, StochasticDepth):
        return (x.shape[0] if layer.mode == "row" else 1,) + (1,) * (x.ndim - 1)
    if isinstance(layer, SpatialDropout):
        kept = (0, channel_axis(layer.name, types[0]) + 1)
        return tuple(size if axis in kept else 1 for axis, size in enumerate(x.shape))
    return x.shape


@reference(Dropout, SpatialDropout, StochasticDepth)
def dropout(
    layer: Any, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``x * keep / (1 - p)``, keep 0 with probability p (Srivastava et al. 2014, section 10)."""
    x = inputs[0]
    if not mode.training or mode.draw is None:
        return x
    keep = mode.draw(_mask_shape(layer, x, types)) >= layer.p
    return x * keep / (1 - layer.p)


@reference(AlphaDropout)
def alpha_dropout(
    layer: AlphaDropout, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``a * (x or s) + b`` (Klambauer et al. 2017, section 2, "New dropout technique")."""
    x, p = inputs[0], layer.p
    if not mode.training or mode.draw is None:
        return x
    a = ((1 - p) * (1 + p * _LOWEST**2)) ** -0.5
    return a * np.where(mode.draw(x.shape) >= p, x, _LOWEST) - a * p * _LOWEST
