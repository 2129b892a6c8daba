"""Shapes for the ends of lines."""

from __future__ import annotations

from backends.lowering.align import Slot
from dsl.shapes.dim import Dim
from dsl.shapes.trace import Traced, formula, names_in, render
from dsl.shapes.types import TensorType

LETTERS = {"channels": "C", "features": "D", "time": "T", "depth": "L", "height": "H", "width": "W"}


def shape_comment(slot: Slot, channels_last: bool = False) -> str:
    """The shape of a value as ``[B, 4 * width, H, W]``.

    A size is shown as a number where all variants agree on it, by its formula where that is
    short, else by the letter of its axis.
    """
    types = [value.type for value in slot.variants]
    parts = [_size(types, axis) for axis in range(types[0].rank)]
    if channels_last and types[0].is_image_like:
        parts = [*parts[1:], parts[0]]
    return f"[{', '.join((['B'] if types[0].batched else []) + parts)}]"


def _size(types: list[TensorType], axis: int) -> str:
    dims: list[Dim] = [type_.shape[axis] for type_ in types]
    if all(dim == dims[0] for dim in dims):
        return str(dims[0])
    texts = {render(formula(dim), _plain_name) if isinstance(dim, Traced) else "" for dim in dims}
    name = types[0].axes[axis]
    if len(texts) == 1 and name in ("channels", "features"):
        text = texts.pop()
        if text and len(text) <= 16 and names_in(formula(dims[0])):
            return text
    return LETTERS.get(name or "", "N")


def _plain_name(name: str) -> str:
    return name.lstrip("@")
