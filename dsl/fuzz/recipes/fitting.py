"""Brings a value to a given shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsl.fuzz.machine import Refused
from dsl.fuzz.program import literal
from dsl.fuzz.recipes.registry import SPATIAL, channels_first, fits_vector, integers, whole
from dsl.fuzz.recipes.sequences import embedding
from dsl.fuzz.recipes.spatial import deep
from dsl.shapes.types import TensorType

if TYPE_CHECKING:
    from dsl.fuzz.bodies import Writer


def fit(w: Writer, target: TensorType) -> None:
    """Brings the current value to a shape, with axes of the same names.

    Raises:
        Refused: There is no short way.
    """
    x = w.x
    if x.shape == target.shape and x.axes == target.axes:
        return
    if x.axes != target.axes or x.rank != target.rank:
        raise Refused("another form")
    if channels_first(x) and x.rank in SPATIAL and x.rank == len(target.shape):
        if x.shape[1:] != target.shape[1:]:
            if x.rank != 3:
                raise Refused("another form")
            w.link("AdaptiveAvgPool2d", list(target.shape[1:]))
        if w.x.shape[0] != target.shape[0]:
            w.link(f"Conv{x.rank - 1}d", target.shape[0], 1)
    elif fits_vector(x) and x.shape[:-1] == target.shape[:-1]:
        w.link("Linear", target.shape[-1])
    if w.x.shape != target.shape:
        raise Refused("another form")


def fit_vector(w: Writer) -> None:
    """Brings the current value to one dimension of features."""
    if integers(w.x):
        if w.x.rank > 1:
            raise Refused("integers of many dimensions")
        embedding(w)
    if w.x.dtype == "bool":
        raise Refused("a mask")
    if w.x.rank == 1 and w.x.axes == ("features",):
        return
    if deep(w.x) and not w.d.chance(3):
        w.link("GlobalAvgPool")
    elif whole(w.x) and w.x.rank:
        w.link("Flatten")
    elif deep(w.x):
        w.link("GlobalAvgPool")
    elif w.x.rank == 0:
        w.link("Unsqueeze", literal(0))
    else:
        raise Refused("no way to a vector")
