"""Reparametrised weights, from their formulas."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from dsl.layers.reparametrization import Reparametrization, WeightNorm


def effective(form: Reparametrization | None, weights: dict[str, Any]) -> np.ndarray:
    """What a layer computes with.

    ``g * v / |v|`` (Salimans and Kingma 2016, eq. 2), or ``(v - mean) / sqrt(var + eps)`` (Qiao et
    al. 2019, section 3.1), times ``gain * gamma / sqrt(n)`` (Brock et al. 2021, section 4).
    """
    if form is None:
        return weights["weight"]
    if isinstance(form, WeightNorm):
        v = weights["weight_v"]
        others = tuple(axis for axis in range(v.ndim) if axis != form.dim)
        return weights["weight_g"] * v / np.sqrt((v**2).sum(others, keepdims=True))
    v = weights["weight"]
    inputs = tuple(range(1, v.ndim))
    centred = v - v.mean(inputs, keepdims=True)
    w = centred / np.sqrt((centred**2).mean(inputs, keepdims=True) + form.eps)
    if "gain" not in weights:
        return w
    return weights["gain"] * form.gamma / math.sqrt(v[0].size) * w
