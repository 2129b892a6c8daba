"""Where PyTorch wants channels: right behind the batch."""

from __future__ import annotations

from backends.base import Site
from dsl.shapes.types import TensorType


def torch_axis(type: TensorType, axis: int) -> int:
    """The `dim` of an axis of the meaning: -1 for the last, else counted with the batch."""
    return -1 if axis == type.rank - 1 else int(axis) + type.batched


def on_channels(site: Site, axis: int, flat: bool = False) -> str:
    """Code that calls the module on the first input with channels brought behind the batch.

    Args:
        site: The layer's site.
        axis: The axis that holds channels.
        flat: Whether the axes behind them are to be made one.
    """
    x, place = site.x[0], int(axis) + 1
    if place > 1:
        x = f"{x}.transpose(1, 2)" if site.type.rank == 2 else f"{x}.movedim({place}, 1)"
    result = f"{site.self}({x}.flatten(2)).reshape_as({x})" if flat else f"{site.self}({x})"
    if place > 1:
        back = ".transpose(1, 2)" if site.type.rank == 2 else f".movedim(1, {place})"
        return result + back
    return result


def ranked(name: str, spatial: int) -> tuple[str, bool]:
    """The class for a number of spatial axes, and whether they must be made one for it."""
    return (f"{name}{max(1, spatial)}d", False) if spatial <= 3 else (f"{name}1d", True)
