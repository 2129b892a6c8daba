"""Convolutions and transposed convolutions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from dsl.kinds.kind import KindError, arg
from dsl.kinds.values import Bool, Int, Ints, KindOf
from dsl.layers.base import Init, Layer, LayerError, MaybeTypes, Types, Weight, known
from dsl.layers.reparametrization import Reparametrization, weighted_product
from dsl.layers.windows import as_image, padding_arg, require_room, window_arg, window_size
from dsl.shapes.dim import Dim, Poly, product
from dsl.shapes.types import TensorType
from dsl.tape.parts import padded

if TYPE_CHECKING:
    from dsl.tape.act import Act
    from dsl.tape.tape import Tape
    from dsl.tape.tensors import Tensor

_KERNEL = "Size of the kernel: one number, or one for each dimension."
_STRIDE = "Step between positions of the kernel."
_DILATION = "Distance between the kernel's cells."
_GROUPS = "Number of groups of channels, each with kernels of its own."
_BIAS = "Whether to add a learned offset to each channel."
_WEIGHT = "How the weight follows from what is learned: itself by default."


class Convolution(Layer, abstract=True):
    """What convolutions share.

    Class attributes:
        spatial: Number of dimensions behind channels.
    """

    spatial: ClassVar[int] = 0
    out_channels: int
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...] | str
    dilation: tuple[int, ...]
    groups: int
    bias: bool
    weight: Reparametrization | None

    def check(self) -> None:
        """Holds the reparametrisation against the weight."""
        if self.weight:
            self.weight.hold(self.name, self.spatial + 2)

    def _channels(self, x: TensorType) -> tuple[TensorType, int]:
        """The input read as channels-first, and its number of channels, held against groups."""
        if x.rank == 2 and isinstance(x.shape[0], Poly):
            raise self._turned(x)
        x = as_image(x, self.spatial, self.name)
        channels = known(x.shape[0], f"the number of channels that `{self.name}` takes")
        for what, count in (("input", channels), ("output", self.out_channels)):
            if count % self.groups:
                raise LayerError(
                    "MSL305", f"{count} {what} channels do not fall into {self.groups} groups",
                    arg="groups", notes=(f"{count} % {self.groups} = {count % self.groups}",),
                    help="take a number of groups that divides the channels on both sides",
                )  # fmt: skip
        return x, channels

    def _turned(self, x: TensorType) -> LayerError:
        """The error for a sequence of unknown length, whose time would be read as channels."""
        order = f"[{x.axes[1] or 1}, {x.axes[0] or 0}]"
        return LayerError(
            "MSL309",
            f"`{self.name}` would take `{x.shape[0]}`, which is only known when the model runs, "
            "as its channels", input=0, label=f"this is {x.named()}",
            help=f"it needs [channels, time]: turn the value first with `Permute({order})`",
            insert=f"Permute({order}) -> ",
        )  # fmt: skip

    def _owned(self, shape: tuple[int, ...]) -> tuple[Weight, ...]:
        """Kernel and bias; both start uniform in ``+-1/sqrt(fan_in)``, PyTorch's default.

        Source: He et al., Delving deep into rectifiers (2015), eq. 14 with slope sqrt(5).
        """
        start = Init("uniform", 1 / math.sqrt(product(shape[1:])))  # type: ignore[arg-type]
        weight = Weight("weight", shape, start)
        learned = self.weight.learned(weight) if self.weight else (weight,)
        if not self.bias:
            return learned
        return (*learned, Weight("bias", (self.out_channels,), start, "bias"))

    def rehearse(self, act: Act) -> Tensor:
        """A product that keeps its input; padding that a framework cannot express is a copy."""
        x = act.x
        if isinstance(self.padding, str) and self.padding == "same":
            x = self._same(act.tape, x)
        category = "conv" if math.prod(self.kernel_size) > 1 else "conv1x1"
        if self.groups > 1:
            category = "depthwise" if self.groups == act.x.shape[1] else "grouped"
        return weighted_product(act, category, x, self.weight)

    def _same(self, tape: Tape, x: Tensor) -> Tensor:
        """What is padded before: all with a stride, and an odd cell at one end."""
        odd = any(d * (k - 1) % 2 for d, k in zip(self.dilation, self.kernel_size))
        if max(self.stride) == 1 and not odd:
            return x
        return padded(tape, x, self.kernel_size, self.stride, self.dilation)


class Conv(Convolution, abstract=True):
    """Convolutions of any rank."""

    def infer(self, x: TensorType) -> TensorType:
        x, _ = self._channels(x)
        padding = self.padding
        words = isinstance(padding, str)
        sizes = tuple(
            window_size(
                x.shape[i + 1],
                self.kernel_size[i],
                self.stride[i],
                padding if words else padding[i],
                self.dilation[i],
            )
            for i in range(self.spatial)
        )
        require_room(sizes, x, self.kernel_size, self.stride, padding, self.dilation)
        return x.with_shape((self.out_channels, *sizes))

    def weights(self, x: TensorType) -> tuple[Weight, ...]:
        return self._owned((self.out_channels, x.shape[0] // self.groups, *self.kernel_size))

    def macs(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        fan_in = inputs[0].shape[0] // self.groups * product(self.kernel_size)
        return product(outputs[0].shape) * fan_in


class Conv1d(Conv):
    """A convolution along one dimension (as in all of deep learning, a cross-correlation).

    ``y[o, t] = b[o] + sum over i, k of w[o, i, k] * x[i, t * stride + k * dilation - padding]``,
    where `i` runs over the channels of the group of `o`, and `x` is 0 beyond its ends.

    Shape: ``[C, L]`` to ``[out_channels, (L + 2 * padding - dilation * (K - 1) - 1) // stride +
    1]``; with ``padding="same"`` ``[out_channels, ceil(L / stride)]``. A value ``[time,
    features]`` is read as ``[channels, time]``.
    Weights: `weight` [out_channels, C / groups, K], `bias` [out_channels]; both start uniform in
    ``+-1/sqrt(C / groups * K)``.
    MACs: ``out_channels * C / groups * K`` for each cell of the result.
    Source: Goodfellow, Bengio, Courville, Deep Learning (2016), sections 9.1 and 9.5; Dumoulin
    and Visin, A guide to convolution arithmetic (2016); PyTorch `nn.Conv1d`.
    Deviation: ``padding="same"`` also goes with a stride, which PyTorch refuses.
    """

    keras = ("Conv1D", "Convolution1D")
    spatial = 1

    out_channels: int = arg(Int(1), "Channels of the result.", keras=("filters",))
    kernel_size: tuple[int, ...] = window_arg(1, _KERNEL)
    stride: tuple[int, ...] = window_arg(1, _STRIDE, (1,), keras=("strides",))
    padding: tuple[int, ...] | str = padding_arg(1)
    dilation: tuple[int, ...] = window_arg(1, _DILATION, (1,), keras=("dilation_rate",))
    groups: int = arg(Int(1), _GROUPS, 1)
    bias: bool = arg(Bool(), _BIAS, True, keras=("use_bias",))
    weight: Reparametrization | None = arg(KindOf("parametrization"), _WEIGHT, None, keyword=True)


class Conv2d(Conv):
    """A convolution over an image (as in all of deep learning, a cross-correlation).

    ``y[o, r, c] = b[o] + sum over i, j, k of w[o, i, j, k] * x[i, r * s + j * d - p,
    c * s + k * d - p]`` with stride `s`, dilation `d` and padding `p` of each dimension, where
    `i` runs over the channels of the group of `o`, and `x` is 0 beyond its borders.

    Shape: ``[C, H, W]`` to ``[out_channels, (H + 2 * padding - dilation * (K - 1) - 1) // stride
    + 1, ..]``; with ``padding="same"`` ``[out_channels, ceil(H / stride), ceil(W / stride)]``.
    Weights: `weight` [out_channels, C / groups, KH, KW], `bias` [out_channels]; both start uniform
    in ``+-1/sqrt(C / groups * KH * KW)``.
    MACs: ``out_channels * C / groups * KH * KW`` for each pixel of the result.
    Source: Goodfellow, Bengio, Courville, Deep Learning (2016), sections 9.1 and 9.5; Dumoulin
    and Visin, A guide to convolution arithmetic (2016); PyTorch `nn.Conv2d`.
    Deviation: ``padding="same"`` also goes with a stride, which PyTorch refuses.
    """

    keras = ("Conv2D", "Convolution2D")
    spatial = 2

    out_channels: int = arg(Int(1), "Channels of the result.", keras=("filters",))
    kernel_size: tuple[int, ...] = window_arg(2, _KERNEL)
    stride: tuple[int, ...] = window_arg(2, _STRIDE, (1, 1), keras=("strides",))
    padding: tuple[int, ...] | str = padding_arg(2)
    dilation: tuple[int, ...] = window_arg(2, _DILATION, (1, 1), keras=("dilation_rate",))
    groups: int = arg(Int(1), _GROUPS, 1)
    bias: bool = arg(Bool(), _BIAS, True, keras=("use_bias",))
    weight: Reparametrization | None = arg(KindOf("parametrization"), _WEIGHT, None, keyword=True)


class Conv3d(Conv):
    """A convolution over a volume (as in all of deep learning, a cross-correlation).

    The formula is `Conv2d`'s with a third dimension in front of the other two.

    Shape: ``[C, D, H, W]`` to ``[out_channels, (D + 2 * padding - dilation * (K - 1) - 1) //
    stride + 1, ..]``; with ``padding="same"`` ``[out_channels, ceil(D / stride), ..]``.
    Weights: `weight` [out_channels, C / groups, KD, KH, KW], `bias` [out_channels]; both start
    uniform in ``+-1/sqrt(C / groups * KD * KH * KW)``.
    MACs: ``out_channels * C / groups * KD * KH * KW`` for each cell of the result.
    Source: Goodfellow, Bengio, Courville, Deep Learning (2016), sections 9.1 and 9.5; Dumoulin
    and Visin, A guide to convolution arithmetic (2016); PyTorch `nn.Conv3d`.
    Deviation: ``padding="same"`` also goes with a stride, which PyTorch refuses.
    """

    keras = ("Conv3D", "Convolution3D")
    spatial = 3

    out_channels: int = arg(Int(1), "Channels of the result.", keras=("filters",))
    kernel_size: tuple[int, ...] = window_arg(3, _KERNEL)
    stride: tuple[int, ...] = window_arg(3, _STRIDE, (1, 1, 1), keras=("strides",))
    padding: tuple[int, ...] | str = padding_arg(3)
    dilation: tuple[int, ...] = window_arg(3, _DILATION, (1, 1, 1), keras=("dilation_rate",))
    groups: int = arg(Int(1), _GROUPS, 1)
    bias: bool = arg(Bool(), _BIAS, True, keras=("use_bias",))
    weight: Reparametrization | None = arg(KindOf("parametrization"), _WEIGHT, None, keyword=True)


class ConvTranspose(Convolution, abstract=True):
    """Transposed convolutions of any rank."""

    output_padding: tuple[int, ...]

    def check(self) -> None:
        """Holds the output padding against stride and dilation, as PyTorch does."""
        super().check()
        for extra, stride, dilation in zip(
            self.output_padding, self.stride, self.dilation, strict=True
        ):
            if extra >= stride and extra >= dilation:
                raise KindError(
                    f"`output_padding` {extra} is not smaller than the stride {stride}",
                    arg="output_padding",
                    help="it settles which of `stride` possible sizes the result has; "
                    f"take 0 to {max(stride, dilation) - 1}",
                )

    def infer(self, x: TensorType) -> TensorType:
        x, _ = self._channels(x)
        sizes = tuple(self._size(x, i) for i in range(self.spatial))
        return x.with_shape((self.out_channels, *sizes))

    def _size(self, x: TensorType, i: int) -> Dim:
        """``(size - 1) s - 2 p + d (k - 1) + output_padding + 1``.

        Source: Dumoulin and Visin (2016), relationship 14; PyTorch `nn.ConvTranspose2d`.
        """
        rest = self.dilation[i] * (self.kernel_size[i] - 1) + self.output_padding[i] + 1
        size = x.shape[i + 1] * self.stride[i] + (rest - self.stride[i] - 2 * self.padding[i])
        if not isinstance(size, Poly) and size < 1:
            raise LayerError(
                "MSL320", f"the padding leaves nothing: {x.axes[i + 1]} would be {size}",
                arg="padding",
                notes=(
                    f"({x.shape[i + 1]} - 1) * {self.stride[i]} - 2 * {self.padding[i]} + "
                    f"{self.dilation[i]} * ({self.kernel_size[i]} - 1) + "
                    f"{self.output_padding[i]} + 1 = {size}",
                ),
                help="take a smaller padding or a larger kernel",
            )  # fmt: skip
        return size

    def weights(self, x: TensorType) -> tuple[Weight, ...]:
        return self._owned((x.shape[0], self.out_channels // self.groups, *self.kernel_size))

    def macs(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        fan_out = self.out_channels // self.groups * product(self.kernel_size)
        return product(inputs[0].shape) * fan_out


_OUTPUT_PADDING = "Cells added at the end of the result, which the stride leaves open."


class ConvTranspose1d(ConvTranspose):
    """A transposed convolution along one dimension: the gradient of `Conv1d` by its input.

    Each cell of the input adds its value times the kernel to the result: ``y[o, t * stride +
    k * dilation - padding] += w[i, o, k] * x[i, t]``; then the bias is added.

    Shape: ``[C, L]`` to ``[out_channels, (L - 1) * stride - 2 * padding + dilation * (K - 1) +
    output_padding + 1]``. A value ``[time, features]`` is read as ``[channels, time]``.
    Weights: `weight` [C, out_channels / groups, K], `bias` [out_channels]; both start uniform in
    ``+-1/sqrt(out_channels / groups * K)``.
    MACs: ``out_channels / groups * K`` for each value of the input.
    Source: Dumoulin and Visin, A guide to convolution arithmetic (2016), chapter 4; PyTorch
    `nn.ConvTranspose1d`.
    """

    keras = ("Conv1DTranspose", "Convolution1DTranspose")
    spatial = 1

    out_channels: int = arg(Int(1), "Channels of the result.", keras=("filters",))
    kernel_size: tuple[int, ...] = window_arg(1, _KERNEL)
    stride: tuple[int, ...] = window_arg(1, _STRIDE, (1,), keras=("strides",))
    padding: tuple[int, ...] = arg(Ints(1), "Cells cut off at both ends.", (0,))
    output_padding: tuple[int, ...] = arg(Ints(1), _OUTPUT_PADDING, (0,))
    groups: int = arg(Int(1), _GROUPS, 1)
    bias: bool = arg(Bool(), _BIAS, True, keras=("use_bias",))
    dilation: tuple[int, ...] = window_arg(1, _DILATION, (1,), keras=("dilation_rate",))
    weight: Reparametrization | None = arg(KindOf("parametrization"), _WEIGHT, None, keyword=True)


class ConvTranspose2d(ConvTranspose):
    """A transposed convolution over an image: the gradient of `Conv2d` by its input.

    Each pixel of the input adds its value times the kernel to the result: ``y[o, r * s + j * d -
    p, c * s + k * d - p] += w[i, o, j, k] * x[i, r, c]``; then the bias is added.

    Shape: ``[C, H, W]`` to ``[out_channels, (H - 1) * stride - 2 * padding + dilation * (K - 1) +
    output_padding + 1, ..]``.
    Weights: `weight` [C, out_channels / groups, KH, KW], `bias` [out_channels]; both start uniform
    in ``+-1/sqrt(out_channels / groups * KH * KW)``.
    MACs: ``out_channels / groups * KH * KW`` for each value of the input.
    Source: Dumoulin and Visin, A guide to convolution arithmetic (2016), chapter 4; PyTorch
    `nn.ConvTranspose2d`.
    """

    keras = ("Conv2DTranspose", "Convolution2DTranspose")
    spatial = 2

    out_channels: int = arg(Int(1), "Channels of the result.", keras=("filters",))
    kernel_size: tuple[int, ...] = window_arg(2, _KERNEL)
    stride: tuple[int, ...] = window_arg(2, _STRIDE, (1, 1), keras=("strides",))
    padding: tuple[int, ...] = arg(Ints(2), "Cells cut off at both ends.", (0, 0))
    output_padding: tuple[int, ...] = arg(Ints(2), _OUTPUT_PADDING, (0, 0))
    groups: int = arg(Int(1), _GROUPS, 1)
    bias: bool = arg(Bool(), _BIAS, True, keras=("use_bias",))
    dilation: tuple[int, ...] = window_arg(2, _DILATION, (1, 1), keras=("dilation_rate",))
    weight: Reparametrization | None = arg(KindOf("parametrization"), _WEIGHT, None, keyword=True)


class ConvTranspose3d(ConvTranspose):
    """A transposed convolution over a volume: the gradient of `Conv3d` by its input.

    The formula is `ConvTranspose2d`'s with a third dimension in front of the other two.

    Shape: ``[C, D, H, W]`` to ``[out_channels, (D - 1) * stride - 2 * padding + dilation * (K - 1)
    + output_padding + 1, ..]``.
    Weights: `weight` [C, out_channels / groups, KD, KH, KW], `bias` [out_channels]; both start
    uniform in ``+-1/sqrt(out_channels / groups * KD * KH * KW)``.
    MACs: ``out_channels / groups * KD * KH * KW`` for each value of the input.
    Source: Dumoulin and Visin, A guide to convolution arithmetic (2016), chapter 4; PyTorch
    `nn.ConvTranspose3d`.
    """

    keras = ("Conv3DTranspose", "Convolution3DTranspose")
    spatial = 3

    out_channels: int = arg(Int(1), "Channels of the result.", keras=("filters",))
    kernel_size: tuple[int, ...] = window_arg(3, _KERNEL)
    stride: tuple[int, ...] = window_arg(3, _STRIDE, (1, 1, 1), keras=("strides",))
    padding: tuple[int, ...] = arg(Ints(3), "Cells cut off at both ends.", (0, 0, 0))
    output_padding: tuple[int, ...] = arg(Ints(3), _OUTPUT_PADDING, (0, 0, 0))
    groups: int = arg(Int(1), _GROUPS, 1)
    bias: bool = arg(Bool(), _BIAS, True, keras=("use_bias",))
    dilation: tuple[int, ...] = window_arg(3, _DILATION, (1, 1, 1), keras=("dilation_rate",))
    weight: Reparametrization | None = arg(KindOf("parametrization"), _WEIGHT, None, keyword=True)
