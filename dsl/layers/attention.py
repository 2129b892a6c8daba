"""Attention: weighted sums of values, the weights found by comparing queries with keys.

Positions count along ``time``, the dimension before the last; further ones in front are batch.
A mask is bool, true where a query may look; a query that may look nowhere gets zeros.
"""

from __future__ import annotations

import math
from typing import ClassVar

from dsl.kinds.kind import KindError, arg
from dsl.kinds.values import Bool, Float, Int, ListOf, OneOf, String
from dsl.layers.base import Init, Layer, LayerError, MaybeTypes, Port, Types, Weight, known
from dsl.shapes.dim import Dim, product
from dsl.shapes.types import TensorType

_SPATIAL = ("time", "depth", "height", "width")
_SOFTMAX = 5
_ROTATION = 3
_ROLES = ("query", "key", "value", "out")
_PORTS = (Port("query"), Port("key"), Port("value"), Port("mask", optional=True))


class DotProductAttention(Layer):
    """Scaled dot-product attention without projections: ``softmax(s Q K^T) V`` in each head.

    Shape: query ``[.., time_q, D]``, key ``[.., time_k, D]``, value ``[.., time_k, D_v]``, mask
    bool ``[time_k]`` or ``[time_q, time_k]`` (the same for all dimensions in front, of its own for
    each sample), to ``[.., time_q, D_v]``. Heads are equal parts of the last dimension, side by
    side.
    Formula: ``softmax`` is over the keys that a query may see: those the mask allows, with
    `causal` none behind it, with `window` those with ``|i - j| < window``. A query that may see
    none gives zeros. ``s`` is `scale`. In training each weight is dropped with the probability
    `dropout`, the others grow by ``1 / (1 - dropout)``.
    MACs: ``time_q * time_k * (D + D_v)``, also where a mask or `causal` leaves some unused.
    Precision: the softmax of a half-precision value is computed in float32.
    Source: Vaswani et al. 2017, section 3.2.1 and eq. 1; windows as in Beltagy et al. 2020
    (Longformer), section 3.1; dropout Srivastava et al. 2014.
    """

    ports = _PORTS
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
        self, query: TensorType, key: TensorType, value: TensorType, mask: TensorType | None = None
    ) -> TensorType:
        _check_operands(self, (query, key, value, mask), (0, 1, 2, 3))
        if query.shape[-1] != key.shape[-1]:
            raise LayerError(
                "MSL306", "queries and keys are compared, so they need one size: "
                f"{query.shape[-1]} and {key.shape[-1]}", input=1,
                notes=(f"the query is {query.named()}, the key {key.named()}",),
                help="`Attention` projects them to one size",
            )  # fmt: skip
        for position, x in ((0, query), (2, value)):
            _check_heads(self.heads, known(x.shape[-1], "the size that heads split"), position)
        result = query.with_dim(query.rank - 1, value.shape[-1])
        return result.replace(batched=query.batched or key.batched or value.batched)

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
        """Five for each score: scale, subtract the maximum, exponential, sum, divide."""
        return _SOFTMAX * self.heads * product(inputs[0].shape[:-1]) * inputs[1].shape[-2]


class Projected(Layer, abstract=True):
    """What the attentions that project have in common.

    Class attributes:
        slots: The port that each of query, key, value and mask comes from.
    """

    stochastic = True
    slots: ClassVar[tuple[int, int, int, int]]

    heads: int = arg(
        Int(1), "Attentions side by side.", keras=("num_heads", "num_query_heads", "head_count")
    )
    kv_heads: int | None = arg(
        Int(1), "Heads of keys and values, each for heads / kv_heads queries; as `heads` if not "
        "given.", None, keras=("num_key_value_heads",),
    )  # fmt: skip
    head_dim: int | None = arg(
        Int(1), "Size of a head; size of the query / heads if not given.", None, keras=("key_dim",)
    )
    causal: bool = arg(
        Bool(), "Whether position i sees only positions up to i.", False, keras=("use_causal_mask",)
    )
    rope: float | None = arg(
        Float(0, open_low=True), "Base of rotary positions (10000.0 is usual); none if not given.",
        None,
    )  # fmt: skip
    dropout: float = arg(
        Float(0, 1, open_high=True), "Probability that a weight is dropped in training.", 0.0
    )
    bias: bool | tuple[str, ...] = arg(
        OneOf(Bool(), ListOf(String(*_ROLES), least=1)), "Whether the four projections add a "
        "learned offset, or those that do: [\"query\", \"key\", \"value\"].", True,
        keras=("use_bias",),
    )  # fmt: skip
    window: int | None = arg(
        Int(1), "Positions i and j see each other where |i - j| < window.", None
    )
    scale: float | None = arg(
        Float(0, open_low=True), "Factor of the scores; 1 / sqrt(head_dim) if not given.", None
    )
    rope_dim: int | None = arg(
        Int(2), "Features of each head that `rope` turns, the first ones; all if not given.", None
    )

    def check(self) -> None:
        if self.kv_heads is not None and self.heads % self.kv_heads:
            raise KindError(
                f"{self.heads} heads cannot share {self.kv_heads} heads of keys and values evenly",
                "kv_heads",
                f"take a divisor of {self.heads}",
                "MSL313",
            )
        if self.rope_dim is not None and self.rope is None:
            raise KindError(
                "`rope_dim` says how much `rope` turns, and there is no `rope`",
                "rope_dim",
                "add rope=10000.0",
            )
        if isinstance(self.bias, tuple) and len(set(self.bias)) < len(self.bias):
            raise KindError("`bias` names a projection twice", "bias", "name each once")

    @property
    def biased(self) -> tuple[str, ...]:
        """The projections that add a learned offset: some of query, key, value, out."""
        if isinstance(self.bias, tuple):
            return self.bias
        return _ROLES if self.bias else ()

    def operands(self, inputs: MaybeTypes) -> MaybeTypes:
        """The types of query, key, value and mask."""
        return tuple(inputs[slot] if slot < len(inputs) else None for slot in self.slots)

    def head_size(self, width: int) -> int:
        """The size of a head for queries of `width` features.

        Raises:
            LayerError: MSL313, heads do not divide the width, or rotation needs pairs.
        """
        if self.head_dim is None:
            _check_heads(self.heads, width, 0)
        size = width // self.heads if self.head_dim is None else self.head_dim
        self._check_rotation(size)
        return size

    def _check_rotation(self, size: int) -> None:
        """Refuses to turn half a pair of features, or more of them than a head has."""
        if self.rope is None:
            return
        if self.rope_dim is None and size % 2:
            raise LayerError(
                "MSL313", f"rotary positions turn pairs of features, and a head has {size}",
                arg="rope", help="choose `head_dim` or `heads` so that a head has an even size",
            )  # fmt: skip
        if self.rope_dim is not None and (self.rope_dim % 2 or self.rope_dim > size):
            raise LayerError(
                "MSL313", "rotary positions turn pairs of a head's features, and "
                f"{self.rope_dim} of {size} cannot be paired", arg="rope_dim",
                help=f"take an even number up to {size}",
            )  # fmt: skip

    def infer(self, *inputs: TensorType | None) -> TensorType:
        query, key, value, mask = self.operands(inputs)
        _check_operands(self, (query, key, value, mask), self.slots)
        for x in (query, key, value):
            known(x.shape[-1], f"the size that `{self.name}` projects from")
        self.head_size(query.shape[-1])
        return query.replace(batched=query.batched or key.batched or value.batched)

    def weights(self, *inputs: TensorType | None) -> tuple[Weight, ...]:
        query, key, value, _ = self.operands(inputs)
        width = query.shape[-1]
        inner, shared = self._sizes(width)
        sizes = (("query", inner, width), ("key", shared, key.shape[-1]),
            ("value", shared, value.shape[-1]), ("out", width, inner))  # fmt: skip
        found = []
        for role, size, fan_in in sizes:
            start = Init("uniform", 1 / math.sqrt(fan_in))
            found.append(Weight(f"{role}.weight", (size, fan_in), start))
            if role in self.biased:
                found.append(Weight(f"{role}.bias", (size,), start, "bias"))
        return tuple(found)

    def _sizes(self, width: int) -> tuple[int, int]:
        """Sizes of all heads of queries, and of keys and values."""
        size = width // self.heads if self.head_dim is None else self.head_dim
        shared = self.heads if self.kv_heads is None else self.kv_heads
        return (width if self.head_dim is None else self.heads * size), shared * size

    def macs(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        query, key, value, _ = self.operands(inputs)
        width = query.shape[-1]
        inner, shared = self._sizes(width)
        queries, keys = product(query.shape[:-1]), product(key.shape[:-1])
        projections = 2 * queries * width * inner + keys * shared * (
            key.shape[-1] + value.shape[-1]
        )
        return projections + 2 * queries * key.shape[-2] * inner

    def backward_macs(
        self, inputs: MaybeTypes, outputs: Types, needs: tuple[bool, ...], trained: bool
    ) -> Dim:
        """Unfused: each product twice, less the gradients of inputs that need none."""
        operands = self.operands(inputs)
        inner, shared = self._sizes(operands[0].shape[-1])
        total = self.macs(inputs, outputs) * 2
        for slot, x, size in zip(self.slots, operands[:3], (inner, shared, shared)):
            if not needs[slot]:
                total = total - product(x.shape) * size
        return total

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        """Five for each score, three for each rotated feature, one for each offset added.

        A score is scaled, less the maximum, raised to an exponential, summed and divided.
        """
        query, key, _, _ = self.operands(inputs)
        inner, shared = self._sizes(query.shape[-1])
        queries, keys = product(query.shape[:-1]), product(key.shape[:-1])
        total = _SOFTMAX * self.heads * queries * key.shape[-2]
        if self.rope is not None:
            turned = (queries * inner + keys * shared) * (self.rope_dim or 1)
            part = self.head_size(query.shape[-1]) if self.rope_dim else 1
            total = total + _ROTATION * turned // part
        sizes = (queries * inner, keys * shared, keys * shared, queries * query.shape[-1])
        return total + sum(size for role, size in zip(_ROLES, sizes) if role in self.biased)


class Attention(Projected):
    """Multi-head attention of a query to keys and values, each given and projected on its own.

    Shape: query ``[.., time_q, D]``, key ``[.., time_k, D_k]``, value ``[.., time_k, D_v]``, mask
    bool ``[time_k]`` or ``[time_q, time_k]`` (the same for all dimensions in front, of its own for
    each sample), to ``[.., time_q, D]``.
    Weights: `query.weight` [heads * head_dim, D], `key.weight` [kv_heads * head_dim, D_k],
    `value.weight` [kv_heads * head_dim, D_v], `out.weight` [D, heads * head_dim], and their biases
    `query.bias` and so on; all start as a `Linear` does, uniform in ``+-1/sqrt(fan_in)`` (PyTorch's
    `nn.MultiheadAttention` starts with Xavier's rule: a stated deviation).
    MACs: the projections, ``time_q * D * heads * head_dim`` and so on, and
    ``2 * time_q * time_k * heads * head_dim``, also where a mask or `causal` leaves some unused.
    Formula: ``softmax(s Q K^T) V`` in each head, the heads side by side through `out`. The softmax
    is over the keys that a query may see: those the mask allows, with `causal` none behind it, with
    `window` those with ``|i - j| < window``. A query that may see none gets zeros, and the result
    is the bias of `out`. With `kv_heads` query head ``h`` uses key head
    ``h // (heads / kv_heads)``. With `rope` the two halves ``a, b`` of each query and key head at
    position ``t`` become ``a cos - b sin, b cos + a sin`` of the angles
    ``t * rope ** (-2 k / head_dim)``, as in Llama; with `rope_dim` those of its first `rope_dim`
    features, by ``t * rope ** (-2 k / rope_dim)``, as in GPT-NeoX. In training each weight is
    dropped with the probability `dropout`, the others grow by ``1 / (1 - dropout)``.
    Precision: softmax and angles of a half-precision value are computed in float32.
    Source: Vaswani et al. 2017, section 3.2; grouped heads Ainslie et al. 2023 (GQA), section 2.2;
    rotation Su et al. 2021 (RoFormer), eq. 34, features paired half by half, a part of them Black
    et al. 2022 (GPT-NeoX), section 2.2; windows Beltagy et al. 2020 (Longformer), section 3.1.
    """

    keras = ("MultiHeadAttention", "GroupQueryAttention", "GroupedQueryAttention")
    ports = _PORTS
    slots = (0, 1, 2, 3)


class SelfAttention(Projected):
    """Multi-head attention of a sequence to itself.

    Shape: x ``[.., time, D]``, mask bool ``[time]`` or ``[time, time]`` (the same for all
    dimensions in front, of its own for each sample), to ``[.., time, D]``.
    Weights: `query.weight` [heads * head_dim, D], `key.weight` and `value.weight`
    [kv_heads * head_dim, D], `out.weight` [D, heads * head_dim], and their biases `query.bias` and
    so on; all start uniform in ``+-1/sqrt(fan_in)``, as a `Linear` does.
    MACs: the projections, ``2 * time * D * (heads + kv_heads) * head_dim``, and
    ``2 * time * time * heads * head_dim``, also where `causal` leaves half of them unused.
    Formula: that of `Attention` with x as query, key and value.
    Source: Vaswani et al. 2017, section 3.2.3.
    """

    ports = (Port("x"), Port("mask", optional=True))
    slots = (0, 0, 0, 1)


class CrossAttention(Projected):
    """Multi-head attention of a sequence to another one, the memory.

    Shape: x ``[.., time_q, D]``, memory ``[.., time_k, D_k]``, mask bool ``[time_k]`` or
    ``[time_q, time_k]`` (the same for all dimensions in front, of its own for each sample), to
    ``[.., time_q, D]``.
    Weights: `query.weight` [heads * head_dim, D], `key.weight` and `value.weight`
    [kv_heads * head_dim, D_k], `out.weight` [D, heads * head_dim], and their biases `query.bias`
    and so on; all start uniform in ``+-1/sqrt(fan_in)``, as a `Linear` does.
    MACs: the projections, and ``2 * time_q * time_k * heads * head_dim``.
    Formula: that of `Attention` with x as query, the memory as key and value.
    Source: Vaswani et al. 2017, section 3.2.3.
    """

    ports = (Port("x"), Port("memory"), Port("mask", optional=True))
    slots = (0, 1, 1, 2)


def _check_heads(heads: int, width: int, position: int) -> None:
    if width % heads:
        raise LayerError(
            "MSL313", f"{heads} heads cannot split {width} features evenly", arg="heads",
            input=position, notes=(f"{width} / {heads} = {width / heads:g} is not whole",),
            help=f"take a divisor of {width}",
        )  # fmt: skip


def _check_operands(layer: Layer, operands: MaybeTypes, slots: tuple[int, ...]) -> None:
    """Refuses operands that are no sequences, or that do not fit each other."""
    query, key, value, mask = operands
    for slot in dict.fromkeys(slots[:3]):
        _check_sequence(layer, operands[slots.index(slot)], slot)
    for x, slot in ((key, slots[1]), (value, slots[2])):
        if x.shape[:-2] != query.shape[:-2]:
            _unlike("query and keys differ in the dimensions in front", query, x, slot)
    if key.shape[-2] != value.shape[-2]:
        _unlike("each key needs a value, and their numbers differ", key, value, slots[2])
    ordered = "causal" if layer.causal else "window" if layer.window is not None else ""
    if ordered and query.shape[-2] != key.shape[-2]:
        raise LayerError(
            "MSL314", f"`{ordered}` compares positions, and the sequences differ in length: "
            f"{query.shape[-2]} and {key.shape[-2]}", arg=ordered,
            help="pass a mask of [time_q, time_k] that says which positions belong together",
        )  # fmt: skip
    if mask is not None:
        _check_mask(mask, query.shape[-2], key.shape[-2], slots[3])


def _check_sequence(layer: Layer, x: TensorType, slot: int) -> None:
    if x.rank < 2:
        raise LayerError(
            "MSL302", f"`{layer.name}` needs a sequence [time, features], not {x.named()}",
            input=slot, help="recurrent layers give whole sequences with `return_sequences=true`"
            if x.is_float else "",
        )  # fmt: skip
    if not x.is_float:
        raise LayerError(
            "MSL303", f"`{layer.name}` takes real numbers, not {x.dtype}", input=slot,
            help="look integers up in an `Embedding` first",
        )  # fmt: skip
    if x.axes[-1] in _SPATIAL:
        raise LayerError(
            "MSL350", f"`{layer.name}` would take the {x.axes[-1]} of {x.named()} for features",
            input=slot, label=f"compares the last dimension, {x.axes[-1]}={x.shape[-1]}",
            help="make a sequence of positions first",
            insert="ToSequence -> " if x.axes[0] == "channels" else "",
        )  # fmt: skip


def _check_mask(mask: TensorType, queries: Dim, keys: Dim, slot: int) -> None:
    if mask.dtype != "bool":
        raise LayerError(
            "MSL303", f"a mask is bool, true where a query may look, not {mask.dtype}", input=slot
        )
    if mask.shape not in ((keys,), (queries, keys)):
        code = "MSL306" if mask.rank in (1, 2) else "MSL302"
        raise LayerError(
            code, f"a mask for {queries} queries and {keys} keys is [{keys}] or "
            f"[{queries}, {keys}], not {mask.named()}", input=slot,
        )  # fmt: skip


def _unlike(message: str, left: TensorType, right: TensorType, slot: int) -> None:
    raise LayerError("MSL306", message, input=slot, notes=(f"{left.named()} and {right.named()}",))
