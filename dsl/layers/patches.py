"""Sliding patches as columns, and back: PyTorch's im2col and col2im."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsl.kinds.kind import arg
from dsl.kinds.values import Ints
from dsl.layers.base import LayerError, MaybeTypes, Types
from dsl.layers.reshape import Rearrangement
from dsl.layers.windows import as_image, require_room, window_arg, window_size
from dsl.shapes.dim import Dim, Poly, product
from dsl.shapes.types import IMAGE, SIGNAL, TensorType

if TYPE_CHECKING:
    from dsl.tape.act import Act
    from dsl.tape.tensors import Tensor

_KERNEL = "Size of a patch: one number, or one for each dimension."
_STRIDE = "Step between patches."
_DILATION = "Distance between a patch's cells."
_PADDING = "Cells of zero added at both ends."


class _Patches(Rearrangement, abstract=True):
    """What both directions share."""

    kernel_size: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: tuple[int, ...]
    stride: tuple[int, ...]

    def counts(self, sizes: tuple[Dim, ...]) -> tuple[Dim, ...]:
        """How many patches there are along each dimension of an image."""
        window = zip(sizes, self.kernel_size, self.stride, self.padding, self.dilation, strict=True)
        return tuple(window_size(n, k, s, p, d) for n, k, s, p, d in window)

    def rehearse(self, act: Act) -> Tensor:
        """Written out anew, forward and backward."""
        return act.tape.run("copy", (act.x,), act.shape, real=act.x.real)


class Unfold(_Patches):
    """Each patch of an image as a column: ``y[c * KH * KW + i * KW + j, l] = x[c, h, w]``.

    Patch `l` is the one in row ``l // n`` and column ``l % n`` of the `n` columns of patches; its
    cell `i`, `j` is ``h = l // n * stride + i * dilation - padding``, likewise `w`; cells beyond
    the borders are 0.

    Shape: ``[C, H, W]`` to ``[C * KH * KW, L]``, ``L`` the number of patches; read as ``[channels,
    time]``, so that `ToSequence` makes a sequence of patches of it.
    Source: PyTorch `nn.Unfold` (im2col: Chellapilla, Puri, Simard 2006, section 3).
    """

    kernel_size: tuple[int, ...] = window_arg(2, _KERNEL)
    dilation: tuple[int, ...] = window_arg(2, _DILATION, (1, 1))
    padding: tuple[int, ...] = arg(Ints(2, 0), _PADDING, (0, 0))
    stride: tuple[int, ...] = window_arg(2, _STRIDE, (1, 1), keras=("strides",))

    def infer(self, x: TensorType) -> TensorType:
        x = as_image(x, 2, self.name)
        counts = self.counts(x.shape[1:])
        require_room(counts, x, self.kernel_size, self.stride, self.padding, self.dilation)
        shape = (x.shape[0] * product(self.kernel_size), product(counts))
        return x.with_shape(shape, SIGNAL)


class Fold(_Patches):
    """Columns put together to an image, overlaps summed: ``y[c, h, w] += x[c * KH * KW + .., l]``.

    Cells and patches are those of `Unfold` on an image of `output_size`; what would lie beyond its
    borders is left out.

    Shape: ``[C * KH * KW, L]`` to ``[C, *output_size]``.
    Source: PyTorch `nn.Fold`.
    """

    output_size: tuple[int, ...] = window_arg(2, "Height and width of the image.")
    kernel_size: tuple[int, ...] = window_arg(2, _KERNEL)
    dilation: tuple[int, ...] = window_arg(2, _DILATION, (1, 1))
    padding: tuple[int, ...] = arg(Ints(2, 0), _PADDING, (0, 0))
    stride: tuple[int, ...] = window_arg(2, _STRIDE, (1, 1), keras=("strides",))

    def infer(self, x: TensorType) -> TensorType:
        x = as_image(x, 1, self.name)
        rows, columns = self.counts(self.output_size)
        if min(rows, columns) < 1 or x.shape[1] != rows * columns:
            raise LayerError(
                "MSL310", f"an image of {self.output_size[0]} x {self.output_size[1]} has "
                f"{max(rows, 0)} x {max(columns, 0)} such patches, not {x.shape[1]}",
                arg="output_size", notes=(f"the value is {x.named()}",),
            )  # fmt: skip
        cells = product(self.kernel_size)
        if isinstance(x.shape[0], Poly) or x.shape[0] % cells:
            raise LayerError(
                "MSL308", f"{x.shape[0]} rows are no whole number of patches of {cells} cells",
                arg="kernel_size", notes=(f"the value is {x.named()}",),
            )  # fmt: skip
        return x.with_shape((x.shape[0] // cells, *self.output_size), IMAGE)

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        """One addition for each value put back."""
        return product(inputs[0].shape)
