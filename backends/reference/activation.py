"""Activations, from the formulas that the kinds' docstrings state and cite."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from backends.reference import Mode, reference
from dsl.layers import activation as kinds
from dsl.layers.axes import channel_axis, class_axis

_SCALE, _ALPHA = 1.0507009873554805, 1.6732632423543772
_erf = np.vectorize(math.erf, otypes=[float])


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.exp(_log_sigmoid(x))


def _log_sigmoid(x: np.ndarray) -> np.ndarray:
    return -np.logaddexp(0, -x)


def _negative(x: np.ndarray) -> np.ndarray:
    return np.minimum(x, 0)


def _gelu(x: np.ndarray, layer: Any) -> np.ndarray:
    if layer.approximate == "tanh":
        return x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return x / 2 * (1 + _erf(x / math.sqrt(2)))


def _softplus(x: np.ndarray, layer: Any) -> np.ndarray:
    bent = np.logaddexp(0, np.minimum(layer.beta * x, layer.threshold)) / layer.beta
    return np.where(layer.beta * x > layer.threshold, x, bent)


FORMULAS: dict[type[Any], Callable[[np.ndarray, Any], np.ndarray]] = {
    kinds.ReLU: lambda x, _: np.maximum(0, x),
    kinds.ReLU6: lambda x, _: np.clip(x, 0, 6),
    kinds.LeakyReLU: lambda x, at: np.where(x > 0, x, at.negative_slope * x),
    kinds.ELU: lambda x, at: np.where(x > 0, x, at.alpha * np.expm1(_negative(x))),
    kinds.SELU: lambda x, _: _SCALE * np.where(x > 0, x, _ALPHA * np.expm1(_negative(x))),
    kinds.CELU: lambda x, at: np.maximum(0, x) + at.alpha * np.expm1(_negative(x) / at.alpha),
    kinds.GELU: _gelu,
    kinds.SiLU: lambda x, _: x * _sigmoid(x),
    kinds.Mish: lambda x, _: x * np.tanh(np.logaddexp(0, x)),
    kinds.Sigmoid: lambda x, _: _sigmoid(x),
    kinds.Tanh: lambda x, _: np.tanh(x),
    kinds.Softplus: _softplus,
    kinds.Softsign: lambda x, _: x / (1 + np.abs(x)),
    kinds.Softshrink: lambda x, at: np.sign(x) * np.maximum(np.abs(x) - at.lambd, 0),
    kinds.Hardshrink: lambda x, at: np.where(np.abs(x) <= at.lambd, 0, x),
    kinds.Tanhshrink: lambda x, _: x - np.tanh(x),
    kinds.Threshold: lambda x, at: np.where(x <= at.threshold, at.value, x),
    kinds.LogSigmoid: lambda x, _: _log_sigmoid(x),
    kinds.Hardsigmoid: lambda x, _: np.clip(x + 3, 0, 6) / 6,
    kinds.Hardswish: lambda x, _: x * np.clip(x + 3, 0, 6) / 6,
    kinds.Hardtanh: lambda x, at: np.clip(x, at.min_val, at.max_val),
    kinds.Clamp: lambda x, at: np.clip(x, at.min, at.max),
}


@reference(*FORMULAS)
def pointwise(
    layer: Any, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """The formula of the kind, for each element."""
    return FORMULAS[type(layer)](inputs[0], layer)


@reference(kinds.PReLU)
def prelu(
    layer: kinds.PReLU, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``x`` where positive, else ``weight * x`` (He et al. 2015, eq. 1)."""
    x, slope = inputs[0], weights["weight"]
    if layer.num_parameters > 1:
        shape = [1] * x.ndim
        shape[channel_axis(layer.name, types[0]) + 1] = -1
        slope = slope.reshape(shape)
    return np.where(x > 0, x, slope * x)


@reference(kinds.Softmax, kinds.LogSoftmax, kinds.Softmin)
def softmax(
    layer: Any, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``exp(x) / sum(exp(x))`` (Goodfellow et al. 2016, eq. 6.29), its logarithm, or of ``-x``."""
    x = -inputs[0] if isinstance(layer, kinds.Softmin) else inputs[0]
    axis = class_axis(layer.dim, types[0]) + types[0].batched
    x = x - x.max(axis, keepdims=True)  # the shares stay, and none of them overflows
    total = np.exp(x).sum(axis, keepdims=True)
    return x - np.log(total) if isinstance(layer, kinds.LogSoftmax) else np.exp(x) / total


@reference(kinds.GLU)
def glu(
    layer: kinds.GLU, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``a * sigmoid(b)`` of the two halves (Dauphin et al. 2016, eq. 1)."""
    axis = class_axis(layer.dim, types[0]) + types[0].batched
    a, b = np.split(inputs[0], 2, axis)
    return a * _sigmoid(b)
