"""Scans, step by step from their formulas."""

from __future__ import annotations

from typing import Any

import numpy as np

from backends.reference import Mode, reference
from dsl.layers.scan import SelectiveScan


@reference(SelectiveScan)
def selective_scan(
    layer: SelectiveScan, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``h = exp(delta A) h + delta B x``, ``y = C h + d x`` (Gu & Dao 2023, Algorithm 2)."""
    x, delta, b, c = inputs
    a, d = -np.exp(weights["a_log"]), weights["d"]
    y = np.empty_like(x)
    for i in range(x.shape[-1]):  # each feature has a state of its own
        h = np.zeros_like(b[..., 0, :])
        for t in range(x.shape[-2]):
            x_t, delta_t = x[..., t, i, None], delta[..., t, i, None]
            h = np.exp(delta_t * a[i]) * h + delta_t * b[..., t, :] * x_t
            y[..., t, i] = np.sum(c[..., t, :] * h, axis=-1) + d[i] * x[..., t, i]
    return y
