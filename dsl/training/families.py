"""Every family of training kinds: importing this registers all of them."""

from dsl.training import (
    augmentations,
    data,
    device,
    distributions,
    initializers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)

__all__ = [
    "augmentations",
    "data",
    "device",
    "distributions",
    "initializers",
    "losses",
    "metrics",
    "optimizers",
    "regularizers",
    "schedules",
]
