"""Attention, from its formula: one head and one position at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backends.reference import Mode, reference
from dsl.layers.attention import Attention, CrossAttention, DotProductAttention, SelfAttention


@reference(DotProductAttention)
def dot_product_attention(
    layer: DotProductAttention, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``softmax(Q K^T / sqrt(d)) V`` in each head (Vaswani et al. 2017, eq. 1)."""
    query, key, value = (_heads(x, layer.heads) for x in inputs[:3])
    mask, bias = _scored(inputs, types, (3, 4))
    return _joined(_attend(layer, query, key, value, mask, bias, mode))


@reference(SelfAttention, CrossAttention, Attention)
def projected_attention(
    layer: Any, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``Concat(head_1, .., head_h) W^O`` (Vaswani et al. 2017, section 3.2.2).

    Grouped heads follow Ainslie et al. 2023, rotation Su et al. 2021, eq. 34.
    """
    operands = [inputs[slot] for slot in layer.slots[:3]]
    shared = layer.heads if layer.kv_heads is None else layer.kv_heads
    counts = (layer.heads, shared, shared)
    query, key, value = (
        _heads(_projected(layer, x, weights, role), count)
        for x, role, count in zip(operands, ("query", "key", "value"), counts, strict=True)
    )
    if layer.qk_norm is not None and not layer.qk_norm_whole:
        query = _normed(query, weights["query_norm.weight"], layer.qk_norm)
        key = _normed(key, weights["key_norm.weight"], layer.qk_norm)
    if layer.rope is not None:
        turn = _rotated_neighbours if layer.rope_interleaved else _rotated
        query, key = (turn(x, layer) for x in (query, key))
    owner = [head // (layer.heads // shared) for head in range(layer.heads)]
    key, value = key[..., owner, :, :], value[..., owner, :, :]
    mask, bias = _scored(inputs, types, layer.slots[3:])
    if layer.alibi:
        bias = bias + alibi_bias(layer.heads, query.shape[-2])
    sinks = weights.get("sinks")
    result = _joined(_attend(layer, query, key, value, mask, bias, mode, sinks))
    return _linear(result, weights, "out")


def _attend(
    layer: Any,
    query: Any,
    key: Any,
    value: Any,
    mask: Any,
    bias: Any,
    mode: Mode,
    sinks: Any = None,
) -> np.ndarray:
    """Each query's average of the values it may see, weighted by ``exp(s q . k + bias)``.

    A sink adds its exponential to what weights are divided by; scores may be bounded first (Gemma
    Team 2024, section 2).
    """
    scale = 1 / math.sqrt(query.shape[-1]) if layer.scale is None else layer.scale
    scores = scale * np.einsum("...id,...jd->...ij", query, key)
    if layer.values.get("softcap") is not None:
        scores = layer.softcap * np.tanh(scores / layer.softcap)
    scores = scores + bias
    seen = (_allowed(layer, scores.shape[-2:]) * mask).astype(bool)
    scores = np.where(seen, scores, -np.inf)
    most = scores.max(-1, keepdims=True)  # taken from all of them, so that none overflows
    if sinks is not None:
        most = np.maximum(most, sinks[:, None, None])
    most = np.where(np.isneginf(most), 0, most)  # may look nowhere
    weights = np.exp(scores - most)
    total = weights.sum(-1, keepdims=True)
    if sinks is not None:
        total = total + np.exp(sinks[:, None, None] - most)
    weights = np.divide(weights, total, out=np.zeros_like(weights), where=total != 0)
    if mode.training and layer.dropout and mode.draw is not None:
        kept = mode.draw(weights.shape) >= layer.dropout
        weights = weights * kept / (1 - layer.dropout)
    return np.einsum("...ij,...jd->...id", weights, value)


def _allowed(layer: Any, shape: tuple[int, ...]) -> np.ndarray:
    """1 where position i may see position j by `causal` and `window`, else 0."""
    allowed = np.ones(shape)
    for i in range(shape[0]):
        for j in range(shape[1]):
            if layer.causal and j > i:
                allowed[i, j] = 0
            if layer.window is not None and abs(i - j) >= layer.window:
                allowed[i, j] = 0
    return allowed


def _scored(inputs: list[Any], types: Any, slots: tuple[int, ...]) -> tuple[Any, Any]:
    """The mask, 1 where not given, and the bias, 0 where not given, as wide as the scores."""
    found = [inputs[slot] if slot < len(inputs) else None for slot in slots]
    mask, bias = found
    front = types[0].rank - 2
    if mask is not None:
        batch, sizes = _parted(mask, types[slots[0]].batched)
        sizes = (1, *sizes)[-2:] if len(sizes) < 3 else sizes
        mask = mask.reshape(*batch, *(sizes[:-2] or (1,) * front), 1, *sizes[-2:])
    if bias is not None:
        batch, sizes = _parted(bias, types[slots[1]].batched)
        bias = bias.reshape(*batch, *(sizes[:-3] or (1,) * front), *sizes[-3:])
    return 1 if mask is None else mask, 0 if bias is None else bias


def _parted(x: np.ndarray, batched: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The size of the batch, if there is one, and the sizes of a sample."""
    return x.shape[:batched], x.shape[batched:]


def _projected(layer: Any, x: np.ndarray, weights: dict[str, Any], role: str) -> np.ndarray:
    """A projection; queries and keys with the norm of all heads together (OLMo 2, 2025)."""
    y = _linear(x, weights, role)
    if layer.qk_norm_whole and role != "value":
        return _normed(y, weights[f"{role}_norm.weight"], layer.qk_norm)
    return y


def _normed(x: np.ndarray, weight: np.ndarray, eps: float) -> np.ndarray:
    """``x / sqrt(mean(x^2) + eps) * weight`` over the last axis (Zhang, Sennrich 2019, eq. 4)."""
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + eps) * weight


def alibi_bias(heads: int, length: int) -> np.ndarray:
    """``-m |i - j|`` with a rate for each head (Press et al. 2022, section 3, and their code)."""
    power = 2 ** math.floor(math.log2(heads))
    rates = [2 ** (-8 * k / power) for k in range(1, power + 1)]
    rates += [2 ** (-4 * k / power) for k in range(1, 2 * power, 2)]
    bias = np.zeros((heads, length, length))
    for head in range(heads):
        for i in range(length):
            for j in range(length):
                bias[head, i, j] = -rates[head] * abs(i - j)
    return bias


def _rotated_neighbours(x: np.ndarray, layer: Any) -> np.ndarray:
    """`_rotated` with features 2 k and 2 k + 1 as pairs (Su et al. 2021, eq. 34)."""
    size = layer.rope_dim or x.shape[-1]
    halves = np.array(x)
    halves[..., : size // 2], halves[..., size // 2 : size] = x[..., :size:2], x[..., 1:size:2]
    turned = _rotated(halves, layer)
    result = np.array(turned)
    result[..., :size:2], result[..., 1:size:2] = (
        turned[..., : size // 2],
        turned[..., size // 2 : size],
    )
    return result


def _rotated(x: np.ndarray, layer: Any) -> np.ndarray:
    """Features k and k + d/2 turned as a pair by the angle ``t base^(-2k/d)`` at position t.

    Here d is `rope_dim`, and the features behind the first d stay (Black et al. 2022).
    """
    size = layer.rope_dim or x.shape[-1]
    half = size // 2
    turned = np.array(x)
    for t in range(x.shape[-2]):
        for k in range(half):
            angle = t * _scaled(layer.rope ** (-2 * k / size), layer.rope_scaling)
            a, b = x[..., t, k], x[..., t, half + k]
            turned[..., t, k] = a * math.cos(angle) - b * math.sin(angle)
            turned[..., t, half + k] = b * math.cos(angle) + a * math.sin(angle)
    return turned


def _scaled(frequency: float, scaling: tuple[float, ...] | None) -> float:
    """A frequency by wave length: a short wave as it is, a long one stretched, a mean between.

    Meta's `apply_scaling` of Llama 3.1.
    """
    if scaling is None:
        return frequency
    factor, low, high, length = scaling
    wave = 2 * math.pi / frequency
    if wave < length / high:
        return frequency
    if wave > length / low:
        return frequency / factor
    smooth = (length / wave - low) / (high - low)
    return (1 - smooth) * frequency / factor + smooth * frequency


def _linear(x: np.ndarray, weights: dict[str, Any], role: str) -> np.ndarray:
    return np.einsum("...i,oi->...o", x, weights[f"{role}.weight"]) + weights.get(f"{role}.bias", 0)


def _heads(x: np.ndarray, count: int) -> np.ndarray:
    """``[.., T, heads * d]`` as ``[.., heads, T, d]``."""
    return np.stack(np.split(x, count, axis=-1), axis=-3)


def _joined(x: np.ndarray) -> np.ndarray:
    """``[.., heads, T, d]`` as ``[.., T, heads * d]``."""
    return np.concatenate(list(np.moveaxis(x, -3, 0)), axis=-1)
