"""Keras' random numbers replaced by named ones, for as long as a model runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

NEGATIVE = -1.0507009873554805 * 1.6732632423543772
"""What SELU tends to, and what alpha dropout puts in (Klambauer et al. 2017)."""

SPATIAL = keras.layers.SpatialDropout1D.__mro__[1]
"""What the dropouts of whole channels have in common."""

Order = Callable[[], "tuple[str, tuple[int, ...] | None]"]
"""Gives the spec's layer that is running and, where that stores axes in another order than it means
them, the place of each meant axis."""


class Numbers(Protocol):
    """Where draws come from."""

    def uniform(self, path: str, shape: Any) -> Any:
        """The next numbers of a layer, in [0, 1)."""


class Replaced:
    """Functions that draw from given numbers.

    Args:
        numbers: Gives numbers by path.
        order: Tells which layer of the spec is running.
    """

    def __init__(self, numbers: Numbers, order: Order) -> None:
        self.numbers, self.order = numbers, order

    def kept(self, layer: Any, shape: tuple[int, ...], like: Any) -> Any:
        """1 where a value stays, else 0, in the order in which Keras stores the axes."""
        path, order = self.order()
        if order is None or len(order) != len(shape):
            drawn = self.numbers.uniform(path, shape)
        else:
            meant = self.numbers.uniform(path, [shape[place] for place in order])
            drawn = np.transpose(meant, np.argsort(order))
        return tf.constant((drawn >= layer.rate).astype(like.dtype.as_numpy_dtype))

    def dropout(self) -> Callable[..., Any]:
        """`call` of `layers.Dropout`."""

        def call(layer: Any, inputs: Any, training: bool = False) -> Any:
            if not training or not layer.rate:
                return inputs
            shape = _noise(layer.noise_shape, inputs)
            return inputs * self.kept(layer, shape, inputs) / (1 - layer.rate)

        return call

    def channels(self) -> Callable[..., Any]:
        """`call` of `layers.SpatialDropout1D` and the like."""

        def call(layer: Any, inputs: Any, training: bool = False) -> Any:
            if not training or not layer.rate:
                return inputs
            shape = tuple(map(int, layer._get_noise_shape(inputs)))
            return inputs * self.kept(layer, shape, inputs) / (1 - layer.rate)

        return call

    def alpha(self) -> Callable[..., Any]:
        """`call` of `layers.AlphaDropout`."""

        def call(layer: Any, inputs: Any, training: bool = False) -> Any:
            p = layer.rate
            if not training or not p:
                return inputs
            kept = self.kept(layer, _noise(layer.noise_shape, inputs), inputs)
            a = ((1 - p) * (1 + p * NEGATIVE**2)) ** -0.5
            return a * (inputs * kept + NEGATIVE * (1 - kept)) - a * NEGATIVE * p

        return call

    def stateless(
        self, shape: Any, seed: Any, minval: Any = 0, maxval: Any = None, dtype: Any = "float32"
    ) -> Any:
        """`tf.random.stateless_uniform`; the seed does not matter."""
        drawn = self.numbers.uniform("", np.array(shape))
        if tf.as_dtype(dtype).is_floating:
            return tf.constant(drawn, dtype)
        return tf.constant(np.floor(drawn * int(maxval)), dtype)


def _noise(shape: tuple[int | None, ...] | None, x: Any) -> tuple[int, ...]:
    """The shape of a mask; None stands for a size of the value."""
    sizes = tuple(map(int, x.shape))
    return sizes if shape is None else tuple(n or own for n, own in zip(shape, sizes))


@contextmanager
def replaced(numbers: Numbers, order: Order) -> Iterator[None]:
    """While it lasts, whatever a model draws comes from given numbers.

    Args:
        numbers: Gives numbers by path.
        order: Tells which layer of the spec is running.
    """
    ours = Replaced(numbers, order)
    with ExitStack() as stack:
        for owner, name, function in (
            (keras.layers.Dropout, "call", ours.dropout()),
            (SPATIAL, "call", ours.channels()),
            (keras.layers.AlphaDropout, "call", ours.alpha()),
            (tf.random, "stateless_uniform", ours.stateless),
        ):
            stack.enter_context(mock.patch.object(owner, name, function))
        yield
