"""Attention within windows: cutting images into them, and what positions in a window know.

A window is a square of ``window`` by ``window`` pixels, read row by row: its pixel
``(row, column)`` stands at position ``row * window + column``. Windows, too, are counted row by
row. Positions of two pixels differ by ``-(window - 1)..window - 1`` in rows and in columns, which
makes ``(2 window - 1)^2`` distances; the distance of pixel i from pixel j has the number
``(row_i - row_j + window - 1) * (2 window - 1) + column_i - column_j + window - 1``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dsl.kinds.kind import arg
from dsl.kinds.values import Bool, Int
from dsl.layers.axes import require_batch, require_float
from dsl.layers.base import Init, Layer, LayerError, MaybeTypes, Types, Weight, known
from dsl.layers.reshape import Rearrangement
from dsl.shapes.dim import Dim
from dsl.shapes.types import Axes, TensorType

if TYPE_CHECKING:
    from dsl.tape.act import Act
    from dsl.tape.tensors import Tensor

WINDOWS: Axes = ("windows", "time", "features")
PIXELS: Axes = ("height", "width", "channels")


class WindowPartition(Rearrangement):
    """Cuts an image into square windows, each a sequence of its pixels.

    ``y[a * (width / window) + b, i * window + j] = x[a * window + i, b * window + j]`` of
    channels-last pixels.

    Shape: ``[height, width, channels]``, or an image ``[channels, height, width]``, to
    ``[windows, time, features]`` with ``time = window * window``. Height and width must be
    multiples of `window`.
    Source: Liu et al., Swin Transformer (2021), section 3.2, `window_partition` of its code.
    """

    window: int = arg(Int(1), "Rows, and columns, of a window.", keras=("window_size",))

    def infer(self, x: TensorType) -> TensorType:
        rows, columns, features = self.windows(x)
        shape = (rows * columns, self.window * self.window, features)
        return x.replace(shape=shape, axes=WINDOWS)

    def windows(self, x: TensorType) -> tuple[int, int, Dim]:
        """Rows and columns of windows, and the number of features.

        Raises:
            LayerError: The value is no image, or windows do not fill it.
        """
        height, width, features = pixels(self.name, x)
        return *count_windows(self.name, self.window, height, width, x), features

    def rehearse(self, act: Act) -> Tensor:
        """Written out in another order."""
        return act.tape.copy(act.x, act.shape)


class WindowMerge(Rearrangement):
    """Puts windows back to the image that they were cut from; undoes `WindowPartition`.

    ``y[a * window + i, b * window + j] = x[a * (width / window) + b, i * window + j]``, where
    ``window`` is the root of ``time``.

    Shape: ``[windows, time, features]`` to ``[height, width, channels]``.
    Source: Liu et al., Swin Transformer (2021), section 3.2, `window_reverse` of its code.
    """

    height: int = arg(Int(1), "Rows of the image.")
    width: int = arg(Int(1), "Columns of the image.")

    def infer(self, x: TensorType) -> TensorType:
        require_batch(self.name, x)
        if x.rank != 3 or x.is_image_like:
            raise LayerError(
                "MSL302", f"`WindowMerge` takes [windows, time, features], not {x.named()}",
                input=0, help="`WindowPartition` makes such a value",
            )  # fmt: skip
        windows, time, features = x.shape
        window = math.isqrt(known(time, "the number of pixels of a window"))
        if window * window != time:
            raise LayerError(
                "MSL310", f"{time} positions are no square window", input=0,
                notes=(f"the value is {x.named()}",),
            )  # fmt: skip
        rows, columns = count_windows(self.name, window, self.height, self.width, x)
        if rows * columns != windows:
            raise LayerError(
                "MSL310", f"{windows} windows do not fill {self.height} x {self.width} pixels",
                arg="height", notes=(f"{rows} * {columns} windows of {window} x {window} pixels "
                f"would", f"the value is {x.named()}"),
            )  # fmt: skip
        return x.replace(shape=(self.height, self.width, features), axes=PIXELS)

    def rehearse(self, act: Act) -> Tensor:
        """Written out in another order."""
        return act.tape.copy(act.x, act.shape)


class ShiftedWindowMask(Layer):
    """Which pixels of a window see each other, once ``Roll`` by ``-shift`` has moved the image.

    The last `shift` rows then hold what was at the top, and the last `shift` columns what was on
    the left. Two pixels of a window see each other where both or neither lie in those rows, and
    both or neither in those columns. It is a constant: of the image, only the size is read.

    Shape: ``[height, width, channels]``, or an image ``[channels, height, width]``, to bool
    ``[windows, time, time]`` without a batch, ``time = window * window``; all true without a shift.
    Source: Liu et al., Swin Transformer (2021), section 3.2, "Efficient batch computation for
    shifted configuration".
    """

    window: int = arg(Int(1), "Rows, and columns, of a window.", keras=("window_size",))
    shift: int = arg(Int(0), "Rows, and columns, that the image was moved by.")

    def infer(self, x: TensorType) -> TensorType:
        height, width, _ = pixels(self.name, x)
        rows, columns = count_windows(self.name, self.window, height, width, x)
        if self.shift >= self.window:
            raise LayerError(
                "MSL311", f"a shift by {self.shift} is as large as a window of {self.window}",
                arg="shift", help=f"half a window is usual: {self.window // 2}",
            )  # fmt: skip
        time = self.window * self.window
        return TensorType((rows * columns, time, time), "bool", ("windows", None, None), False)

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        """Nothing: it is computed once."""
        return 0

    def rehearse(self, act: Act) -> Tensor:
        """Made anew each time; it has no gradient."""
        return act.tape.run("pointwise", (), act.shape, size=1, real=False)


class _OfWindow(Layer, abstract=True):
    """A value without a batch that depends on the size of a window alone."""

    ports = ()
    window: int

    @property
    def distances(self) -> int:
        """How many different distances two pixels of a window have."""
        return (2 * self.window - 1) ** 2

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        """Nothing: it is looked up, or computed once."""
        return 0


class RelativePositionBias2d(_OfWindow):
    """A learned number for each head and each distance of two pixels: ``y[h, i, j] = W[d_ij, h]``.

    ``d_ij`` is the number of the distance of pixel i from pixel j, in rows and columns:
    ``(row_i - row_j + window - 1) * (2 window - 1) + column_i - column_j + window - 1``.
    Made for the input `bias` of attention. With `class_token` position 0 is a token in front of
    the pixels, and three more rows of the table are for pixels as it sees them, for it as pixels
    see it, and for itself.

    Shape: ``[heads, time, time]`` without a batch, ``time = window * window``, one more with
    `class_token`.
    Weights: `weight` [(2 window - 1)^2, heads], three more rows with `class_token`, starting from
    N(0, 0.02); not decayed by default, as in its source.
    Source: Liu et al., Swin Transformer (2021), eq. 4; the order of the table as in its code; the
    class token as in that of Bao et al., BEiT (2022).
    """

    heads: int = arg(Int(1), "Heads of the attention.", keras=("num_heads",))
    window: int = arg(Int(1), "Rows, and columns, of a window.", keras=("window_size",))
    class_token: bool = arg(
        Bool(), "Whether a token that is no pixel stands in front.", False, keyword=True
    )

    def infer(self) -> TensorType:
        time = self.window * self.window + (1 if self.class_token else 0)
        return TensorType((self.heads, time, time), axes=(None, None, None), batched=False)

    def weights(self) -> tuple[Weight, ...]:
        rows = self.distances + (3 if self.class_token else 0)
        return (Weight("weight", (rows, self.heads), Init("normal", 0.02), "bias"),)

    def rehearse(self, act: Act) -> Tensor:
        """Looked up for each pair of positions, whose places in the table are kept."""
        places = 8 * math.prod(act.shape[-2:])
        return act.tape.run("lookup", (), act.shape, params=act.learned, extra=places)


class RelativePositionIndex2d(_OfWindow):
    """The number of the distance of each pixel of a window from each: ``y[i, j] = d_ij``.

    ``d_ij = (row_i - row_j + window - 1) * (2 window - 1) + column_i - column_j + window - 1``,
    by which `Gather` looks up a table of distances; `RelativePositionBias2d` has a learned one.

    Shape: int64 ``[time, time]`` without a batch, ``time = window * window``.
    Source: Liu et al., Swin Transformer (2021), section 3.2, `relative_position_index` of its code.
    """

    window: int = arg(Int(1), "Rows, and columns, of a window.", keras=("window_size",))

    def infer(self) -> TensorType:
        time = self.window * self.window
        return TensorType((time, time), "int64", (None, None), False)

    def rehearse(self, act: Act) -> Tensor:
        """Made anew each time; it has no gradient."""
        return act.tape.run("pointwise", (), act.shape, size=8, real=False)


class LogRelativePosition2d(_OfWindow):
    """The distances of two pixels of a window, in rows and columns, on a logarithmic scale.

    Row ``(r + window - 1) * (2 window - 1) + c + window - 1`` of the result holds ``[f(r), f(c)]``
    for distances ``r, c`` from ``-(window - 1)`` to ``window - 1``, where
    ``f(d) = sign(d) log2(1 + 8 |d| / (window - 1)) / 3``. A small network of them gives a bias that
    carries over to other windows.

    Shape: ``[(2 window - 1)^2, 2]`` without a batch.
    Source: Liu et al., Swin Transformer V2 (2022), eq. 4, scaled to -1..1 as in its code.
    """

    window: int = arg(Int(2), "Rows, and columns, of a window.", keras=("window_size",))

    def infer(self) -> TensorType:
        return TensorType((self.distances, 2), axes=(None, "features"), batched=False)

    def rehearse(self, act: Act) -> Tensor:
        """Made anew each time; it has no gradient."""
        return act.tape.run("pointwise", (), act.shape, size=4, real=False)


def pixels(kind: str, x: TensorType) -> tuple[Dim, Dim, Dim]:
    """Height, width and number of features of an image, its channels first or last.

    Raises:
        LayerError: MSL302, no image; MSL303, no reals; MSL321, no batch.
    """
    if x.rank != 3 or x.axes[0] in ("windows", "time"):
        raise LayerError(
            "MSL302", f"`{kind}` takes an image, channels first or last, not {x.named()}", input=0
        )
    require_float(kind, x)
    require_batch(kind, x)
    if x.is_image_like:
        return x.shape[1], x.shape[2], x.shape[0]
    return x.shape[0], x.shape[1], x.shape[2]


def count_windows(
    kind: str, window: int, height: Dim, width: Dim, x: TensorType
) -> tuple[int, int]:
    """Rows and columns of the windows that fill an image.

    Raises:
        LayerError: MSL309, the size of the image is open; MSL308, windows do not fill it.
    """
    rows, columns = (known(size, f"a size that `{kind}` divides") for size in (height, width))
    if rows % window or columns % window:
        raise LayerError(
            "MSL308", f"windows of {window} x {window} do not fill {rows} x {columns} pixels",
            input=0, notes=(f"the value is {x.named()}",),
            help="choose a window that divides both sizes, or `Pad` the image",
        )  # fmt: skip
    return rows // window, columns // window
