"""Reshaping in Keras, between the orders in which values are stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backends.base import Emission, Raw, Site, is_traced
from backends.layers.sizes import size_code
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.layout import (
    keras_axis,
    storage_order,
    stored_axis,
    to_meaning,
    to_storage,
)
from dsl.layers import reshape as kinds
from dsl.layers.base import resolve_axis
from dsl.shapes.dim import Dim, Poly
from dsl.shapes.types import TensorType


@TENSORFLOW.emits(kinds.Flatten)
def flatten(layer: kinds.Flatten, site: Site) -> Emission:
    """A reshape in the order of the meaning."""
    start, end = layer.span(site.type)
    if start == end:
        return Emission(site.x[0])
    stored_so = site.type.batched and not site.type.is_image_like
    if start == 0 or site.type.is_symbolic or not stored_so:
        return _in_meaning(site)
    shape = f"{site.x[0]}.shape"
    parts = [f"*{shape}[1:{start + 1}]" if start > 1 else f"{shape}[1]"]
    parts.append(" * ".join(f"{shape}[{axis}]" for axis in range(start + 1, end + 2)))
    parts += [f"*{shape}[{end + 2}:]"] * (end < site.type.rank - 1)
    return Emission(f"keras.ops.reshape({site.x[0]}, (-1, {', '.join(parts)}))")


@TENSORFLOW.emits(kinds.Reshape)
def reshape(layer: kinds.Reshape, site: Site) -> Emission:
    """A reshape in the order of the meaning."""
    return _in_meaning(site)


@TENSORFLOW.emits(kinds.Unflatten)
def unflatten(layer: kinds.Unflatten, site: Site) -> Emission:
    """A function where sizes are known, else a reshape; in the order of the meaning."""
    if site.type.is_symbolic or not site.type.batched:
        return _in_meaning(site)
    at, sizes = layer.parts(site.type)
    x = Raw(to_meaning(str(site.x[0]), site.type))
    call = site.call_forward(site.helper("unflatten"), x, at + 1, sizes)
    return Emission(to_storage(call, site.outputs[0]))


@TENSORFLOW.emits(kinds.Permute, kinds.Transpose)
def permute(layer: kinds.Permute | kinds.Transpose, site: Site) -> Emission:
    """`keras.ops.transpose`, unless the value already is stored so."""
    order = layer.order(site.type)
    have = [order.index(axis) for axis in stored_axes(site.type)]
    return Emission(arranged(site.x[0], have, site.outputs[0]))


@TENSORFLOW.emits(kinds.ToSequence)
def to_sequence(layer: kinds.ToSequence, site: Site) -> Emission:
    """A reshape: the channels are stored last already."""
    if site.type.rank == 2:
        return Emission(site.x[0])
    front, (pixels, channels) = int(site.type.batched), site.outputs[0].shape
    if is_traced(pixels) and front:
        module = site.call("layers.Reshape", (-1, channels), name=Raw(site.name))
        return Emission(f"{site.self}({site.x[0]})", module)
    return reshaped(
        site, site.x[0], site.outputs[0].shape, lambda axis: stored_axis(site.type, axis) - front
    )


@TENSORFLOW.emits(kinds.ToImage)
def to_image(layer: kinds.ToImage, site: Site) -> Emission:
    """A reshape: the channels stay last."""
    shape = (layer.height, layer.width, site.type.shape[1])
    return reshaped(site, site.x[0], shape)


@TENSORFLOW.emits(kinds.Roll)
def roll(layer: kinds.Roll, site: Site) -> Emission:
    """`keras.ops.roll`."""
    axes = tuple(stored_axis(site.type, position) for position in layer.positions(site.type))
    parts = [part[0] if len(part) == 1 else part for part in (layer.moves, axes)]
    return Emission(site.call_forward("keras.ops.roll", Raw(site.x[0]), *parts))


@TENSORFLOW.emits(kinds.Unsqueeze)
def unsqueeze(layer: kinds.Unsqueeze, site: Site) -> Emission:
    """`keras.ops.expand_dims`."""
    at, result = layer.position(site.type), site.outputs[0]
    have = [axis + (axis >= at) for axis in stored_axes(site.type)]
    place = stored_axes(result).index(at)
    have.insert(place, at)
    call = f"keras.ops.expand_dims({site.x[0]}, {place + site.type.batched})"
    return Emission(arranged(call, have, result))


@TENSORFLOW.emits(kinds.Squeeze)
def squeeze(layer: kinds.Squeeze, site: Site) -> Emission:
    """`keras.ops.squeeze`."""
    at = resolve_axis(layer.dim, site.type)
    call = f"keras.ops.squeeze({site.x[0]}, {keras_axis(site.type, at)})"
    return Emission(without_axis(call, at, site))


def stored_axes(type: TensorType) -> list[int]:
    """For each axis of the Keras tensor behind the batch, the axis of the meaning."""
    front = int(type.batched)
    return [axis - front for axis in storage_order(type)[front:]]


def without_axis(call: str, at: int, site: Site) -> str:
    """Code of a value that lost an axis, as its type is stored."""
    have = [axis - (axis > at) for axis in stored_axes(site.type) if axis != at]
    return arranged(call, have, site.outputs[0])


def arranged(x: str, have: Sequence[int], type: TensorType) -> str:
    """Code of a value as its type is stored.

    Args:
        x: Code of the tensor.
        have: The axis of the meaning of each axis that it has behind the batch.
        type: The type.
    """
    front = int(type.batched)
    order = tuple(range(front)) + tuple(have.index(axis) + front for axis in stored_axes(type))
    if order == tuple(range(len(order))):
        return x
    return f"keras.ops.transpose({x}, {order})"


def _in_meaning(site: Site) -> Emission:
    """A reshape of the value in the order of the meaning."""
    result = site.outputs[0]
    emission = reshaped(site, to_meaning(site.x[0], site.type), result.shape)
    return Emission(to_storage(emission.call, result), emission.module)


def reshaped(
    site: Site, x: str, shape: tuple[Dim, ...], place: Callable[[int], int] = int
) -> Emission:
    """Code of a tensor with another shape behind the batch.

    Args:
        site: The layer's site.
        x: Code of the tensor.
        shape: The new sizes in the order of the tensor.
        place: Gives where the tensor has an axis of the meaning, the batch not counted.
    """
    front = ["-1"] * site.type.batched
    open_sizes = sum(isinstance(size, Poly) for size in shape)
    if not open_sizes:
        sizes = ", ".join(front + [site.forward(size) for size in shape])
        return Emission(f"keras.ops.reshape({x}, ({sizes}{',' * (len(sizes.split(', ')) == 1)}))")
    if open_sizes == 1:
        sizes = tuple(-1 if isinstance(size, Poly) else size for size in shape)
        module = site.call("layers.Reshape", sizes, name=Raw(site.name))
        return Emission(f"{site.self}({x})", module)
    code = [
        size_code(size, site.type, lambda i: f"shape[{place(i) + 1}]", site.code) for size in shape
    ]
    sizes_of = Raw(f"lambda shape: ({', '.join(code)})")
    module = site.call(site.helper("ReshapeBySize"), sizes_of, name=Raw(site.name))
    return Emission(f"{site.self}({x})", module)
