"""Attention as generated code runs it: projections, rotation, and scores, fused or written out."""

from __future__ import annotations

from collections.abc import Sequence

from dsl.tape.parts import STATISTIC, dropout, matmul, softmax
from dsl.tape.tape import Tape
from dsl.tape.tensors import Shape, Tensor


def heads(tape: Tape, x: Tensor, count: int) -> Tensor:
    """``[.., T, heads * size]`` seen as ``[.., heads, T, size]``."""
    *front, time, width = x.shape
    return tape.view(x, (*front, count, time, width // count), turned=True)


def joined(tape: Tape, y: Tensor) -> Tensor:
    """``[.., heads, T, size]`` seen as ``[.., T, heads * size]``."""
    *front, count, time, size = y.shape
    return tape.dense(y, (*front, time, count * size))


def rotate(tape: Tape, x: Tensor, features: int) -> Tensor:
    """The two halves of some features turned as pairs, in float32; angles are made on the way."""
    *front, width = x.shape
    half = (*front, features // 2)
    a, b = tape.view(x, half), tape.view(x, half)
    sums = []
    for _ in range(2):
        left = tape.pointwise((a,), size=4, extra=0)
        right = tape.pointwise((b,), size=4)
        sums.append(tape.add((left, right)))
        tape.drop(left)
        tape.drop(right)
    rest = [tape.view(x, (*front, width - features))] if features < width else []
    turned = tape.run("copy", (*sums, *rest), x.shape, size=4)
    for part in sums:
        tape.drop(part)
    return tape.cast(turned, x.size)


def fused(
    tape: Tape, q: Tensor, k: Tensor, v: Tensor, extras: Sequence[Tensor], drop: float, flops: int,
    causal: bool = False,
) -> Tensor:  # fmt: skip
    """``scaled_dot_product_attention``: keeps its operands, its result and a sum for each query.

    Where it is `causal` the device computes half of the products.

    Source: Dao et al., FlashAttention (2022), algorithm 1; PyTorch's derivatives of
    ``_scaled_dot_product_flash_attention``.
    """
    q, k, v = tape.lowered(q), tape.lowered(k), tape.lowered(v)
    shape = (*q.shape[:-1], v.shape[-1])
    learned = any(x.needs for x in extras)
    if not tape.gpu and (learned or (drop and tape.training)):
        return _spelled_out(tape, q, k, v, extras, drop, flops)
    if not tape.fused_attention:
        return written_out(tape, q, k, v, extras, drop, flops)
    rows = q.count // q.shape[-1]
    return tape.run(
        "attention", (q, k, v, *extras), shape, size=q.size, keep=(q, k, v, *extras),
        keep_output=True, extra=STATISTIC * rows, flops=flops // 2 if causal else flops,
    )  # fmt: skip


def _spelled_out(
    tape: Tape, q: Tensor, k: Tensor, v: Tensor, extras: Sequence[Tensor], drop: float, flops: int
) -> Tensor:
    """What the CPU does without a fused kernel: all in float32, queries and keys both scaled."""
    lower, tape.lower = tape.lower, 0
    q, k, v = (tape.cast(x, 4) for x in (q, k, v))
    y = written_out(tape, q, tape.pointwise((k,)), v, extras, drop, flops)
    tape.lower = lower
    return tape.lowered(y)


def written_out(
    tape: Tape, q: Tensor, k: Tensor, v: Tensor, masks: Sequence[Tensor], drop: float, flops: int,
    changes: Sequence[str] = (),
) -> Tensor:  # fmt: skip
    """Scores, their softmax and their use one by one.

    Args:
        tape: Where it is written down.
        q: ``[.., heads, T, size]``.
        k: As `q`.
        v: As `q`.
        masks: Masks and biases, each applied to the scores.
        drop: Probability of dropout.
        flops: Of both products.
        changes: What the backward pass of each further operation on the scores keeps: ``output``
            or ``nothing``.
    """
    scores_shape: Shape = (*q.shape[:-1], k.shape[-2])
    scaled = tape.pointwise((q,))
    scores = matmul(tape, scaled, k, scores_shape, flops // 2)
    for keep in changes:
        scores = tape.pointwise((scores,), keep=keep)
    for mask in masks:
        scores = tape.add((scores, mask), scores.shape)
    weights = softmax(tape, scores)
    weights = dropout(tape, tape.cast(weights, v.size), drop)
    shape = (*q.shape[:-1], v.shape[-1])
    return matmul(tape, weights, v, shape, flops - flops // 2)
