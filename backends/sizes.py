"""Sizes that are only known when the model runs, as Python code."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from dsl.layers.reshape import sized_by
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
