"""Sizes and subscripts as Python code that both backends write alike."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from backends.base import Site
from dsl.layers.reshape import sized_by
from dsl.layers.slicing import Slice
from dsl.shapes.dim import Dim, Poly
from dsl.shapes.types import TensorType


def size_code(
    dim: Dim, type: TensorType, read: Callable[[int], str], number: Callable[[Any], str]
) -> str:
    """Code of a size, its symbols read off a value.

    Args:
        dim: The size.
        type: The value's type.
        read: Gives code of the size of a dimension of the value, the batch not counted.
        number: Gives code of a plain or traced size.
    """
    if not isinstance(dim, Poly):
        return number(dim)
    places = sized_by(type)
    return re.sub(r"[A-Za-z_]\w*", lambda name: read(places[name.group()]), str(dim))


def subscript(position: int, rank: int) -> str:
    """Code, inside brackets, that passes over the dimensions in front of one.

    Args:
        position: Of the dimension in the tensor.
        rank: Number of the tensor's dimensions.
    """
    return "..., " if position == rank - 1 > 1 else ":, " * position


def slice_code(layer: Slice, site: Site) -> str:
    """Code of a slice without its brackets."""
    start = "" if layer.start == 0 else site.forward(layer.start)
    stop = "" if layer.stop is None else site.forward(layer.stop)
    step = "" if layer.step == 1 else f":{site.forward(layer.step)}"
    return f"{start}:{stop}{step}"


def line_up(index: str, positions: TensorType, values: TensorType, at: int) -> str:
    """Code of each sample's positions, with ones beside the dimension of the values they pick.

    Args:
        index: Code of ``[B, n]``, or of a single position ``[B]``.
        positions: Its type.
        values: What is picked from.
        at: The dimension that is picked along, the batch not counted.
    """
    own = ":" if positions.rank else "None"
    parts = [":", *["None"] * at, own, *["None"] * (values.rank - at - 1)]
    return f"{index}[{', '.join(parts)}]" if "None" in parts else index
