"""Pooling: the largest or the mean value of each window."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from dsl.kinds.kind import KindError, arg
from dsl.kinds.values import Bool
from dsl.layers.axes import require_mask
from dsl.layers.base import Layer, LayerError, MaybeTypes, Port, Types, known
from dsl.layers.windows import (
    as_image,
    no_batch,
    padding_arg,
    require_room,
    window_arg,
    window_size,
)
from dsl.shapes.dim import Dim, Poly, product
from dsl.shapes.types import VECTOR, TensorType
from dsl.tape.parts import padded

if TYPE_CHECKING:
    from dsl.tape.act import Act
    from dsl.tape.tensors import Tensor

_KERNEL = "Size of the window: one number, or one for each dimension."
_STRIDE = "Step between windows; the size of the window where not given."
_DILATION = "Distance between the window's cells."
_CEIL = "Whether the number of windows is rounded up, so that a last one may stick out."
_COUNT = "Whether added cells, which are 0, count in the mean."


class Pool(Layer, abstract=True):
    """What pooling with windows shares.

    Class attributes:
        spatial: Number of dimensions behind channels.
    """

    spatial: ClassVar[int] = 0
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...] | None
    padding: tuple[int, ...] | str
    ceil_mode: bool

    @property
    def steps(self) -> tuple[int, ...]:
        """The stride, which is the size of the window where none is given."""
        return self.kernel_size if self.stride is None else self.stride

    @property
    def spread(self) -> tuple[int, ...]:
        """The dilation; 1 for kinds that have none."""
        return getattr(self, "dilation", (1,) * self.spatial)

    def check(self) -> None:
        """Refuses padding beyond half a window, and rounding up what is rounded up already."""
        if self.padding == "same" and self.ceil_mode:
            raise KindError(
                '`padding="same"` rounds up by itself', arg="ceil_mode", help="leave it out"
            )
        if isinstance(self.padding, str):
            return
        for pad, kernel, dilation in zip(self.padding, self.kernel_size, self.spread, strict=True):
            reach = (dilation * (kernel - 1) + 1) // 2
            if pad > reach:
                raise KindError(
                    f"`padding` {pad} is more than half of the window, which spans "
                    f"{dilation * (kernel - 1) + 1} cells",
                    arg="padding",
                    help=f"take at most {reach}: a window must hold a cell of the input",
                )

    def infer(self, x: TensorType) -> TensorType:
        x = as_image(x, self.spatial, self.name)
        sizes = tuple(self._size(x, i) for i in range(self.spatial))
        require_room(sizes, x, self.kernel_size, self.steps, self.padding, self.spread)
        return x.with_shape((x.shape[0], *sizes))

    def _size(self, x: TensorType, i: int) -> Dim:
        padding = self.padding if isinstance(self.padding, str) else self.padding[i]
        size, kernel, stride, dilation = (
            x.shape[i + 1],
            self.kernel_size[i],
            self.steps[i],
            self.spread[i],
        )
        if self.ceil_mode and isinstance(size, Poly):
            pad = 0 if isinstance(padding, str) else padding
            if stride > dilation * (kernel - 1) + 1 - pad:
                raise LayerError(
                    "MSL309", f"whether a last window of {self.name} counts depends on `{size}`",
                    arg="ceil_mode", help="leave it out, or take a stride below the window's size",
                )  # fmt: skip
        return window_size(size, kernel, stride, padding, dilation, bool(self.ceil_mode))

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        """Each result looks at all cells of its window."""
        return product(outputs[0].shape) * product(self.kernel_size)

    def rehearse(self, act: Act) -> Tensor:
        """Keeps its input; of the largest values also where they were."""
        tape, x = act.tape, act.x
        if self.padding == "same":
            x = padded(tape, x, self.kernel_size, self.steps, self.spread)
        places = 8 * math.prod(act.shape) if self.name.startswith("Max") else 0
        return tape.run("pool", (x,), act.shape, keep=(x,), extra=places)


class MaxPool1d(Pool):
    """The largest value of each window along one dimension.

    ``y[c, t] = max over k of x[c, t * stride + k * dilation - padding]``, cells beyond the ends
    left out.

    Shape: ``[C, L]`` to ``[C, (L + 2 * padding - dilation * (K - 1) - 1) // stride + 1]``, the
    quotient rounded up with `ceil_mode`; with ``padding="same"`` ``[C, ceil(L / stride)]``. A
    value ``[time, features]`` is read as ``[channels, time]``.
    Source: Goodfellow, Bengio, Courville, Deep Learning (2016), section 9.3; PyTorch
    `nn.MaxPool1d`. Where values tie, the first gets the gradient.
    Deviation: ``padding="same"``, which PyTorch's pooling lacks.
    """

    keras = ("MaxPooling1D", "MaxPool1D")
    spatial = 1

    kernel_size: tuple[int, ...] = window_arg(1, _KERNEL, keras=("pool_size",))
    stride: tuple[int, ...] | None = window_arg(1, _STRIDE, None, keras=("strides",))
    padding: tuple[int, ...] | str = padding_arg(1)
    dilation: tuple[int, ...] = window_arg(1, _DILATION, (1,))
    ceil_mode: bool = arg(Bool(), _CEIL, False)


class MaxPool2d(Pool):
    """The largest value of each window of an image.

    ``y[c, r, q] = max over j, k of x[c, r * s + j * d - p, q * s + k * d - p]`` with stride `s`,
    dilation `d` and padding `p` of each dimension, cells beyond the borders left out.

    Shape: ``[C, H, W]`` to ``[C, (H + 2 * padding - dilation * (K - 1) - 1) // stride + 1, ..]``,
    the quotient rounded up with `ceil_mode`; with ``padding="same"`` ``[C, ceil(H / stride), ..]``.
    Source: Goodfellow, Bengio, Courville, Deep Learning (2016), section 9.3; PyTorch
    `nn.MaxPool2d`. Where values tie, the first gets the gradient.
    Deviation: ``padding="same"``, which PyTorch's pooling lacks.
    """

    keras = ("MaxPooling2D", "MaxPool2D")
    spatial = 2

    kernel_size: tuple[int, ...] = window_arg(2, _KERNEL, keras=("pool_size",))
    stride: tuple[int, ...] | None = window_arg(2, _STRIDE, None, keras=("strides",))
    padding: tuple[int, ...] | str = padding_arg(2)
    dilation: tuple[int, ...] = window_arg(2, _DILATION, (1, 1))
    ceil_mode: bool = arg(Bool(), _CEIL, False)


class MaxPool3d(Pool):
    """The largest value of each window of a volume.

    The formula is `MaxPool2d`'s with a third dimension in front of the other two.

    Shape: ``[C, D, H, W]`` to ``[C, (D + 2 * padding - dilation * (K - 1) - 1) // stride + 1,
    ..]``, the quotient rounded up with `ceil_mode`; with ``padding="same"`` ``[C, ceil(D /
    stride), ..]``.
    Source: Goodfellow, Bengio, Courville, Deep Learning (2016), section 9.3; PyTorch
    `nn.MaxPool3d`. Where values tie, the first gets the gradient.
    Deviation: ``padding="same"``, which PyTorch's pooling lacks.
    """

    keras = ("MaxPooling3D", "MaxPool3D")
    spatial = 3

    kernel_size: tuple[int, ...] = window_arg(3, _KERNEL, keras=("pool_size",))
    stride: tuple[int, ...] | None = window_arg(3, _STRIDE, None, keras=("strides",))
    padding: tuple[int, ...] | str = padding_arg(3)
    dilation: tuple[int, ...] = window_arg(3, _DILATION, (1, 1, 1))
    ceil_mode: bool = arg(Bool(), _CEIL, False)


class AvgPool1d(Pool):
    """The mean of each window along one dimension.

    ``y[c, t] = sum over k of x[c, t * stride + k - padding] / n``, where `n` is the number of the
    window's cells, those added by padding included if `count_include_pad`; what `ceil_mode` lets
    stick out beyond the padding never counts.

    Shape: ``[C, L]`` to ``[C, (L + 2 * padding - K) // stride + 1]``, the quotient rounded up with
    `ceil_mode`; with ``padding="same"`` ``[C, ceil(L / stride)]``. A value ``[time, features]`` is
    read as ``[channels, time]``.
    Source: LeCun et al., Gradient-based learning applied to document recognition (1998), section
    II.B; PyTorch `nn.AvgPool1d`.
    Deviation: ``padding="same"``, which PyTorch's pooling lacks.
    """

    keras = ("AveragePooling1D", "AvgPool1D")
    spatial = 1

    kernel_size: tuple[int, ...] = window_arg(1, _KERNEL, keras=("pool_size",))
    stride: tuple[int, ...] | None = window_arg(1, _STRIDE, None, keras=("strides",))
    padding: tuple[int, ...] | str = padding_arg(1)
    ceil_mode: bool = arg(Bool(), _CEIL, False)
    count_include_pad: bool = arg(Bool(), _COUNT, True)


class AvgPool2d(Pool):
    """The mean of each window of an image.

    ``y[c, r, q] = sum over j, k of x[c, r * s + j - p, q * s + k - p] / n`` with stride `s` and
    padding `p` of each dimension, where `n` is the number of the window's cells, those added by
    padding included if `count_include_pad`; what `ceil_mode` lets stick out beyond the padding
    never counts.

    Shape: ``[C, H, W]`` to ``[C, (H + 2 * padding - K) // stride + 1, ..]``, the quotient rounded
    up with `ceil_mode`; with ``padding="same"`` ``[C, ceil(H / stride), ceil(W / stride)]``.
    Source: LeCun et al., Gradient-based learning applied to document recognition (1998), section
    II.B; PyTorch `nn.AvgPool2d`.
    Deviation: ``padding="same"``, which PyTorch's pooling lacks; no `divisor_override`.
    """

    keras = ("AveragePooling2D", "AvgPool2D")
    spatial = 2

    kernel_size: tuple[int, ...] = window_arg(2, _KERNEL, keras=("pool_size",))
    stride: tuple[int, ...] | None = window_arg(2, _STRIDE, None, keras=("strides",))
    padding: tuple[int, ...] | str = padding_arg(2)
    ceil_mode: bool = arg(Bool(), _CEIL, False)
    count_include_pad: bool = arg(Bool(), _COUNT, True)


class AvgPool3d(Pool):
    """The mean of each window of a volume.

    The formula is `AvgPool2d`'s with a third dimension in front of the other two.

    Shape: ``[C, D, H, W]`` to ``[C, (D + 2 * padding - K) // stride + 1, ..]``, the quotient
    rounded up with `ceil_mode`; with ``padding="same"`` ``[C, ceil(D / stride), ..]``.
    Source: LeCun et al., Gradient-based learning applied to document recognition (1998), section
    II.B; PyTorch `nn.AvgPool3d`.
    Deviation: ``padding="same"``, which PyTorch's pooling lacks; no `divisor_override`.
    """

    keras = ("AveragePooling3D", "AvgPool3D")
    spatial = 3

    kernel_size: tuple[int, ...] = window_arg(3, _KERNEL, keras=("pool_size",))
    stride: tuple[int, ...] | None = window_arg(3, _STRIDE, None, keras=("strides",))
    padding: tuple[int, ...] | str = padding_arg(3)
    ceil_mode: bool = arg(Bool(), _CEIL, False)
    count_include_pad: bool = arg(Bool(), _COUNT, True)


class AdaptivePool(Layer, abstract=True):
    """Pooling to a given size.

    Class attributes:
        spatial: Number of dimensions behind channels.
    """

    spatial: ClassVar[int] = 0
    output_size: tuple[int, ...]

    def infer(self, x: TensorType) -> TensorType:
        x = as_image(x, self.spatial, self.name)
        for name, size in zip(x.axes[1:], x.shape[1:], strict=True):
            known(size, f"the {name} that `{self.name}` divides into windows")
        return x.with_shape((x.shape[0], *self.output_size))

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        """Each value is looked at about once."""
        return product(inputs[0].shape)

    def rehearse(self, act: Act) -> Tensor:
        """Keeps its input, unless it is a mean of all; of the largest also where they were."""
        if "Avg" in self.name and math.prod(self.output_size) == 1:
            return act.tape.run("reduce", (act.x,), act.shape)
        places = 8 * math.prod(act.shape) if "Max" in self.name else 0
        return act.tape.run("pool", (act.x,), act.shape, keep=(act.x,), extra=places)


def _output_size(count: int) -> Any:
    return window_arg(count, "Size of the result: one number, or one for each dimension.")


class AdaptiveAvgPool1d(AdaptivePool):
    """The mean of each of `output_size` windows that cover one dimension evenly.

    Window `i` of `n` over `L` cells runs from ``floor(i * L / n)`` to ``ceil((i + 1) * L / n)``,
    the end not included.

    Shape: ``[C, L]`` to ``[C, output_size]``. A value ``[time, features]`` is read as
    ``[channels, time]``.
    Source: PyTorch `nn.AdaptiveAvgPool1d`; He et al., Spatial pyramid pooling (2014), section 2.3.
    """

    keras = ("AdaptiveAveragePooling1D",)
    spatial = 1

    output_size: tuple[int, ...] = _output_size(1)


class AdaptiveAvgPool2d(AdaptivePool):
    """The mean of each of a grid of `output_size` windows that cover an image evenly.

    Window `i` of `n` over `H` rows runs from ``floor(i * H / n)`` to ``ceil((i + 1) * H / n)``,
    the end not included; columns likewise.

    Shape: ``[C, H, W]`` to ``[C, *output_size]``.
    Source: PyTorch `nn.AdaptiveAvgPool2d`; He et al., Spatial pyramid pooling (2014), section 2.3.
    """

    keras = ("AdaptiveAveragePooling2D",)
    spatial = 2

    output_size: tuple[int, ...] = _output_size(2)


class AdaptiveAvgPool3d(AdaptivePool):
    """The mean of each of a grid of `output_size` windows that cover a volume evenly.

    Window `i` of `n` over `D` cells runs from ``floor(i * D / n)`` to ``ceil((i + 1) * D / n)``,
    the end not included; the other dimensions likewise.

    Shape: ``[C, D, H, W]`` to ``[C, *output_size]``.
    Source: PyTorch `nn.AdaptiveAvgPool3d`; He et al., Spatial pyramid pooling (2014), section 2.3.
    """

    keras = ("AdaptiveAveragePooling3D",)
    spatial = 3

    output_size: tuple[int, ...] = _output_size(3)


class AdaptiveMaxPool1d(AdaptivePool):
    """The largest value of each of `output_size` windows that cover one dimension evenly.

    The windows are those of `AdaptiveAvgPool1d`.

    Shape: ``[C, L]`` to ``[C, output_size]``. A value ``[time, features]`` is read as
    ``[channels, time]``.
    Source: PyTorch `nn.AdaptiveMaxPool1d`; He et al., Spatial pyramid pooling (2014), section 2.3.
    """

    keras = ("AdaptiveMaxPooling1D",)
    spatial = 1

    output_size: tuple[int, ...] = _output_size(1)


class AdaptiveMaxPool2d(AdaptivePool):
    """The largest value of each of a grid of `output_size` windows that cover an image evenly.

    The windows are those of `AdaptiveAvgPool2d`.

    Shape: ``[C, H, W]`` to ``[C, *output_size]``.
    Source: PyTorch `nn.AdaptiveMaxPool2d`; He et al., Spatial pyramid pooling (2014), section 2.3.
    """

    keras = ("AdaptiveMaxPooling2D",)
    spatial = 2

    output_size: tuple[int, ...] = _output_size(2)


class AdaptiveMaxPool3d(AdaptivePool):
    """The largest value of each of a grid of `output_size` windows that cover a volume evenly.

    The windows are those of `AdaptiveAvgPool3d`.

    Shape: ``[C, D, H, W]`` to ``[C, *output_size]``.
    Source: PyTorch `nn.AdaptiveMaxPool3d`; He et al., Spatial pyramid pooling (2014), section 2.3.
    """

    keras = ("AdaptiveMaxPooling3D",)
    spatial = 3

    output_size: tuple[int, ...] = _output_size(3)


class GlobalPool(Layer, abstract=True):
    """Pooling over everything but channels."""

    ports = (Port("x"), Port("mask", optional=True))

    def infer(self, x: TensorType, mask: TensorType | None = None) -> TensorType:
        if x.rank < 2:
            raise LayerError(
                "MSL302", f"`{self.name}` needs channels and something to pool over", input=0,
                label=f"this is {x.named()}", help="leave it out: there is nothing to pool",
            )  # fmt: skip
        if not x.batched:
            raise no_batch(self.name)
        if not x.is_float:
            raise LayerError("MSL303", f"`{self.name}` takes real numbers, not {x.dtype}", input=0)
        if mask is not None:
            require_mask(self.name, mask, x, self.kept(x), 1)
        return x.with_shape((x.shape[self.kept(x)],), VECTOR)

    @staticmethod
    def kept(x: TensorType) -> int:
        """The position of the axis that stays: channels, else features, else the first."""
        channels, features = x.axis("channels"), x.axis("features")
        return channels if channels is not None else features or 0

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        """Each value is looked at once."""
        return product(inputs[0].shape)


class GlobalAvgPool(GlobalPool):
    """The mean of each channel.

    Shape: ``[C, ..]`` of any rank to ``[C]``; of a sequence ``[T, D]`` the mean over time, ``[D]``.
    With ``(x, mask=mask)``, bool of the shape without channels, the mean over the positions where
    the mask is true, ``sum(mask * x) / sum(mask)``; 0 where it is true nowhere.
    Source: Lin, Chen, Yan, Network in network (2013), section 3.2; NumPy `mean`.
    """

    keras = ("GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D")

    def rehearse(self, act: Act) -> Tensor:
        """A mean, whose gradient is spread over what it was taken of."""
        if len(act.given) == 1:
            return act.tape.run("reduce", (act.x,), act.shape)
        masked = act.tape.pointwise((act.x, act.given[1]), keep="input")
        total = act.tape.run("reduce", (masked,), act.shape)
        return act.tape.pointwise((total,), keep="input")


class GlobalMaxPool(GlobalPool):
    """The largest value of each channel.

    Shape: ``[C, ..]`` of any rank to ``[C]``; of a sequence ``[T, D]`` the largest over time,
    ``[D]``. With ``(x, mask=mask)``, bool of the shape without channels, the largest where the mask
    is true; minus infinity where it is true nowhere.
    Source: Goodfellow, Bengio, Courville, Deep Learning (2016), section 9.3; NumPy `amax`. Where
    values tie, they share the gradient.
    """

    keras = ("GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D")

    def rehearse(self, act: Act) -> Tensor:
        """Keeps what it looks at and its result, which tell where the largest values were."""
        x = act.x
        if len(act.given) > 1:
            x = act.tape.pointwise((x,), extra=act.given[1].count)
        return act.tape.run("reduce", (x,), act.shape, keep=(x,), keep_output=True)
