"""Attention: weighted sums of values, the weights found by comparing queries with keys.

Positions count along ``time``, the dimension before the last; further ones in front are batch.
A mask is bool, true where a query may look; a query that may look nowhere gets zeros. A bias is
real numbers added to the scores before the softmax, for each head its own: with learned ones,
positions are told apart (`RelativePositionBias`). Both are passed by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from dsl.kinds.kind import arg
from dsl.kinds.values import Bool, Float, Int
from dsl.layers.attention_operands import (
    any_batched,
    check_heads,
    check_operands,
    check_scores,
    score_operations,
)
from dsl.layers.base import Layer, LayerError, MaybeTypes, Port, Types, known
from dsl.layers.projected import Projected
from dsl.shapes.dim import Dim, product
from dsl.shapes.types import TensorType
from dsl.tape.attention import fused, heads, joined

if TYPE_CHECKING:
    from dsl.tape.act import Act
    from dsl.tape.tensors import Tensor

_SCORED = (Port("mask", optional=True), Port("bias", optional=True))
_PORTS = (Port("query"), Port("key"), Port("value"), *_SCORED)


class DotProductAttention(Layer):
    """Scaled dot-product attention without projections: ``softmax(s Q K^T) V`` in each head.

    Shape: query ``[.., time_q, D]``, key ``[.., time_k, D]``, value ``[.., time_k, D_v]``, mask
    bool ``[time_k]`` or ``[time_q, time_k]`` (the same for all dimensions in front) or
    ``[.., time_q, time_k]``, bias ``[heads, time_q, time_k]`` or ``[.., heads, time_q, time_k]``,
    to ``[.., time_q, D_v]``. Heads are equal parts of the last dimension, side by side.
    Formula: with a bias ``softmax(s Q K^T + bias) V``. ``softmax`` is over the keys that a query
    may see: those the mask allows, with `causal` none behind it, with `window` those with
    ``|i - j| < window``. A query that may see none gives zeros. ``s`` is `scale`. In training each
    weight is dropped with the probability `dropout`, the others grow by ``1 / (1 - dropout)``.
    MACs: ``time_q * time_k * (D + D_v)``, also where a mask or `causal` leaves some unused.
    Precision: the softmax of a half-precision value is computed in float32.
    Source: Vaswani et al. 2017, section 3.2.1 and eq. 1; windows as in Beltagy et al. 2020
    (Longformer), section 3.1; dropout Srivastava et al. 2014.
    """

    ports = _PORTS
    slots: ClassVar[tuple[int, ...]] = (0, 1, 2, 3, 4)
    stochastic = True

    heads: int = arg(Int(1), "Parts of the last dimension that attend on their own.", 1)
    causal: bool = arg(
        Bool(), "Whether position i sees only positions up to i.", False, keras=("use_causal_mask",)
    )
    dropout: float = arg(
        Float(0, 1, open_high=True), "Probability that a weight is dropped in training.", 0.0
    )
    window: int | None = arg(
        Int(1), "Positions i and j see each other where |i - j| < window.", None
    )
    scale: float | None = arg(
        Float(0, open_low=True), "Factor of the scores; 1 / sqrt(D / heads) if not given.", None
    )

    def infer(
        self,
        query: TensorType,
        key: TensorType,
        value: TensorType,
        mask: TensorType | None = None,
        bias: TensorType | None = None,
    ) -> TensorType:
        operands = (query, key, value, mask, bias)
        check_operands(self, operands, self.slots)
        check_scores(self.heads, operands, self.slots)
        if query.shape[-1] != key.shape[-1]:
            raise LayerError(
                "MSL306", "queries and keys are compared, so they need one size: "
                f"{query.shape[-1]} and {key.shape[-1]}", input=1,
                notes=(f"the query is {query.named()}, the key {key.named()}",),
                help="`Attention` projects them to one size",
            )  # fmt: skip
        for position, x in ((0, query), (2, value)):
            check_heads(self.heads, known(x.shape[-1], "the size that heads split"), position)
        result = query.with_dim(query.rank - 1, value.shape[-1])
        return result.replace(batched=any_batched(operands))

    def macs(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        query, key, value = inputs[:3]
        return product(query.shape[:-1]) * key.shape[-2] * (query.shape[-1] + value.shape[-1])

    def backward_macs(
        self, inputs: MaybeTypes, outputs: Types, needs: tuple[bool, ...], trained: bool
    ) -> Dim:
        """Unfused: two products for the scores and two for their use, less what needs none."""
        query, key, value = inputs[:3]
        scores = product(query.shape[:-1]) * key.shape[-2]
        compared = scores * query.shape[-1] * (needs[0] + needs[1])
        return compared + scores * value.shape[-1] * ((needs[0] or needs[1]) + needs[2])

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        """Five for each score: scale, subtract the maximum, exponential, sum, divide; a bias."""
        scores = self.heads * product(inputs[0].shape[:-1]) * inputs[1].shape[-2]
        return score_operations(inputs[4:]) * scores

    def rehearse(self, act: Act) -> Tensor:
        """The heads seen side by side, and the scores fused."""
        tape = act.tape
        q, k, v = (heads(tape, x, self.heads) for x in act.given[:3])
        extras = list(act.given[3:])
        if self.window is not None:
            extras.append(tape.tensor((q.shape[-2], k.shape[-2]), 1, real=False))
        flops = 2 * q.count // q.shape[-1] * k.shape[-2] * (q.shape[-1] + v.shape[-1])
        return joined(tape, fused(tape, q, k, v, extras, self.dropout, flops))


class Attention(Projected):
    """Multi-head attention of a query to keys and values, each given and projected on its own.

    Shape: query ``[.., time_q, D]``, key ``[.., time_k, D_k]``, value ``[.., time_k, D_v]``, mask
    bool ``[time_k]`` or ``[time_q, time_k]`` (the same for all dimensions in front) or
    ``[.., time_q, time_k]``, bias ``[heads, time_q, time_k]`` or ``[.., heads, time_q, time_k]``,
    to ``[.., time_q, D]``.
    Weights: `query.weight` [heads * head_dim, D], `key.weight` [kv_heads * head_dim, D_k],
    `value.weight` [kv_heads * head_dim, D_v], `out.weight` [D, heads * head_dim], and their biases
    `query.bias` and so on; all start as a `Linear` does, uniform in ``+-1/sqrt(fan_in)`` (PyTorch's
    `nn.MultiheadAttention` starts with Xavier's rule: a stated deviation). With `qk_norm`
    `query_norm.weight` and `key_norm.weight` [head_dim], or the size of all heads, start at 1; with
    `sinks` `sinks` [heads] at 0.
    MACs: the projections, ``time_q * D * heads * head_dim`` and so on, and
    ``2 * time_q * time_k * heads * head_dim``, also where a mask or `causal` leaves some unused.
    Formula: ``softmax(s Q K^T) V`` in each head, with a bias ``softmax(s Q K^T + bias) V``, the
    heads side by side through `out`. The softmax is over the keys that a query may see: those the
    mask allows, with `causal` none behind it, with `window` those with ``|i - j| < window``. A
    query that may see none gets zeros, and the result is the bias of `out`. With `kv_heads`
    query head ``h`` uses key head ``h // (heads / kv_heads)``. With `rope` the two halves ``a, b``
    of each query and key head at position ``t`` become ``a cos - b sin, b cos + a sin`` of the
    angles ``t * rope ** (-2 k / head_dim)``, as in Llama; with `rope_dim` those of its first
    `rope_dim` features, by ``t * rope ** (-2 k / rope_dim)``, as in GPT-NeoX; with
    `rope_interleaved` ``a, b`` are features ``2 k`` and ``2 k + 1``. With `rope_scaling`
    ``[f, low, high, n]`` a frequency ``w = rope ** (-2 k / d)`` becomes ``s w + (1 - s) w / f``,
    ``s`` being ``(n w / (2 pi) - low) / (high - low)`` between 0 and 1: waves that pass through
    less than `low` turns in n positions are stretched. With `qk_norm` each query and
    key head becomes ``x / sqrt(mean(x^2) + qk_norm) * weight`` before that. With `softcap` ``c``
    scores become ``c tanh(score / c)`` before biases and masks. With `alibi` ``m_h |i - j|`` is
    taken from the scores of head ``h``, counted from 1, with ``m_h = 2 ** (-8 h / heads)``; where
    `heads` is no power of 2, the rates are those of the next one: those at even places, then those
    at odd ones. With `sinks` the exponential of head ``h``'s sink is added to the denominator of
    its softmax. In training each weight is dropped with the probability `dropout`, the others grow
    by ``1 / (1 - dropout)``.
    Precision: softmax and angles of a half-precision value are computed in float32.
    Source: Vaswani et al. 2017, section 3.2; grouped heads Ainslie et al. 2023 (GQA), section 2.2;
    rotation Su et al. 2021 (RoFormer), eq. 34, features paired half by half, a part of them Black
    et al. 2022 (GPT-NeoX), section 2.2; its scaling Llama Team 2024 (Llama 3.1), Meta's code;
    windows Beltagy et al. 2020 (Longformer), section 3.1;
    ALiBi Press et al. 2022, section 3, and their code for other numbers of heads; norms of queries
    and keys Henry et al. 2020 and Dehghani et al. 2023 (ViT-22B), section 2, here as in Qwen3,
    `qk_norm_whole` as in OLMo 2; soft capping Gemma Team 2024 (Gemma 2), section 2; sinks Xiao et
    al. 2024 and OpenAI 2025 (gpt-oss).
    """

    keras = ("MultiHeadAttention", "GroupQueryAttention", "GroupedQueryAttention")
    ports = _PORTS
    slots = (0, 1, 2, 3, 4)


class SelfAttention(Projected):
    """Multi-head attention of a sequence to itself.

    Shape: x ``[.., time, D]``, mask bool ``[time]`` or ``[time, time]`` (the same for all
    dimensions in front) or ``[.., time, time]``, bias ``[heads, time, time]`` or
    ``[.., heads, time, time]``, to ``[.., time, D]``.
    Weights: `query.weight` [heads * head_dim, D], `key.weight` and `value.weight`
    [kv_heads * head_dim, D], `out.weight` [D, heads * head_dim], and their biases `query.bias` and
    so on; all start uniform in ``+-1/sqrt(fan_in)``, as a `Linear` does.
    MACs: the projections, ``2 * time * D * (heads + kv_heads) * head_dim``, and
    ``2 * time * time * heads * head_dim``, also where `causal` leaves half of them unused.
    Formula: that of `Attention` with x as query, key and value.
    Source: Vaswani et al. 2017, section 3.2.3.
    """

    ports = (Port("x"), *_SCORED)
    slots = (0, 0, 0, 1, 2)


class CrossAttention(Projected):
    """Multi-head attention of a sequence to another one, the memory.

    Shape: x ``[.., time_q, D]``, memory ``[.., time_k, D_k]``, mask bool ``[time_k]`` or
    ``[time_q, time_k]`` (the same for all dimensions in front) or ``[.., time_q, time_k]``, bias
    ``[heads, time_q, time_k]`` or ``[.., heads, time_q, time_k]``, to ``[.., time_q, D]``.
    Weights: `query.weight` [heads * head_dim, D], `key.weight` and `value.weight`
    [kv_heads * head_dim, D_k], `out.weight` [D, heads * head_dim], and their biases `query.bias`
    and so on; all start uniform in ``+-1/sqrt(fan_in)``, as a `Linear` does.
    MACs: the projections, and ``2 * time_q * time_k * heads * head_dim``.
    Formula: that of `Attention` with x as query, the memory as key and value.
    Source: Vaswani et al. 2017, section 3.2.3.
    """

    ports = (Port("x"), Port("memory"), *_SCORED)
    slots = (0, 1, 1, 2, 3)
