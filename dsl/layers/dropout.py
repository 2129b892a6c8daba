"""Random zeros in training; in evaluation every kind here hands its input on.

What is left is scaled by ``1 / (1 - p)``, so that the mean stays.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dsl.kinds.kind import arg
from dsl.kinds.values import Float, String
from dsl.layers.axes import channel_axis, require_batch, require_float
from dsl.layers.base import Layer, LayerError
from dsl.shapes.types import TensorType
from dsl.tape.parts import dropout

if TYPE_CHECKING:
    from dsl.tape.act import Act
    from dsl.tape.tensors import Tensor

_P = Float(0, 1, open_high=True)


class _Dropout(Layer, abstract=True):
    stochastic = True

    p: float = arg(_P, "Probability of a zero.", 0.5, keras=("rate",))

    def infer(self, x: TensorType) -> TensorType:
        require_float(self.name, x)
        return x

    def rehearse(self, act: Act) -> Tensor:
        """Keeps which elements stayed."""
        return dropout(act.tape, act.x, self.p)


class Dropout(_Dropout):
    """Zeroes each element with probability `p` in training: ``x * keep / (1 - p)``.

    Shape: any, kept. Weights: none. MACs: none.
    Source: Srivastava et al., Dropout (2014), section 4, scaled in training as section 10 says;
    PyTorch `nn.Dropout`, where `p` may also be 1.
    """


class SpatialDropout(_Dropout):
    """Zeroes whole channels of a sample with probability `p` in training: ``x * keep / (1 - p)``.

    `keep` is drawn once for each channel and sample. PyTorch calls this Dropout1d, Dropout2d and
    Dropout3d; here one kind does for every rank.

    Shape: any of two or more dimensions, kept. Channels are the axis of that name, else `features`.
    Weights: none. MACs: none.
    Source: Tompson et al., Efficient Object Localization Using Convolutional Networks (2015),
    section 3.2; PyTorch `nn.Dropout2d`.
    """

    keras = ("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D")
    pytorch = ("Dropout1d", "Dropout2d", "Dropout3d")

    def infer(self, x: TensorType) -> TensorType:
        super().infer(x)
        require_batch(self.name, x)
        if x.rank < 2:
            raise LayerError(
                "MSL302", "`SpatialDropout` zeroes channels over their other axes, and there are "
                "none", input=0, notes=(f"the value is {x.named()}",), help="use `Dropout`",
            )  # fmt: skip
        channel_axis(self.name, x)
        return x

    def rehearse(self, act: Act) -> Tensor:
        """Keeps a number for each channel."""
        return few_dropped(act, self.p, math.prod(act.x.shape[:2]))


class StochasticDepth(_Dropout):
    """Zeroes a whole sample's value with probability `p` in training: ``x * keep / (1 - p)``.

    Made for the end of a `residual` body, which it skips. `keep` is drawn once for each sample,
    or with ``mode="batch"`` once for all.

    Shape: any, kept. Weights: none. MACs: none.
    Source: Huang et al., Deep Networks with Stochastic Depth (2016), eq. 2, scaled in training;
    torchvision's `ops.StochasticDepth`, where `p` may also be 1.
    """

    p: float = arg(_P, "Probability of a zero.", keras=("rate",))
    mode: str = arg(String("row", "batch"), "Whether to draw for each sample or for all.", "row")

    def infer(self, x: TensorType) -> TensorType:
        require_batch(self.name, x)
        return super().infer(x)

    def rehearse(self, act: Act) -> Tensor:
        """Keeps a number for each sample."""
        return few_dropped(act, self.p, act.x.shape[0])


class AlphaDropout(_Dropout):
    """Dropout that keeps mean 0 and variance 1, for networks of SELU: ``a * (x or s) + b``.

    Each element becomes ``s = -1.7580993408473766`` (SELU's lower limit) with probability `p`;
    ``a = ((1 - p) * (1 + p * s^2))^(-1/2)`` and ``b = -a * p * s`` put mean and variance right.

    Shape: any, kept. Weights: none. MACs: none.
    Source: Klambauer et al., Self-Normalizing Neural Networks (2017), section 2, "New dropout
    technique"; PyTorch `nn.AlphaDropout`, where `p` may also be 1.
    """

    def rehearse(self, act: Act) -> Tensor:
        """Keeps its noise, as large as the value."""
        if not self.p or not act.tape.training:
            return act.x
        return act.tape.add((act.tape.pointwise((act.x,), extra=act.x.bytes),))


def few_dropped(act: Act, p: float, count: int) -> Tensor:
    """A product with `count` numbers that are drawn; nothing happens outside training."""
    if not p or not act.tape.training:
        return act.x
    return act.tape.pointwise((act.x,), extra=act.x.size * count)
