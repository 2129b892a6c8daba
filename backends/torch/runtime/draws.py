"""PyTorch's random numbers replaced by named ones, for as long as a model runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol
from unittest import mock

import torch
from torch.nn import functional
from torch.nn.modules import rnn

NEGATIVE = -1.0507009873554805 * 1.6732632423543772
"""What SELU tends to, and what alpha dropout puts in (Klambauer et al. 2017)."""


class Numbers(Protocol):
    """Where draws come from."""

    def uniform(self, path: str, shape: Any) -> Any:
        """The next numbers of a layer, in [0, 1)."""


class Replaced:
    """Functions that draw from given numbers.

    Args:
        numbers: Gives numbers by path.
        path: Gives the path of the layer that is running.
    """

    def __init__(self, numbers: Numbers, path: Callable[[], str]) -> None:
        self.numbers, self.path = numbers, path

    def drawn(self, shape: Any, like: torch.Tensor | None = None) -> torch.Tensor:
        """Uniform numbers of a shape."""
        values = torch.from_numpy(self.numbers.uniform(self.path(), shape))
        return values if like is None else values.to(like.device)

    def kept(self, x: torch.Tensor, shape: Any, p: float) -> torch.Tensor:
        """1 where a value stays, else 0."""
        return (self.drawn(shape, x) >= p).to(x.dtype)

    def dropout(
        self, input: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
    ) -> torch.Tensor:
        """`F.dropout`."""
        return self._masked(input, p, training, input.shape)

    def channels(
        self, input: torch.Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
    ) -> torch.Tensor:
        """`F.dropout1d`, `F.dropout2d` and `F.dropout3d`."""
        shape = (*input.shape[:2], *[1] * (input.dim() - 2))
        return self._masked(input, p, training, shape)

    def _masked(self, x: torch.Tensor, p: float, training: bool, shape: Any) -> torch.Tensor:
        return x * self.kept(x, shape, p) / (1 - p) if training and p else x

    def alpha(
        self, input: torch.Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
    ) -> torch.Tensor:
        """`F.alpha_dropout`."""
        if not training or not p:
            return input
        kept = self.kept(input, input.shape, p)
        a = ((1 - p) * (1 + p * NEGATIVE**2)) ** -0.5
        return a * (input * kept + NEGATIVE * (1 - kept)) - a * NEGATIVE * p

    def attention(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attn_mask: torch.Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> torch.Tensor:
        """`F.scaled_dot_product_attention`, as its documentation writes it out."""
        if not dropout_p:
            return ATTENTION(
                query, key, value, attn_mask, 0.0, is_causal, scale=scale, enable_gqa=enable_gqa
            )
        if enable_gqa:
            times = query.shape[-3] // key.shape[-3]
            key, value = (x.repeat_interleave(times, -3) for x in (key, value))
        scores = query @ key.transpose(-2, -1)
        scores = scores * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
        if is_causal:
            attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
        if attn_mask is not None and attn_mask.dtype == torch.bool:
            scores = scores.masked_fill(~attn_mask, -math.inf)
        elif attn_mask is not None:
            scores = scores + attn_mask
        empty = torch.isneginf(scores).all(-1, keepdim=True)  # may look nowhere: zeros
        weights = torch.softmax(scores.masked_fill(empty, 0.0), -1).masked_fill(empty, 0.0)
        return self.dropout(weights, dropout_p) @ value

    def recurrent(self, kernel: Callable[..., Any]) -> Callable[..., Any]:
        """A kernel for layers on top of each other that draws between them."""

        def run(x: torch.Tensor, *args: Any) -> Any:
            front, (start, weights, biased, depth, p, training, *rest) = _parted(args)
            if depth == 1 or not p or not training:
                return kernel(x, *args)
            copies, size = 1 + rest[0], len(weights) // depth
            states = start if isinstance(start, tuple) else (start,)
            final: list[Any] = []
            for level in range(depth):
                if level:
                    x = self.dropout(x, p)
                own = tuple(s[level * copies : (level + 1) * copies] for s in states)
                own_weights = weights[level * size : (level + 1) * size]
                given = own if isinstance(start, tuple) else own[0]
                x, *state = kernel(x, *front, given, own_weights, biased, 1, 0.0, training, *rest)
                final.append(state)
            return x, *(torch.cat(parts) for parts in zip(*final))

        return run

    def integers(self, high: int, size: Any, **options: Any) -> torch.Tensor:
        """`torch.randint` from 0."""
        return (self.drawn(size) * high).floor().long()

    def uniform(self, *size: int, **options: Any) -> torch.Tensor:
        """`torch.rand`."""
        return self.drawn(size)


ATTENTION = functional.scaled_dot_product_attention


def _parted(args: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """What a kernel is given behind its input: the batch sizes of a packed one, and all else."""
    packed = isinstance(args[0], torch.Tensor) and not args[0].is_floating_point()
    return (args[:1], args[1:]) if packed else ((), args)


@contextmanager
def replaced(numbers: Numbers, path: Callable[[], str]) -> Iterator[None]:
    """While it lasts, whatever a model draws comes from given numbers.

    Args:
        numbers: Gives numbers by path.
        path: Gives the path of the layer that is running.
    """
    ours = Replaced(numbers, path)
    functions = {
        "dropout": ours.dropout,
        "dropout1d": ours.channels,
        "dropout2d": ours.channels,
        "dropout3d": ours.channels,
        "alpha_dropout": ours.alpha,
        "scaled_dot_product_attention": ours.attention,
    }
    with ExitStack() as stack:
        for name, function in functions.items():
            stack.enter_context(mock.patch.object(functional, name, function))
        for name in ("lstm", "gru", "rnn_tanh", "rnn_relu"):
            kernel = ours.recurrent(getattr(rnn._VF, name))
            stack.enter_context(mock.patch.object(rnn._VF, name, kernel))
        stack.enter_context(mock.patch.object(torch, "rand", ours.uniform))
        stack.enter_context(mock.patch.object(torch, "randint", ours.integers))
        yield
