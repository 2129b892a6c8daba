"""Convolutions, from their sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from backends.reference import Mode, reference
from backends.reference.reparametrization import effective
from backends.reference.windows import explicit_pads, pad, windows
from dsl.layers.conv import (
    Conv,
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)


@reference(Conv1d, Conv2d, Conv3d)
def conv(
    layer: Conv, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``y[o, n] = b[o] + sum over i, k of w[o, i, k] x[i, n s + k d - p]``.

    Goodfellow et al. (2016), eq. 9.6 with stride and dilation (Dumoulin and Visin 2016); the
    channels of each group by themselves.
    """
    kernel, stride, dilation = layer.kernel_size, layer.stride, layer.dilation
    pads = explicit_pads(layer.padding, inputs[0].shape[2:], kernel, stride, dilation)
    x = pad(inputs[0], pads)
    counts = tuple(
        (n - d * (k - 1) - 1) // s + 1
        for n, k, s, d in zip(x.shape[2:], kernel, stride, dilation, strict=True)
    )
    weight = effective(layer.weight, weights)
    y = np.zeros((len(x), layer.out_channels, *counts))
    for cell, values in windows(x, kernel, stride, dilation, counts):
        taps = weight[(slice(None), slice(None), *cell)]
        for group, outs in enumerate(np.split(np.arange(layer.out_channels), layer.groups)):
            ins = slice(group * weight.shape[1], (group + 1) * weight.shape[1])
            y[:, outs] += np.einsum("bi...,oi->bo...", values[:, ins], taps[outs])
    return y + _offset(weights, y.ndim) if layer.bias else y


@reference(ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
def conv_transpose(
    layer: ConvTranspose, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``y[o, n s + k d - p] += w[i, o, k] x[i, n]`` for every n, k, i; then the bias.

    Dumoulin and Visin (2016), chapter 4: the transpose of the matrix of the convolution.
    """
    x, weight = inputs[0], effective(layer.weight, weights)
    sizes = x.shape[2:]
    window = (layer.kernel_size, layer.stride, layer.dilation, layer.padding, layer.output_padding)
    results = tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + extra + 1
        for n, k, s, d, p, extra in zip(sizes, *window, strict=True)
    )
    whole = tuple(n + 2 * p for n, p in zip(results, layer.padding, strict=True))
    y = np.zeros((len(x), layer.out_channels, *whole))
    for cell, target in windows(y, layer.kernel_size, layer.stride, layer.dilation, sizes):
        taps = weight[(slice(None), slice(None), *cell)]
        for group in range(layer.groups):
            ins = np.split(np.arange(x.shape[1]), layer.groups)[group]
            outs = slice(group * weight.shape[1], (group + 1) * weight.shape[1])
            target[:, outs] += np.einsum("bi...,io->bo...", x[:, ins], taps[ins])
    inner = tuple(slice(p, p + n) for p, n in zip(layer.padding, results, strict=True))
    y = y[(slice(None), slice(None), *inner)]
    return y + _offset(weights, y.ndim) if layer.bias else y


def _offset(weights: dict[str, Any], rank: int) -> np.ndarray:
    """The bias as ``[C, 1, ..]``."""
    return weights["bias"].reshape((-1,) + (1,) * (rank - 2))
