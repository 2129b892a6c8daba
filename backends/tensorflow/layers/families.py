"""Every family's emitters: importing this fills `TENSORFLOW`."""

from backends.tensorflow.layers import (
    activation,
    attention,
    conv,
    dropout,
    embedding,
    extern,
    linear,
    merge,
    normalization,
    parameter,
    pooling,
    recurrent,
    reduce,
    reshape,
    resize,
    slicing,
)

__all__ = [
    "activation",
    "attention",
    "conv",
    "dropout",
    "embedding",
    "extern",
    "linear",
    "merge",
    "normalization",
    "parameter",
    "pooling",
    "recurrent",
    "reduce",
    "reshape",
    "resize",
    "slicing",
]
