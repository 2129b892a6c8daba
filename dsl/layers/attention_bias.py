"""Biases of attention: learned numbers added to the scores, by which positions are told apart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dsl.kinds.kind import KindError, arg
from dsl.kinds.values import Bool, Int
from dsl.layers.attention_operands import check_sequence
from dsl.layers.base import Init, Layer, MaybeTypes, Port, Types, Weight
from dsl.shapes.dim import Dim
from dsl.shapes.types import TensorType

if TYPE_CHECKING:
    from dsl.tape.act import Act
    from dsl.tape.tensors import Tensor


class RelativePositionBias(Layer):
    """A learned bias of attention by the distance of two positions, distances in buckets.

    ``bias[h, i, j] = W[bucket(j - i), h]``. One such value may serve all layers of a stack:
    ``(x, bias=b) -> SelfAttention(heads, scale=1.0)`` is the attention of T5.

    Shape: x ``[.., time_q, features]`` and, where keys are others, memory
    ``[.., time_k, features]``, of which only the lengths matter, to ``[heads, time_q, time_k]``
    without a batch.
    Formula: of ``n`` buckets for a direction the first ``n // 2`` hold a distance each; the others
    grow with the logarithm, ``bucket(d) = e + floor((n - e) log(d / e) / log(max_distance / e))``
    with ``e = n // 2``, at most ``n - 1``. With `bidirectional` half of `buckets` are for keys up
    to the query, the other half for those ahead; else all are for keys up to the query, and keys
    ahead are at distance 0 (a causal attention does not see them).
    Weights: `weight` [buckets, heads], starting from N(0, 0.02).
    MACs: none; a look-up multiplies nothing.
    Source: Raffel et al. 2020 (T5), section 2.1, and their code, in which ``n`` is 32 or twice 16.
    """

    ports = (Port("x"), Port("memory", optional=True))

    heads: int = arg(Int(1), "Heads of the attention, each with numbers of its own.")
    buckets: int = arg(Int(2), "Rows of the table.", 32)
    max_distance: int = arg(Int(2), "Where the last bucket begins at the latest.", 128)
    bidirectional: bool = arg(Bool(), "Whether keys ahead of a query have their own buckets.", True)

    def check(self) -> None:
        if self.bidirectional and (self.buckets % 2 or self.buckets < 4):
            raise KindError(
                f"{self.buckets} buckets cannot serve two directions evenly", "buckets",
                "take an even number from 4, or bidirectional=false",
            )  # fmt: skip
        near = self.buckets // (4 if self.bidirectional else 2)
        if self.max_distance <= near:
            raise KindError(
                f"distances up to {near} have a bucket each, so the last one begins behind",
                "max_distance", f"take {near + 1} or more, or fewer `buckets`",
            )  # fmt: skip

    def infer(self, x: TensorType, memory: TensorType | None = None) -> TensorType:
        keys = x if memory is None else memory
        check_sequence(self, x, 0)
        if memory is not None:
            check_sequence(self, memory, 1)
        shape = (self.heads, x.shape[-2], keys.shape[-2])
        return TensorType(shape, axes=(None,) * 3, batched=False)

    def weights(self, x: TensorType, memory: TensorType | None = None) -> tuple[Weight, ...]:
        return (Weight("weight", (self.buckets, self.heads), Init("normal", 0.02)),)

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        return 0

    def rehearse(self, act: Act) -> Tensor:
        """Looked up for each pair of positions, whose places in the table are kept."""
        places = 8 * math.prod(act.shape[-2:])
        return act.tape.run("lookup", (), act.shape, params=act.learned, extra=places)
