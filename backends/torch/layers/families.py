"""Every family's emitters: importing this fills `TORCH`."""

from backends.torch.layers import (
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
