"""Every family's reference functions: importing this fills `REFERENCE`."""

from backends.reference import (
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
