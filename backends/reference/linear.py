"""Linear maps, from their formula."""

from __future__ import annotations

from typing import Any

import numpy as np

from backends.reference import Mode, reference
from backends.reference.reparametrization import effective
from dsl.layers.linear import Linear


@reference(Linear)
def linear(
    layer: Linear, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``y = x W^T + b`` on the last axis (Goodfellow et al. 2016, eq. 6.1)."""
    y = np.einsum("...i,oi->...o", inputs[0], effective(layer.weight, weights))
    return y + weights["bias"] if layer.bias else y
