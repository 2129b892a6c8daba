"""Which axes a kind acts on where none is named."""

from __future__ import annotations

from dsl.kinds.values import AxisName
from dsl.layers.base import LayerError, resolve_axis
from dsl.shapes.types import Axes, TensorType


def channel_axis(kind: str, x: TensorType) -> int:
    """The axis that holds channels: the one called so, else ``features``, else the only one.

    Args:
        kind: The kind that asks, for the message.
        x: The value.

    Raises:
        LayerError: MSL302 for a scalar, MSL330 where no axis is known to hold channels.
    """
    for name in ("channels", "features"):
        position = x.axis(name)
        if position is not None:
            return position
    if x.rank == 1:
        return 0
    if x.rank == 0:
        raise LayerError("MSL302", f"`{kind}` acts on channels, and a scalar has none", input=0)
    raise LayerError(
        "MSL330", f"`{kind}` acts on channels, and the value has no such axis", input=0,
        notes=(f"the value is {x.named()}",),
        help="`Reshape` or `Permute` it so that it is [channels, height, width] or the like",
    )  # fmt: skip


def class_axis(dim: int | AxisName | None, x: TensorType) -> int:
    """The axis given, or by default channels where one is called so, else the last.

    Raises:
        LayerError: MSL302 for a scalar, MSL307 where there is no such axis.
    """
    if dim is not None:
        return resolve_axis(dim, x)
    if x.rank == 0:
        raise LayerError("MSL302", "a scalar has no axis to act on", input=0)
    named = x.axis("channels")
    return x.rank - 1 if named is None else named


def require_float(kind: str, x: TensorType, position: int = 0) -> None:
    """Refuses integers and truth values.

    Raises:
        LayerError: MSL303.
    """
    if not x.is_float:
        raise LayerError(
            "MSL303", f"`{kind}` takes real numbers, not {x.dtype}", input=position,
            help="look integers up in an `Embedding` first",
        )  # fmt: skip


def require_batch(kind: str, x: TensorType) -> None:
    """Refuses a learned value, which has no batch.

    Raises:
        LayerError: MSL321.
    """
    if not x.batched:
        raise LayerError(
            "MSL321", f"`{kind}` needs a value with a batch, and a `Parameter` has none", input=0,
            help="combine it with a value first, as in `(x, p) -> Add`",
        )  # fmt: skip


def require_mask(kind: str, mask: TensorType, x: TensorType, kept: int, position: int) -> None:
    """Refuses a mask that is not bool with one value for each position of a value.

    Args:
        kind: The kind that asks, for the message.
        mask: The mask.
        x: The value.
        kept: The axis of the value that the mask does without.
        position: The mask's port.

    Raises:
        LayerError: MSL303 or MSL306.
    """
    wanted = without_axes(x, (kept,)).replace(dtype="bool", axes=(None,) * (x.rank - 1))
    if mask.dtype != "bool":
        raise LayerError(
            "MSL303", f"a mask is bool, true where a position counts, not {mask.dtype}",
            input=position, help=f"declare it as {wanted}",
        )  # fmt: skip
    if mask.shape != wanted.shape or not mask.batched or not x.batched:
        raise LayerError(
            "MSL306", f"`{kind}` of {x.named()} takes a mask {wanted}, one value for each position",
            input=position, label=str(mask), notes=("both need a batch",)
            if not (mask.batched and x.batched) else (),
        )  # fmt: skip


def without_axes(x: TensorType, gone: tuple[int, ...]) -> TensorType:
    """The type with some axes taken out; channels that are left alone become features."""
    kept = [axis for axis in range(x.rank) if axis not in gone]
    axes: Axes = tuple(x.axes[axis] for axis in kept)
    if axes == ("channels",):
        axes = ("features",)
    return x.with_shape(tuple(x.shape[axis] for axis in kept), axes)
