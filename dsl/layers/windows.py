"""What convolutions and pooling share: sliding windows over the dimensions behind channels."""

from __future__ import annotations

from typing import Any

from dsl.kinds.kind import arg
from dsl.kinds.values import Ints, OneOf, String
from dsl.layers.base import LayerError
from dsl.shapes.dim import Dim, Poly
from dsl.shapes.trace import formula
from dsl.shapes.types import IMAGE, SIGNAL, VOLUME, TensorType

SPATIAL = {1: SIGNAL, 2: IMAGE, 3: VOLUME}
"""Axis names by the number of dimensions a window has."""


def window_arg(count: int, doc: str, *default: Any, keras: tuple[str, ...] = ()) -> Any:
    """An argument of one int from 1 up for each dimension of the window."""
    return arg(Ints(count, 1), doc, *default, keras=keras)


def padding_arg(count: int) -> Any:
    """The argument `padding` of convolutions and pooling."""
    return arg(
        OneOf(Ints(count, 0), String("same", "valid")),
        'Cells added at both ends; "same" gives ceil(size / stride) cells with the odd one added '
        'at the end, "valid" adds none.',
        (0,) * count,
    )


def as_image(x: TensorType, count: int, kind: str) -> TensorType:
    """The value read as channels and `count` further dimensions.

    Raises:
        LayerError: MSL302, another number of dimensions or channels elsewhere; MSL303, no reals;
            MSL321, no batch.
    """
    axes = SPATIAL[count]
    needs = f"[{', '.join(axes)}]"
    if x.rank != count + 1:
        raise LayerError(
            "MSL302", f"`{kind}` needs {needs}, and the value has {_dimensions(x.rank)}", input=0,
            label=f"this is {x.named()}", help=_other_rank(kind, x),
        )  # fmt: skip
    if not x.batched:
        raise no_batch(kind)
    if "channels" in x.axes[1:]:
        raise LayerError(
            "MSL302", f"`{kind}` needs the channels in front, and the value is {x.named()}",
            input=0, help=f"put them in front: `Permute({needs})`",
        )  # fmt: skip
    if not x.is_float:
        raise LayerError(
            "MSL303", f"`{kind}` takes real numbers, not {x.dtype}", input=0,
            help="declare the input as float32, or look integers up in an `Embedding` first",
        )  # fmt: skip
    return x if x.axes == axes else x.with_shape(x.shape, axes)


def no_batch(kind: str) -> LayerError:
    """The error for a learned `Parameter` where a value with a batch is needed."""
    return LayerError(
        "MSL321", f"`{kind}` needs a value with a batch, and a `Parameter` has none", input=0,
        help="bring it together with a value of the input first: `(x, p) -> Add`",
    )  # fmt: skip


def _dimensions(rank: int) -> str:
    return f"{rank} dimension{'' if rank == 1 else 's'} without the batch"


def _other_rank(kind: str, x: TensorType) -> str:
    """The cure for a value of another rank: the kind made for it, where there is one."""
    if x.rank - 1 in SPATIAL and kind[-2:] in ("1d", "2d", "3d"):
        return f"`{kind[:-2]}{x.rank - 1}d` takes a value of this many dimensions"
    return "add or drop dimensions with `Reshape`"


def window_size(
    size: Dim, kernel: int, stride: int, padding: int | str, dilation: int = 1, ceil: bool = False
) -> Dim:
    """How many windows fit: ``(size + 2 p - d (k - 1) - 1) // s + 1``.

    With padding "same", ``ceil(size / s)``. With `ceil`, the quotient is rounded up, and a last
    window that would start beyond the end and its padding does not count (PyTorch's rule).

    Source: Dumoulin and Visin, A guide to convolution arithmetic (2016), relationship 15;
    PyTorch `nn.MaxPool2d`.
    """
    if padding == "same":
        return (size + (stride - 1)) // stride
    pad = 0 if padding == "valid" else padding
    plain = type(dilation) is int and dilation == 1  # a shorter formula for generated code
    slack = 2 * pad - dilation * (kernel - 1) - 1  # type: ignore[operator]
    if not ceil and plain and type(pad) is int:
        if not pad and kernel == stride and formula(kernel) == formula(stride):
            return size // stride
        return (size - kernel + 2 * pad) // stride + 1 if pad else (size - kernel) // stride + 1
    if not ceil:
        return (size + slack) // stride + 1
    count = (size + (slack + stride - 1)) // stride + 1
    if isinstance(size, Poly):
        return count
    return count - 1 if (count - 1) * stride >= size + pad else count  # type: ignore[operator]


def require_room(
    sizes: tuple[Dim, ...],
    x: TensorType,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...] | str,
    dilation: tuple[int, ...],
) -> None:
    """Refuses a window that is larger than what it slides over.

    Args:
        sizes: Sizes of the result behind channels.
        x: The input's type.
        kernel: Sizes of the window.
        stride: Steps between windows.
        padding: Cells added at both ends, or a word.
        dilation: Distances between the window's cells.

    Raises:
        LayerError: MSL304.
    """
    for i, size in enumerate(sizes):
        if isinstance(size, Poly) or size >= 1:
            continue
        pad = 0 if isinstance(padding, str) else padding[i]
        name, have, span = x.axes[i + 1], x.shape[i + 1], dilation[i] * (kernel[i] - 1) + 1
        padded = f" + 2 * {pad}" if pad else ""
        raise LayerError(
            "MSL304", f"the window spans {span} cells, and the input's {name} is {have}{padded}",
            arg="kernel_size", label=f"needs {span} cells",
            notes=(
                f"({have} + 2 * {pad} - {dilation[i]} * ({kernel[i]} - 1) - 1) // {stride[i]} + 1 "
                f"= {size}",
            ),
            help="take a smaller kernel, add padding, or reduce the size less before",
        )  # fmt: skip
