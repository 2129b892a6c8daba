"""Shapes for the ends of lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backends.lowering.align import Slot
from dsl.passes.locals import MERGED
from dsl.shapes.dim import Dim
from dsl.shapes.trace import Operand, formula, names_in, render
from dsl.shapes.types import TensorType
from dsl.source import Source

LETTERS = {"channels": "C", "features": "D", "time": "T", "depth": "L", "height": "H", "width": "W"}


def file_comment(source: Source) -> tuple[list[str], int]:
    """The comment at the top of a file, by lines, and the number of its last line.

    It is the file's own, and not of what follows, where an empty line parts them or an import
    follows.
    """
    lines: list[str] = []
    for number, line in enumerate(source.text.splitlines(), 1):
        text = line.strip()
        if text.startswith("#"):
            lines.append(text.lstrip("#").strip())
        elif lines:
            own = not text or text.startswith("import ")
            return (lines, number - 1) if own else ([], 0)
        elif text and not text.startswith("msl "):
            break
    return [], 0


def comments_above(decl: Any) -> tuple[str, ...]:
    """The comments above a declaration, less the file's own."""
    last = file_comment(decl.span.source)[1]
    return tuple(item.text for item in decl.leading if item.span.position[0] > last)


def shape_comment(
    slot: Slot, resolve: Callable[[Operand], Operand], channels_last: bool = False
) -> str:
    """The shape of a value as ``[B, 4 * width, H, W]``.

    A size is shown as a number where all variants agree on it, by its formula where that is
    short, else by the letter of its axis.

    Args:
        slot: The value.
        resolve: Puts a formula in terms that the class knows.
        channels_last: Whether the framework stores images so.
    """
    types = [value.type for value in slot.variants]
    if any(type_.rank != types[0].rank for type_ in types):
        if any(type_.rank == 0 for type_ in types):
            return "[B, ..]" if types[0].batched else "[..]"
        return f"[B, .., {_size(types, -1, resolve)}]" if types[0].batched else "[..]"
    parts = [_size(types, axis, resolve) for axis in range(types[0].rank)]
    if channels_last and types[0].is_image_like:
        parts = [*parts[1:], parts[0]]
    return f"[{', '.join((['B'] if types[0].batched else []) + parts)}]"


def _size(types: list[TensorType], axis: int, resolve: Callable[[Operand], Operand]) -> str:
    dims: list[Dim] = [type_.shape[axis] for type_ in types]
    if all(dim == dims[0] for dim in dims):
        return str(dims[0])
    sizes = {resolve(formula(dim)) for dim in dims}
    name = types[0].axes[axis]
    if len(sizes) == 1 and name in ("channels", "features"):
        size = sizes.pop()
        text = render(size, _plain_name)
        if names_in(size) and len(text) <= 16 and MERGED not in text:
            return text
    return LETTERS.get(name or "", "N")


def _plain_name(name: str) -> str:
    return name.lstrip("@")
