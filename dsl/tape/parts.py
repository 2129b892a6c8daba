"""Operations that several layers share, written as PyTorch runs them."""

from __future__ import annotations

from collections.abc import Sequence

from dsl.tape.tape import Tape
from dsl.tape.tensors import Param, Shape, Tensor

STATISTIC = 4
"""Bytes of a mean, a deviation or a logarithm of a sum, which are float32."""


def linear(tape: Tape, x: Tensor, features: int, params: Sequence[Param]) -> Tensor:
    """``x W^T + b``, the bias being the second weight if there is one."""
    shape = (*x.shape[:-1], features)
    rows = x.count // max(x.shape[-1], 1)
    return tape.product("gemm", x, shape, params, 2 * rows * x.shape[-1] * features)


def normalise(
    tape: Tape, x: Tensor, params: Sequence[Param], statistics: int, category: str = "norm"
) -> Tensor:
    """A fused normalisation, which keeps its input and `statistics` numbers.

    Over rows it needs range and raises its input; over the batch (``batch_norm``) it does not.
    """
    if category == "norm":
        x = tape.raised(x)
    return tape.run(category, (x,), x.shape, keep=(x,), extra=STATISTIC * statistics, params=params)


def multiply(tape: Tape, xs: Sequence[Tensor], shape: Shape | None = None) -> Tensor:
    """A product of two, each of which is kept where the other gets a gradient."""
    first, second = xs
    keep = [y for y, other in ((second, first), (first, second)) if other.needs]
    return tape.run("pointwise", xs, first.shape if shape is None else shape, keep=keep)


def scaled(tape: Tape, x: Tensor, param: Param) -> Tensor:
    """A product with a weight that is broadcast: its input is kept."""
    return tape.run("pointwise", (x,), x.shape, keep=(x,), params=(param,))


def total(tape: Tape, x: Tensor, shape: Shape) -> Tensor:
    """A sum or mean, which keeps nothing."""
    return tape.run("reduce", (x,), shape)


def softmax(tape: Tape, x: Tensor) -> Tensor:
    """Keeps its result, and is computed in float32."""
    return tape.pointwise((tape.raised(x),), keep="output")


def dropout(tape: Tape, x: Tensor, p: float) -> Tensor:
    """Keeps a mask: of a byte for each element where it is fused, else of the element's own size.

    Nothing happens outside training.
    """
    if not p or not tape.training:
        return x
    return tape.pointwise((x,), extra=x.count if tape.gpu else x.bytes)


def matmul(
    tape: Tape, a: Tensor, b: Tensor, shape: Shape, flops: int, category: str = "gemm"
) -> Tensor:
    """A product of two values, each of which the other's gradient needs."""
    a, b = tape.lowered(a), tape.lowered(b)
    keep = [y for y, other in ((b, a), (a, b)) if other.needs]
    return tape.run(category, (a, b), shape, size=tape.lower or a.size, keep=keep, flops=flops)


def padded(
    tape: Tape, x: Tensor, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]
) -> Tensor:
    """A copy with the cells that ``padding="same"`` adds."""
    front, sizes = x.shape[: -len(kernel)], x.shape[-len(kernel) :]
    grown = tuple(
        size + max((-(-size // s) - 1) * s + d * (k - 1) + 1 - size, 0)
        for size, k, s, d in zip(sizes, kernel, stride, dilation)
    )
    return tape.run("copy", (x,), (*front, *grown))
