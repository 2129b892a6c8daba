"""Every family's reference functions: importing this fills `REFERENCE`."""

from backends.reference import (
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
    reshape,
    resize,
    scan,
    slicing,
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
    "reshape",
    "resize",
    "scan",
    "slicing",
]
