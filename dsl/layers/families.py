"""Every family of layers: importing this registers all kinds of the category ``layer``."""

from dsl.layers import embedding, linear, recurrent

__all__ = ["embedding", "linear", "recurrent"]
