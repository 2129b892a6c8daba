"""Every family of layers: importing this registers all kinds of the category ``layer``."""

from dsl.layers import (
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
