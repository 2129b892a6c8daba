"""What the attentions that project have in common."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from dsl.kinds.kind import KindError, arg
from dsl.kinds.values import Bool, Float, Int, ListOf, OneOf, String
from dsl.layers.attention_operands import (
    any_batched,
    check_heads,
    check_operands,
    check_scores,
    score_operations,
)
from dsl.layers.base import ONES, ZEROS, Init, Layer, LayerError, MaybeTypes, Types, Weight, known
from dsl.shapes.dim import Dim, product
from dsl.shapes.types import TensorType
from dsl.tape.attention import fused, heads, joined, rotate, written_out
from dsl.tape.parts import linear, normalise

if TYPE_CHECKING:
    from dsl.tape.act import Act
    from dsl.tape.tensors import Param, Tensor

_ROTATION = 3
_CAP = 3
_NORM = 4
_ROLES = ("query", "key", "value", "out")


class Projected(Layer, abstract=True):
    """What the attentions that project have in common.

    Class attributes:
        slots: The port that each of query, key, value, mask and bias comes from.
    """

    stochastic = True
    slots: ClassVar[tuple[int, int, int, int, int]]

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
    rope_interleaved: bool = arg(
        Bool(), "Whether `rope` pairs neighbouring features, not those of the two halves.", False
    )
    alibi: bool = arg(
        Bool(), "Whether scores fall with the distance, for each head at a rate of its own.", False
    )
    qk_norm: float | None = arg(
        Float(0), "The eps of an RMS norm of each query and key head, in front of `rope`; none if "
        "not given.", None,
    )  # fmt: skip
    qk_norm_whole: bool = arg(
        Bool(), "Whether `qk_norm` takes all heads of a position together.", False
    )
    softcap: float | None = arg(
        Float(0, open_low=True), "What the size of scores stays below; no bound if not given.", None
    )
    sinks: bool = arg(
        Bool(), "Whether each head has a learned score that takes weight and gives nothing.", False
    )

    rope_scaling: tuple[float, ...] | None = arg(
        ListOf(Float(0, open_low=True), 4), "How Llama 3.1 stretches `rope` to longer texts: the "
        "factor, low and high frequency factor, length before, as in [8, 1, 4, 8192].", None,
    )  # fmt: skip

    def check(self) -> None:
        if self.kv_heads is not None and self.heads % self.kv_heads:
            raise KindError(
                f"{self.heads} heads cannot share {self.kv_heads} heads of keys and values evenly",
                "kv_heads",
                f"take a divisor of {self.heads}",
                "MSL313",
            )
        self._check_details()
        if isinstance(self.bias, tuple) and len(set(self.bias)) < len(self.bias):
            raise KindError("`bias` names a projection twice", "bias", "name each once")

    def _check_details(self) -> None:
        """Refuses what says more about a setting that is not there."""
        if self.rope_dim is not None and self.rope is None:
            raise KindError(
                "`rope_dim` says how much `rope` turns, and there is no `rope`", "rope_dim",
                "add rope=10000.0",
            )  # fmt: skip
        if self.rope_interleaved and self.rope is None:
            raise KindError(
                "`rope_interleaved` says what `rope` turns, and there is no `rope`",
                "rope_interleaved", "add rope=10000.0",
            )  # fmt: skip
        if self.rope_scaling is not None:
            self._check_scaling(self.rope_scaling)
        if self.qk_norm_whole and self.qk_norm is None:
            raise KindError(
                "`qk_norm_whole` says what `qk_norm` takes together, and there is no `qk_norm`",
                "qk_norm_whole", "add qk_norm=1e-6",
            )  # fmt: skip

    def _check_scaling(self, scaling: tuple[float, ...]) -> None:
        """Refuses to stretch what is not there, or between bounds in the wrong order."""
        if self.rope is None:
            raise KindError(
                "`rope_scaling` says how `rope` is stretched, and there is no `rope`",
                "rope_scaling", "add rope=500000.0",
            )  # fmt: skip
        if scaling[1] >= scaling[2]:
            raise KindError(
                f"the low frequency factor {scaling[1]:g} is not below the high one {scaling[2]:g}",
                "rope_scaling", "the order is [factor, low, high, length], as in [8, 1, 4, 8192]",
            )  # fmt: skip

    @property
    def biased(self) -> tuple[str, ...]:
        """The projections that add a learned offset: some of query, key, value, out."""
        if isinstance(self.bias, tuple):
            return self.bias
        return _ROLES if self.bias else ()

    def operands(self, inputs: MaybeTypes) -> MaybeTypes:
        """The types of query, key, value, mask and bias."""
        return tuple(inputs[slot] if slot < len(inputs) else None for slot in self.slots)

    def head_size(self, width: int) -> int:
        """The size of a head for queries of `width` features.

        Raises:
            LayerError: MSL313, heads do not divide the width, or rotation needs pairs.
        """
        if self.head_dim is None:
            check_heads(self.heads, width, 0)
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
        operands = self.operands(inputs)
        check_operands(self, operands, self.slots)
        check_scores(self.heads, operands, self.slots)
        query = operands[0]
        for x in operands[:3]:
            known(x.shape[-1], f"the size that `{self.name}` projects from")
        self.head_size(query.shape[-1])
        return query.replace(batched=any_batched(operands))

    def weights(self, *inputs: TensorType | None) -> tuple[Weight, ...]:
        query, key, value = self.operands(inputs)[:3]
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
        if self.qk_norm is not None:
            whole = self.qk_norm_whole
            size = self.head_size(width)
            found.append(Weight("query_norm.weight", (inner if whole else size,), ONES, "norm"))
            found.append(Weight("key_norm.weight", (shared if whole else size,), ONES, "norm"))
        if self.sinks:
            found.append(Weight("sinks", (self.heads,), ZEROS, "bias"))
        return tuple(found)

    def _sizes(self, width: int) -> tuple[int, int]:
        """Sizes of all heads of queries, and of keys and values."""
        size = width // self.heads if self.head_dim is None else self.head_dim
        shared = self.heads if self.kv_heads is None else self.kv_heads
        return (width if self.head_dim is None else self.heads * size), shared * size

    def macs(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        query, key, value = self.operands(inputs)[:3]
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

        A score is scaled, less the maximum, raised to an exponential, summed and divided. A bias
        and `alibi` are one more each, `softcap` three; `sinks` are one more score of each query.
        `qk_norm` is four for each feature of queries and keys.
        """
        query, key, _, _, bias = self.operands(inputs)
        inner, shared = self._sizes(query.shape[-1])
        queries, keys = product(query.shape[:-1]), product(key.shape[:-1])
        score = score_operations((bias,)) + self.alibi + (_CAP if self.softcap else 0)
        total = self.heads * queries * (score * key.shape[-2] + score_operations(()) * self.sinks)
        if self.qk_norm is not None:
            total = total + _NORM * (queries * inner + keys * shared)
        if self.rope is not None:
            turned = (queries * inner + keys * shared) * (self.rope_dim or 1)
            part = self.head_size(query.shape[-1]) if self.rope_dim else 1
            total = total + _ROTATION * turned // part
        sizes = (queries * inner, keys * shared, keys * shared, queries * query.shape[-1])
        return total + sum(size for role, size in zip(_ROLES, sizes) if role in self.biased)

    def rehearse(self, act: Act) -> Tensor:
        """Projections one by one, rotation, the scores (fused where they can be), the way out."""
        tape, given = act.tape, self.operands(act.inputs)
        width = given[0].shape[-1]
        inner, shared = self._sizes(width)
        q, k, v = (
            linear(tape, x, size, self._projection(act, role))
            for x, size, role in zip(given, (inner, shared, shared), _ROLES)
        )
        if self.qk_norm is not None and self.qk_norm_whole:
            q, k = self._normed(act, q, "query"), self._normed(act, k, "key")
        kv_heads = self.kv_heads or self.heads
        q, k, v = heads(tape, q, self.heads), heads(tape, k, kv_heads), heads(tape, v, kv_heads)
        if self.qk_norm is not None and not self.qk_norm_whole:
            q, k = self._normed(act, q, "query"), self._normed(act, k, "key")
        if self.rope is not None:
            q, k = (rotate(tape, x, self.rope_dim or x.shape[-1]) for x in (q, k))
        y = self._attended(act, q, k, v, [x for x in given[3:] if x is not None])
        return linear(tape, joined(tape, y), width, self._projection(act, "out"))

    def _projection(self, act: Act, role: str) -> tuple[Param, ...]:
        return tuple(param for name, param in act.params.items() if name.startswith(f"{role}."))

    def _normed(self, act: Act, x: Tensor, role: str) -> Tensor:
        params = (act.params[f"{role}_norm.weight"],)
        return normalise(act.tape, x, params, x.count // x.shape[-1])

    def _attended(self, act: Act, q: Tensor, k: Tensor, v: Tensor, extras: list[Tensor]) -> Tensor:
        tape = act.tape
        flops = 4 * q.count * k.shape[-2]
        if self.window is not None or self.alibi:
            shown = (*(self.heads,) * self.alibi, q.shape[-2], k.shape[-2])
            extras.append(tape.tensor(shown, 4 if self.alibi else 1, real=self.alibi))
        if self.softcap is None and not self.sinks:
            return fused(tape, q, k, v, extras, self.dropout, flops, self.causal)
        if self.kv_heads not in (None, self.heads):
            k, v = (tape.run("copy", (x,), (*q.shape[:-2], *x.shape[-2:])) for x in (k, v))
        changes = ["nothing", "output", "nothing"] if self.softcap else []
        changes += ["nothing"] * self.sinks + ["nothing"] * self.causal
        return written_out(tape, q, k, v, extras, self.dropout, flops, changes)
