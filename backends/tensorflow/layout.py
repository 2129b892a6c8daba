"""Where Keras keeps the axes of a value.

MSL means channels-first: an image is ``[B, C, H, W]``. Keras' kernels are made for channels-last,
so a value whose first axis is channels and that has further ones is stored as ``[B, H, W, C]``.
Every other value is stored as it means. A learned `Parameter` has no batch axis.
"""

from __future__ import annotations

from dsl.shapes.dim import Dim, Poly
from dsl.shapes.types import TensorType


def stored_axis(type: TensorType, axis: int) -> int:
    """The position of an axis in the Keras tensor, the batch counted.

    Args:
        type: The value's type.
        axis: A position in the meaning, the batch not counted; negative ones count from the end.
    """
    axis = axis % type.rank
    if type.is_image_like:
        axis = type.rank - 1 if axis == 0 else axis - 1
    return axis + type.batched


def keras_axis(type: TensorType, axis: int) -> int:
    """`stored_axis` as code shows it: -1 for the last one."""
    position = stored_axis(type, axis)
    return -1 if position == type.rank - 1 + type.batched else position


def meaning_order(type: TensorType) -> tuple[int, ...]:
    """For each axis of the meaning, batch included, its position in the Keras tensor."""
    batch = (0,) if type.batched else ()
    return batch + tuple(stored_axis(type, axis) for axis in range(type.rank))


def storage_order(type: TensorType) -> tuple[int, ...]:
    """For each axis of the Keras tensor, its position in the meaning, batch included."""
    order = meaning_order(type)
    return tuple(order.index(position) for position in range(len(order)))


def to_meaning(x: str, type: TensorType) -> str:
    """Python code of the value with its axes in the order of the meaning."""
    return _transposed(x, meaning_order(type))


def to_storage(x: str, type: TensorType) -> str:
    """Python code of the stored form of a value whose axes are in the order of the meaning."""
    return _transposed(x, storage_order(type))


def stored_shape(type: TensorType) -> tuple[Dim | None, ...]:
    """The shape of the Keras tensor without the batch; None where the size is a symbol."""
    order = (position - type.batched for position in storage_order(type)[type.batched :])
    sizes = (type.shape[position] for position in order)
    return tuple(None if isinstance(size, Poly) else size for size in sizes)


def _transposed(x: str, order: tuple[int, ...]) -> str:
    return x if order == tuple(range(len(order))) else f"keras.ops.transpose({x}, {order})"
