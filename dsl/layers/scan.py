"""Scans: linear recurrences along time, whose state no matrix mixes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsl.kinds.kind import KindError, arg
from dsl.kinds.values import Int
from dsl.layers.base import Init, Layer, LayerError, MaybeTypes, Port, Types, Weight, known
from dsl.layers.recurrent import require_sequence
from dsl.shapes.dim import Dim, product
from dsl.shapes.types import TensorType

if TYPE_CHECKING:
    from dsl.tape.act import Act
    from dsl.tape.tensors import Tensor

_STATE = 3
"""Operations of one number of the state in one step: two products and a sum."""

_DECAY = 2
"""Of one decay in one step: a product and an exponential."""

_FEATURE = 3
"""Of one feature in one step: ``delta * x``, ``d * x``, and a sum."""


class LinearRecurrence(Layer):
    """A running sum that forgets: ``h_t = decay_t * h_{t-1} + x_t``, starting at zero.

    With decays from 0 to 1, such as ``Sigmoid`` gives, it is the recurrence of gated linear units
    (RG-LRU, minGRU, SRU); with one decay for each feature, a moving average as RWKV's.
    Use: ``(x, decay) -> LinearRecurrence``.
    Shape: `x` ``[.., time, D]``, `decay` the same, or without dimensions in front: ``[time, D]``,
    and ``[D]`` for decays that stay; to ``[.., time, D]``.
    Weights: none. MACs: none; two elementwise operations for each value.
    Precision: the state of a half-precision value is carried in float32.
    Source: Martin & Cundy, Parallelizing Linear Recurrent Neural Nets Over Sequence Length (2018),
    eq. 5. PyTorch and Keras have no layer for it. The state is carried step by step.
    """

    ports = (Port("x"), Port("decay"))

    def infer(self, x: TensorType, decay: TensorType) -> TensorType:
        require_sequence(self.name, x)
        fits = decay.shape in (x.shape, x.shape[-2:], x.shape[-1:]) and decay.dtype == x.dtype
        if not fits or decay.batched > x.batched or (decay.batched and decay.rank < x.rank):
            shapes = x.shape, x.shape[-2:], x.shape[-1:]
            wanted = dict.fromkeys(f"[{', '.join(map(str, shape))}]" for shape in shapes)
            raise LayerError(
                "MSL306", f"decays of {x.named()} are {' or '.join(wanted)}, not {decay.named()}",
                input=1, label=decay.named(),
                notes=("only learned decays may lack dimensions of the value",),
            )  # fmt: skip
        return x

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        return 2 * product(outputs[0].shape)

    def rehearse(self, act: Act) -> Tensor:
        """Step by step: states are kept, and a product for each step."""
        tape, (x, decay) = act.tape, act.given
        states = tape.run("scan", (x, decay), act.shape, size=4, keep=(decay,), keep_output=True)
        return tape.cast(tape.run("copy", (states,), act.shape), x.size)


class SelectiveScan(Layer):
    """A state space model that the sequence itself steers: the S6 layer of Mamba.

    Each feature has a state of N numbers: ``h_t = exp(delta_t A) * h_{t-1} + delta_t B_t x_t``,
    starting at zero, and ``y_t = C_t h_t + d x_t``, with ``A = -exp(a_log)``. A large `delta`
    lets the state forget and take up `x`, a small one keeps it. With `heads`, as in Mamba-2, the
    features fall into heads, side by side, and those of a head share one `delta` and one number A.
    Use: ``(x, delta, b, c) -> SelectiveScan``. `delta` is positive: end it in `Softplus`.
    Shape: `x` and `delta` ``[.., time, D]``, `b` and `c` ``[.., time, N]``, to
    ``[.., time, D]``; dimensions in front of time are batch. With `heads` `delta` is
    ``[.., time, heads]``; with `groups` `b` and `c` are ``[.., time, groups * N]``, and each part
    serves heads / groups heads, side by side.
    Weights: `a_log` [D, N], each row starting at ``log(1), log(2), .., log(N)``, and `d` [D],
    starting at 1. With `heads` both are [heads], `a_log` from ``log(1)`` to ``log(heads)``. Decay
    and penalties leave both alone by default, as in the authors' code.
    MACs: ``time * D * N``, the products with `c`; the rest is elementwise.
    Precision: the state of a half-precision value is carried in float32.
    Source: Gu & Dao, Mamba (2023), Algorithm 2, discretised as in the authors' code (section
    2.2: zero-order hold for `A`, Euler's rule for `B`); heads: Dao & Gu, Transformers are SSMs
    (2024), section 7; starts: S4D-Real (Gu et al. 2022) and, with heads, transformers' Mamba2.
    PyTorch and Keras have no layer for it. The state is carried step by step.
    """

    ports = (Port("x"), Port("delta"), Port("b"), Port("c"))

    heads: int | None = arg(Int(1), "Parts of the features that share one `delta` each.", None)
    groups: int = arg(Int(1), "Parts of the heads that have a `b` and a `c` of their own.", 1)

    def check(self) -> None:
        if self.groups > 1 and self.heads is None:
            raise KindError("`groups` are groups of heads, and there are none", "groups",
                "give `heads` too")  # fmt: skip
        if self.heads is not None and self.heads % self.groups:
            raise KindError(
                f"{self.heads} heads do not fall into {self.groups} groups", "groups",
                "take a divisor of `heads`",
            )  # fmt: skip

    def infer(self, *inputs: TensorType) -> TensorType:
        for port, value in enumerate(inputs):
            try:
                require_sequence(self.name, value)
            except LayerError as error:
                error.input, error.insert = port, ""  # in front of the layer it would reach all
                raise
        x, delta, b, c = inputs
        known(x.shape[-1], "the number of features that `SelectiveScan` reads")
        self._split(x.shape[-1], self.heads or 1, "features", "heads", 0)
        self._split(
            known(b.shape[-1], "the size of the state"), self.groups, "numbers", "groups", 2
        )
        _require_alike("delta", 1, delta, x, (*x.shape[:-1], self.heads or x.shape[-1]))
        _require_alike("b", 2, b, x, (*x.shape[:-1], b.shape[-1]))
        _require_alike("c", 3, c, b, b.shape)
        return x

    def _split(self, count: int, parts: int, what: str, arg: str, port: int) -> None:
        if count % parts:
            raise LayerError(
                "MSL308", f"{count} {what} do not fall into {parts} {arg}", arg=arg, input=port,
                notes=(f"{count} % {parts} = {count % parts}",),
            )  # fmt: skip

    def state(self, inputs: MaybeTypes) -> int:
        """N, the numbers that each feature's state has."""
        return inputs[2].shape[-1] // self.groups  # type: ignore[union-attr]

    def weights(self, *inputs: TensorType) -> tuple[Weight, ...]:
        count = self.heads or inputs[0].shape[-1]
        decays = (count,) if self.heads else (count, self.state(inputs))
        return (
            Weight("a_log", decays, Init("log_count"), "norm"),
            Weight("d", (count,), Init("ones"), "norm"),
        )

    def macs(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        return product(outputs[0].shape) * self.state(inputs)

    def backward_macs(
        self, inputs: MaybeTypes, outputs: Types, needs: tuple[bool, ...], trained: bool
    ) -> Dim:
        """One product for the state where anything in front of it needs a gradient, one for `c`."""
        return self.macs(inputs, outputs) * ((trained or any(needs[:3])) + needs[3])

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        state, deltas = self.state(inputs), product(inputs[1].shape)  # type: ignore[union-attr]
        decays = deltas if self.heads else deltas * state
        return product(outputs[0].shape) * (_STATE * state + _FEATURE) + _DECAY * decays

    def rehearse(self, act: Act) -> Tensor:
        """Step by step: a state of ``[features, state]`` and what it is made of for each step."""
        tape, x = act.tape, act.x
        wide = (*x.shape, act.given[2].shape[-1])
        decays = tape.run("scan", (act.given[1],), wide, keep_output=True, params=act.learned)
        fed = tape.run("scan", act.given, wide, keep=act.given)
        states = tape.run("scan", (decays, fed), wide, keep=(decays,), keep_output=True)
        read = tape.run("scan", (states,), act.shape, flops=act.flops, flops_back=act.flops_back)
        return tape.add((tape.run("copy", (read,), act.shape), x))


def _require_alike(
    name: str, port: int, x: TensorType, like: TensorType, shape: tuple[Dim, ...]
) -> None:
    """Refuses an input whose shape, dtype or batch does not follow from another's.

    Raises:
        LayerError: MSL306.
    """
    if (x.shape, x.dtype, x.batched) == (shape, like.dtype, like.batched):
        return
    wanted = like.with_shape(shape, x.axes if x.rank == len(shape) else (None,) * len(shape))
    raise LayerError(
        "MSL306",
        f"`{name}` is {x.named()}, and beside {like.named()} it would be {wanted.named()}",
        input=port, label=x.named(),
        notes=("x and delta are [.., time, D], or delta [.., time, heads]; b and c [.., time, N]",),
        help="a learned value has no batch; `Add` it to one that has" if not x.batched else "",
    )  # fmt: skip
