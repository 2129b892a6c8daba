"""Every family of layers: importing this registers all kinds of the category ``layer``."""

from dsl.layers import linear

__all__ = ["linear"]
