"""The type that Keras computes in, for as long as it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras


@contextmanager
def computing_in(dtype: str) -> Iterator[None]:
    """While it lasts, Keras' layers and inputs are of a type.

    Both of Keras' settings are set: once there is a policy, it no longer follows ``floatx``.
    """
    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        keras.config.set_floatx(before[0])
        keras.config.set_dtype_policy(before[1])
