"""Scans: linear recurrences along time, whose state no matrix mixes."""

from __future__ import annotations

from dsl.layers.base import Init, Layer, LayerError, MaybeTypes, Port, Types, Weight, known
from dsl.layers.recurrent import require_sequence
from dsl.shapes.dim import Dim, product
from dsl.shapes.types import TensorType

_PER_STATE = 5
"""Of one number of the state in one step: 3 products, 1 exponential, 1 sum."""

_PER_FEATURE = 3
"""Of one feature in one step: ``delta * x``, ``d * x``, and a sum."""


class SelectiveScan(Layer):
    """A state space model that the sequence itself steers: the S6 layer of Mamba.

    Each feature has a state of N numbers: ``h_t = exp(delta_t A) * h_{t-1} + delta_t B_t x_t``,
    starting at zero, and ``y_t = C_t h_t + d x_t``, with ``A = -exp(a_log)``. A large `delta`
    lets the state forget and take up `x`, a small one keeps it.
    Use: ``(x, delta, b, c) -> SelectiveScan``. `delta` is positive: end it in `Softplus`.
    Shape: `x` and `delta` ``[.., time, D]``, `b` and `c` ``[.., time, N]``, to
    ``[.., time, D]``; dimensions in front of time are batch. N follows from `b`.
    Weights: `a_log` [D, N], each row starting at ``log(1), log(2), .., log(N)``, and `d` [D],
    starting at 1. Decay and penalties leave both alone by default, as in the authors' code.
    MACs: ``time * D * N``, the products with `c`; the rest is elementwise.
    Precision: the state of a half-precision value is carried in float32.
    Source: Gu & Dao, Mamba (2023), Algorithm 2, discretised as in the authors' code (section
    2.2: zero-order hold for `A`, Euler's rule for `B`); the start of `a_log` is S4D-Real's (Gu et
    al. 2022). PyTorch and Keras have no layer for it. The state is carried step by step.
    """

    ports = (Port("x"), Port("delta"), Port("b"), Port("c"))

    def infer(self, *inputs: TensorType) -> TensorType:
        for port, value in enumerate(inputs):
            try:
                require_sequence(self.name, value)
            except LayerError as error:
                error.input, error.insert = port, ""  # in front of the layer it would reach all
                raise
        x, delta, b, c = inputs
        known(x.shape[-1], "the number of features that `SelectiveScan` reads")
        known(b.shape[-1], "the size of the state")
        _require_alike("delta", 1, delta, x, x.shape)
        _require_alike("b", 2, b, x, (*x.shape[:-1], b.shape[-1]))
        _require_alike("c", 3, c, b, b.shape)
        return x

    def weights(self, *inputs: TensorType) -> tuple[Weight, ...]:
        x, _, b, _ = inputs
        features, state = x.shape[-1], b.shape[-1]
        return (
            Weight("a_log", (features, state), Init("log_count"), "norm"),
            Weight("d", (features,), Init("ones"), "norm"),
        )

    def macs(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        return product(outputs[0].shape) * inputs[2].shape[-1]  # type: ignore[union-attr]

    def backward_macs(
        self, inputs: MaybeTypes, outputs: Types, needs: tuple[bool, ...], trained: bool
    ) -> Dim:
        """One product for the state where anything in front of it needs a gradient, one for `c`."""
        return self.macs(inputs, outputs) * ((trained or any(needs[:3])) + needs[3])

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        state = inputs[2].shape[-1]  # type: ignore[union-attr]
        return product(outputs[0].shape) * (_PER_STATE * state + _PER_FEATURE)


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
        notes=("x and delta are [.., time, D], b and c [.., time, N]",),
        help="a learned value has no batch; `Add` it to one that has" if not x.batched else "",
    )  # fmt: skip
