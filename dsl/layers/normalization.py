"""Normalisation: values brought to mean 0 and variance 1, each kind over its own set of axes.

``mean`` and ``var`` below are over that set, ``var = mean((x - mean)^2)`` (biased).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from dsl.kinds.kind import arg
from dsl.kinds.values import Axis, AxisName, Bool, Float, Int
from dsl.layers.axes import channel_axis, require_batch, require_float
from dsl.layers.base import (
    ONES,
    ZEROS,
    Layer,
    LayerError,
    MaybeTypes,
    Types,
    Weight,
    known,
    resolve_axis,
)
from dsl.shapes.dim import Dim, product
from dsl.shapes.types import TensorType
from dsl.tape.parts import normalise

if TYPE_CHECKING:
    from dsl.tape.act import Act
    from dsl.tape.tensors import Tensor

_EPS = Float(0, open_low=True)
_EPS_DOC = "Added to the variance, inside the root."


def _affine(shape: tuple[int, ...], scale: bool, offset: bool) -> tuple[Weight, ...]:
    """A learned scale that starts at one and a learned offset that starts at zero."""
    weight = (Weight("weight", shape, ONES, "norm"),) if scale else ()
    return weight + ((Weight("bias", shape, ZEROS, "norm"),) if offset else ())


class _ChannelNorm(Layer, abstract=True):
    """A normalisation with a scale and an offset for each channel."""

    affine: bool

    def infer(self, x: TensorType) -> TensorType:
        require_float(self.name, x)
        require_batch(self.name, x)
        self._channels(x)
        return x

    def weights(self, x: TensorType) -> tuple[Weight, ...]:
        return _affine((self._channels(x),), self.affine, self.affine)

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        return (7 if self.affine else 5) * product(outputs[0].shape)

    def _channels(self, x: TensorType) -> int:
        size = x.shape[channel_axis(self.name, x)]
        return known(size, f"the number of channels that `{self.name}` acts on")

    def rehearse(self, act: Act) -> Tensor:
        """Fused; keeps its input, and a mean and a deviation for each group."""
        x, channels = act.x, self._channels(act.types[0])
        return normalise(act.tape, x, act.learned, self._statistics(x.shape[0], channels))

    def _statistics(self, batch: int, channels: int) -> int:
        """How many means and deviations there are."""
        return 2 * batch * channels


class BatchNorm(_ChannelNorm):
    """Normalises each channel over the batch: ``(x - mean) / sqrt(var + eps) * weight + bias``.

    In training `mean` and `var` are those of the channel over the batch and all other axes; the
    running ones follow them, ``running = (1 - momentum) * running + momentum * batch``, the
    variance unbiased (times n / (n - 1)). In evaluation the running ones are used.

    Shape: any, kept. Channels are the axis of that name, else `features`, on every rank.
    Weights: `weight` (ones; none with ``scale=false``) and `bias` (zeros) [channels]; buffers
    `running_mean` (zeros) and `running_var` (ones) [channels].
    MACs: none; 2 element-wise operations per element (in evaluation, a scale and an offset).
    Source: Ioffe and Szegedy, Batch Normalization (2015), algorithms 1 and 2; PyTorch
    `nn.BatchNorm2d`; `scale` is that of Keras' `BatchNormalization`. Unlike in PyTorch, the
    channels of ``[time, features]`` are the features, running statistics are always kept, and their
    number of updates is not.
    """

    keras = ("BatchNormalization",)
    pytorch = ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d")
    stateful = True

    eps: float = arg(_EPS, _EPS_DOC, 1e-5, keras=("epsilon",))
    momentum: float = arg(Float(0, 1), "Weight of the batch in the running statistics.", 0.1)
    affine: bool = arg(Bool(), "Whether to learn a scale and an offset.", True, keras=("center",))
    scale: bool = arg(
        Bool(), "Whether the scale is learned too, or the offset alone.", True, keyword=True
    )

    def weights(self, x: TensorType) -> tuple[Weight, ...]:
        shape = (self._channels(x),)
        return (
            *_affine(shape, self.affine and self.scale, self.affine),
            Weight("running_mean", shape, ZEROS, "buffer"),
            Weight("running_var", shape, ONES, "buffer"),
        )

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        return 2 * product(outputs[0].shape)

    def rehearse(self, act: Act) -> Tensor:
        """Fused; keeps its input, a mean and a deviation for each channel, in its precision."""
        channels = self._channels(act.types[0])
        return normalise(act.tape, act.x, act.learned, 2 * channels, "batch_norm")


class GroupNorm(_ChannelNorm):
    """Normalises groups of channels: ``(x - mean) / sqrt(var + eps) * weight + bias``.

    `mean` and `var` are over a group's channels and all other axes of the sample.

    Shape: any, kept. Channels are the axis of that name, else `features`; `num_groups` divides
    their number.
    Weights: `weight` (ones) and `bias` (zeros) [channels].
    MACs: none; 7 element-wise operations per element.
    Source: Wu and He, Group Normalization (2018), eqs. 1-6; PyTorch `nn.GroupNorm`.
    """

    keras = ("GroupNormalization",)

    num_groups: int = arg(Int(1), "Number of groups.", keras=("groups",))
    eps: float = arg(_EPS, _EPS_DOC, 1e-5, keras=("epsilon",))
    affine: bool = arg(
        Bool(), "Whether to learn a scale and an offset.", True, keras=("scale", "center")
    )

    def infer(self, x: TensorType) -> TensorType:
        super().infer(x)
        channels = self._channels(x)
        if channels % self.num_groups:
            raise LayerError(
                "MSL305", f"{self.num_groups} groups do not divide {channels} channels",
                arg="num_groups",
                notes=(f"{channels} / {self.num_groups} = {channels / self.num_groups:g}",),
                help="take a divisor of the channels",
            )  # fmt: skip
        return x

    def _statistics(self, batch: int, channels: int) -> int:
        return 2 * batch * self.num_groups


class InstanceNorm(_ChannelNorm):
    """Normalises each channel of one sample: ``(x - mean) / sqrt(var + eps) * weight + bias``.

    `mean` and `var` are over all axes of the channel, of which there must be one at least.

    Shape: any of two or more dimensions, kept. Channels are the axis of that name, else `features`.
    Weights: none; with ``affine=true`` `weight` (ones) and `bias` (zeros) [channels].
    MACs: none; 5 element-wise operations per element, 7 with weights.
    Source: Ulyanov, Vedaldi, Lempitsky, Instance Normalization (2016), eq. 2; PyTorch
    `nn.InstanceNorm2d`, without its running statistics, which are off there by default.
    """

    pytorch = ("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d")

    eps: float = arg(_EPS, _EPS_DOC, 1e-5, keras=("epsilon",))
    affine: bool = arg(
        Bool(), "Whether to learn a scale and an offset.", False, keyword=True,
        keras=("scale", "center"),
    )  # fmt: skip

    def infer(self, x: TensorType) -> TensorType:
        super().infer(x)
        others = product(x.shape) // x.shape[channel_axis(self.name, x)]
        if others == 1:
            raise LayerError(
                "MSL331", "`InstanceNorm` of one value per channel is always 0", input=0,
                notes=(f"the value is {x.named()}",),
                help="`LayerNorm` normalises over the features, `BatchNorm` over the batch",
            )  # fmt: skip
        return x


class _LastDimsNorm(Layer, abstract=True):
    """A normalisation over the last dimensions, with weights of their shape.

    Class attributes:
        statistics: How many numbers are kept of each position.
    """

    dims: int
    statistics: ClassVar[int] = 2

    def infer(self, x: TensorType) -> TensorType:
        require_float(self.name, x)
        if x.rank < self.dims:
            raise LayerError(
                "MSL302", f"`{self.name}` acts on the last {self.dims} of {x.rank} dimensions",
                arg="dims" if "dims" in self.given else "", input=0,
                notes=(f"the value is {x.named()}; the batch is not counted",),
            )  # fmt: skip
        if x.axes[-1] == "width" and "dims" not in self.given:
            raise LayerError(
                "MSL332", f"`{self.name}` would act on the width of an image", input=0,
                label=f"takes the last dimension, width={x.shape[-1]}",
                help=f"`dims={x.rank}` normalises over all of it, `dims=1` says that the width is "
                "meant; to normalise over channels, `Permute` them to the end",
            )  # fmt: skip
        self._normalized(x)
        return x

    def _normalized(self, x: TensorType) -> tuple[int, ...]:
        """The shape that is normalised over."""
        what = f"a size that `{self.name}` normalises over"
        return tuple(known(size, what) for size in x.shape[x.rank - self.dims :])

    def rehearse(self, act: Act) -> Tensor:
        """Fused; keeps its input, and for each position its statistics."""
        x = act.x
        rows = x.count // max(math.prod(x.shape[len(x.shape) - self.dims :]), 1)
        return normalise(act.tape, x, act.learned, self.statistics * rows)


class LayerNorm(_LastDimsNorm):
    """Normalises the last dimension: ``(x - mean) / sqrt(var + eps) * weight + bias``.

    Shape: ``[.., features]``, kept; with `dims` the last dimensions are taken together. On an
    image, whose last dimension is a width, `dims` must be given.
    Weights: `weight` (ones) and `bias` (zeros), of the shape normalised over.
    MACs: none; 7 element-wise operations per element.
    Source: Ba, Kiros, Hinton, Layer Normalization (2016), eqs. 3-4; PyTorch `nn.LayerNorm`.
    """

    keras = ("LayerNormalization",)

    eps: float = arg(_EPS, _EPS_DOC, 1e-5, keras=("epsilon",))
    elementwise_affine: bool = arg(
        Bool(), "Whether to learn a scale, and an offset with `bias`.", True, keras=("scale",)
    )
    bias: bool = arg(Bool(), "Whether to learn an offset.", True, keras=("center",))
    dims: int = arg(Int(1), "How many of the last dimensions to take.", 1, keyword=True)

    def weights(self, x: TensorType) -> tuple[Weight, ...]:
        offset = self.elementwise_affine and self.bias
        return _affine(self._normalized(x), self.elementwise_affine, offset)

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        learned = (1 + (1 if self.bias else 0)) if self.elementwise_affine else 0
        return (5 + learned) * product(outputs[0].shape)


class RMSNorm(_LastDimsNorm):
    """Scales the last dimension to a root mean square of 1: ``x / sqrt(mean(x^2) + eps) * weight``.

    Shape: ``[.., features]``, kept; with `dims` the last dimensions are taken together. On an
    image, whose last dimension is a width, `dims` must be given.
    Weights: `weight` (ones), of the shape normalised over.
    MACs: none; 4 element-wise operations per element.
    Source: Zhang and Sennrich, Root Mean Square Layer Normalization (2019), eq. 4; PyTorch
    `nn.RMSNorm`, whose default `eps` is the machine's precision: here it is 1e-6, as in T5.
    """

    keras = ("RMSNormalization",)

    eps: float = arg(_EPS, "Added to the mean square, inside the root.", 1e-6, keras=("epsilon",))
    elementwise_affine: bool = arg(Bool(), "Whether to learn a scale.", True)
    dims: int = arg(Int(1), "How many of the last dimensions to take.", 1, keyword=True)

    def weights(self, x: TensorType) -> tuple[Weight, ...]:
        return _affine(self._normalized(x), self.elementwise_affine, False)

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        return (4 if self.elementwise_affine else 3) * product(outputs[0].shape)

    def rehearse(self, act: Act) -> Tensor:
        """Fused on a GPU; elsewhere the normalised value is kept beside the input."""
        if act.tape.gpu:
            return super().rehearse(act)
        tape, x = act.tape, act.tape.raised(act.x)
        tape.drop(tape.pointwise((x,)))  # the squares
        normed = tape.run("norm", (x,), x.shape, keep=(x,))
        if not act.learned:
            return normed
        return tape.run("norm", (normed,), x.shape, keep=(normed,), params=act.learned)


class L2Normalize(Layer):
    """Scales vectors to length 1: ``x / max(sqrt(sum(x^2)), eps)``, the sum along an axis.

    Shape: any, kept. Weights: none.
    MACs: none; 3 element-wise operations per element.
    Source: PyTorch `F.normalize`.
    """

    keras = ("UnitNormalization",)

    dim: int | AxisName = arg(Axis(), "The axis that vectors lie along.", -1, keras=("axis",))
    eps: float = arg(_EPS, "The least length to divide by.", 1e-12, keras=("epsilon",))

    def infer(self, x: TensorType) -> TensorType:
        require_float(self.name, x)
        resolve_axis(self.dim, x)
        return x

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        return 3 * product(outputs[0].shape)

    def rehearse(self, act: Act) -> Tensor:
        """The length is small; the division keeps its input."""
        return act.tape.run("norm", (act.x,), act.shape, keep=(act.x,))
