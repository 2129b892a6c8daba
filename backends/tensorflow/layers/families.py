"""Every family's emitters: importing this fills `TENSORFLOW`."""

from backends.tensorflow.layers import (
    activation,
    dropout,
    embedding,
    linear,
    merge,
    normalization,
    parameter,
    recurrent,
    reduce,
)

__all__ = [
    "activation",
    "dropout",
    "embedding",
    "linear",
    "merge",
    "normalization",
    "parameter",
    "recurrent",
    "reduce",
]
