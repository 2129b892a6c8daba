"""Scans, step by step from their formulas."""

from __future__ import annotations

from typing import Any

import numpy as np

from backends.reference import Mode, reference
from dsl.layers.scan import LinearRecurrence, SelectiveScan


@reference(LinearRecurrence)
def linear_recurrence(
    layer: LinearRecurrence, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``h_t = decay_t h_{t-1} + x_t`` (Martin & Cundy 2018, eq. 5)."""
    x, decay = inputs
    decay = np.broadcast_to(decay, x.shape)
    steps = [x[..., 0, :]]
    for t in range(1, x.shape[-2]):
        steps.append(decay[..., t, :] * steps[-1] + x[..., t, :])
    return np.stack(steps, axis=-2)


@reference(SelectiveScan)
def selective_scan(
    layer: SelectiveScan, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``h = exp(delta A) h + delta B x``, ``y = C h + d x`` (Gu & Dao 2023, Algorithm 2).

    With heads A and delta are those of a feature's head (Dao & Gu 2024, section 7).
    """
    x, delta, b, c = inputs
    features = x.shape[-1]
    heads = layer.heads or features
    size, state = features // heads, b.shape[-1] // layer.groups
    y = np.empty_like(x)
    for i in range(features):  # each feature has a state of its own
        head = i // size
        a, d = -np.exp(weights["a_log"][head]), weights["d"][head]
        part = slice(head // (heads // layer.groups) * state, None)
        b_i, c_i = b[..., part][..., :state], c[..., part][..., :state]
        h = np.zeros_like(b_i[..., 0, :])
        for t in range(x.shape[-2]):
            x_t, delta_t = x[..., t, i, None], delta[..., t, head, None]
            h = np.exp(delta_t * a) * h + delta_t * b_i[..., t, :] * x_t
            y[..., t, i] = np.sum(c_i[..., t, :] * h, axis=-1) + d * x[..., t, i]
    return y
