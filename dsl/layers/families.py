"""Every family of layers: importing this registers all kinds of the category ``layer``."""

from dsl.layers import (
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
