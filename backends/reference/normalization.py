"""Normalisation, from its formulas. Channels are found by the axis names of the input's type."""

from __future__ import annotations

from typing import Any

import numpy as np

from backends.reference import Mode, reference
from dsl.layers.axes import channel_axis
from dsl.layers.base import resolve_axis
from dsl.layers.normalization import (
    BatchNorm,
    GroupNorm,
    InstanceNorm,
    L2Normalize,
    LayerNorm,
    RMSNorm,
)


def _channels_first(layer: Any, x: np.ndarray, types: Any) -> tuple[np.ndarray, int]:
    """The value as ``[B, C, rest]`` and where its channels were."""
    axis = channel_axis(layer.name, types[0]) + 1
    moved = np.moveaxis(x, axis, 1)
    return moved.reshape(*moved.shape[:2], -1), axis


def _channels_back(y: np.ndarray, x: np.ndarray, axis: int) -> np.ndarray:
    return np.moveaxis(y.reshape(np.moveaxis(x, axis, 1).shape), 1, axis)


def _scaled(y: np.ndarray, weights: dict[str, Any], shape: tuple[int, ...]) -> np.ndarray:
    """``y * weight + bias``, as far as there are such, each brought to a shape."""
    if "weight" in weights:
        y = y * weights["weight"].reshape(shape)
    return y + weights["bias"].reshape(shape) if "bias" in weights else y


@reference(BatchNorm)
def batch_norm(
    layer: BatchNorm, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``(x - mean) / sqrt(var + eps) * weight + bias`` (Ioffe and Szegedy 2015, algorithm 1).

    Running statistics follow with the unbiased variance (algorithm 2, line 10).
    """
    x, axis = _channels_first(layer, inputs[0], types)
    mean, var = weights["running_mean"], weights["running_var"]
    if mode.training:
        n = x.shape[0] * x.shape[2]
        keep, follow = 1 - layer.momentum, layer.momentum
        batch_mean, batch_var = x.mean((0, 2)), x.var((0, 2))
        mode.updates["running_mean"] = keep * mean + follow * batch_mean
        mode.updates["running_var"] = keep * var + follow * batch_var * n / (n - 1)
        mean, var = batch_mean, batch_var
    y = (x - mean[:, None]) / np.sqrt(var[:, None] + layer.eps)
    return _channels_back(_scaled(y, weights, (1, -1, 1)), inputs[0], axis)


@reference(GroupNorm, InstanceNorm)
def group_norm(
    layer: GroupNorm | InstanceNorm, inputs: list[Any], weights: dict[str, Any], mode: Mode,
    types: Any,
) -> np.ndarray:  # fmt: skip
    """Mean and variance over a group's channels and positions (Wu and He 2018, eqs. 1-6).

    One channel a group is instance normalisation (Ulyanov et al. 2016, eq. 2).
    """
    x, axis = _channels_first(layer, inputs[0], types)
    groups = layer.num_groups if isinstance(layer, GroupNorm) else x.shape[1]
    grouped = x.reshape(x.shape[0], groups, -1)
    centred = grouped - grouped.mean(2, keepdims=True)
    y = centred / np.sqrt((centred**2).mean(2, keepdims=True) + layer.eps)
    return _channels_back(_scaled(y.reshape(x.shape), weights, (1, -1, 1)), inputs[0], axis)


@reference(LayerNorm)
def layer_norm(
    layer: LayerNorm, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """Mean and variance over the last dimensions (Ba et al. 2016, eqs. 3-4)."""
    x = inputs[0]
    last = tuple(range(-layer.dims, 0))
    centred = x - x.mean(last, keepdims=True)
    y = centred / np.sqrt((centred**2).mean(last, keepdims=True) + layer.eps)
    return _scaled(y, weights, x.shape[-layer.dims :])


@reference(RMSNorm)
def rms_norm(
    layer: RMSNorm, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``x / sqrt(mean(x^2) + eps) * weight`` (Zhang and Sennrich 2019, eq. 4)."""
    x = inputs[0]
    last = tuple(range(-layer.dims, 0))
    y = x / np.sqrt((x**2).mean(last, keepdims=True) + layer.eps)
    return _scaled(y, weights, x.shape[-layer.dims :])


@reference(L2Normalize)
def l2_normalize(
    layer: L2Normalize, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``x / max(sqrt(sum(x^2)), eps)``."""
    (x,) = inputs
    axis = resolve_axis(layer.dim, types[0]) + types[0].batched
    length = np.sqrt((x**2).sum(axis, keepdims=True))
    return x / np.maximum(length, layer.eps)
