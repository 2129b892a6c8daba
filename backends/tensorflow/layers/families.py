"""Every family's emitters: importing this fills `TENSORFLOW`."""

from backends.tensorflow.layers import (
    activation,
    attention,
    conv,
    dropout,
    embedding,
    linear,
    merge,
    normalization,
    parameter,
    pooling,
    recurrent,
    reduce,
)

__all__ = [
    "activation",
    "attention",
    "conv",
    "dropout",
    "embedding",
    "linear",
    "merge",
    "normalization",
    "parameter",
    "pooling",
    "recurrent",
    "reduce",
]
