"""Parts of a value in Keras: Python's own subscripts."""

from __future__ import annotations

from itertools import accumulate

from backends.base import Emission, Raw, Site
from backends.layers.sizes import line_up, slice_code, subscript
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.layers.reshape import without_axis
from backends.tensorflow.layout import keras_axis, stored_axis, to_meaning, to_storage
from dsl.layers.base import resolve_axis
from dsl.layers.slicing import Gather, Select, Slice, Split


@TENSORFLOW.emits(Select)
def select(layer: Select, site: Site) -> Emission:
    """An index."""
    at = resolve_axis(layer.dim, site.type)
    call = f"{site.x[0]}[{_front(at, site)}{site.forward(layer.index)}]"
    return Emission(without_axis(call, at, site))


@TENSORFLOW.emits(Slice)
def slice_(layer: Slice, site: Site) -> Emission:
    """A slice."""
    at = resolve_axis(layer.dim, site.type)
    front = _front(at, site)
    rest = "" if front else ", ..."  # Keras' symbolic values take no lone slice
    return Emission(f"{site.x[0]}[{front}{slice_code(layer, site)}{rest}]")


@TENSORFLOW.emits(Gather)
def gather(layer: Gather, site: Site) -> Emission:
    """`keras.ops.take`; `take_along_axis` where each sample has positions of its own."""
    values, positions = site.types
    x, index = (to_meaning(str(x), type) for x, type in zip(site.x, site.types, strict=True))
    at = resolve_axis(layer.dim, values)
    if values.batched and positions.batched:
        lined = line_up(index, positions, values, at)
        call = f"keras.ops.take_along_axis({x}, {lined}, axis={at + 1})"
        call = call if positions.rank else f"keras.ops.squeeze({call}, {at + 1})"
    else:
        call = f"keras.ops.take({x}, {index}, axis={at + values.batched})"
        if positions.batched and at:
            call = f"keras.ops.moveaxis({call}, {at}, 0)"
    return Emission(to_storage(call, site.outputs[0]))


@TENSORFLOW.emits(Split)
def split(layer: Split, site: Site) -> Emission:
    """`keras.ops.split`, which takes the number of parts or where to cut."""
    axis = keras_axis(site.type, resolve_axis(layer.dim, site.type))
    parts = layer.sizes
    if isinstance(parts, tuple):
        parts = tuple(accumulate(parts))[:-1] or 1
    return Emission(site.call_forward("keras.ops.split", Raw(site.x[0]), parts, axis=axis))


def _front(at: int, site: Site) -> str:
    """The subscript of the dimensions in front of one."""
    return subscript(stored_axis(site.type, at), site.type.rank + site.type.batched)
