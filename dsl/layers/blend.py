"""Learned weights of whole values: of each channel of one, or of several that are summed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dsl.kinds.kind import KindError, arg
from dsl.kinds.values import Bool, Float, String
from dsl.layers.axes import channel_axis, require_batch, require_float
from dsl.layers.base import ONES, ZEROS, Init, Layer, MaybeTypes, Types, Weight, known
from dsl.layers.merge import Arithmetic
from dsl.shapes.dim import Dim, product
from dsl.shapes.types import TensorType
from dsl.tape.parts import scaled

if TYPE_CHECKING:
    from dsl.tape.act import Act
    from dsl.tape.tensors import Tensor

_EPS = 1e-4


class LayerScale(Layer):
    """Each channel times a learned number that starts small: ``weight * x``.

    Shape: any, kept. Channels are the axis of that name, else `features`.
    Weights: `weight` [channels], starts at `init`.
    MACs: none; 1 element-wise operation per element.
    Source: Touvron et al., Going deeper with Image Transformers (2021), eq. 5; timm `LayerScale`.
    """

    init: float = arg(Float(), "Start of the numbers.", 1e-6, keras=("init_values",))

    def infer(self, x: TensorType) -> TensorType:
        require_float(self.name, x)
        require_batch(self.name, x)
        known(x.shape[channel_axis(self.name, x)], "the number of channels that are scaled")
        return x

    def weights(self, x: TensorType) -> tuple[Weight, ...]:
        size = x.shape[channel_axis(self.name, x)]
        return (Weight("weight", (size,), Init("constant", self.init), "norm"),)

    def rehearse(self, act: Act) -> Tensor:
        """A product with a weight for each channel."""
        return scaled(act.tape, act.x, act.params["weight"])


class WeightedSum(Arithmetic):
    """A learned mixture of values: ``sum over i of share_i * x_i``.

    The shares follow from one number for each value: ``softmax(weight)``; with
    ``normalize="relu"``, fast normalised fusion, ``relu(weight) / (eps + sum(relu(weight)))``; with
    ``normalize="none"`` the numbers themselves. `gain` adds a factor of the whole, as ELMo has it.

    Shape: those that broadcast, to their common shape; real numbers.
    Weights: `weight` [number of values], starts at zero before a softmax, else at one; `gain`
    [1], starts at one.
    MACs: none; 2 element-wise operations per element and value, less one.
    Source: Peters et al., Deep contextualized word representations (2018), eq. 1; Tan, Pang, Le,
    EfficientDet (2020), section 3.3.
    """

    variadic = True
    floats_only = True
    pytorch = ("ScalarMix",)

    normalize: str = arg(String("softmax", "relu", "none"), "What makes shares.", "softmax")
    gain: bool = arg(Bool(), "Whether the sum has a learned factor.", False)
    eps: float = arg(Float(0, open_low=True), 'Added to the sum with normalize="relu".', _EPS)

    def check(self) -> None:
        if "eps" in self.given and self.normalize != "relu":
            raise KindError(
                f'`eps` has no effect with normalize="{self.normalize}"', "eps",
                'write normalize="relu", or leave `eps` out',
            )  # fmt: skip

    def weights(self, *xs: Any) -> tuple[Weight, ...]:
        start = ZEROS if self.normalize == "softmax" else ONES
        shares = Weight("weight", (len(xs),), start, "norm")
        return (shares, Weight("gain", (1,), ONES, "norm")) if self.gain else (shares,)

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        return (2 * len(inputs) - 1 + bool(self.gain)) * product(outputs[0].shape)

    def rehearse(self, act: Act) -> Tensor:
        """Each value times its number, which keeps the value, added up."""
        tape, (weight, *_) = act.tape, act.learned
        parts = [tape.run("pointwise", (x,), x.shape, keep=(x,), params=(weight,))
            for x in act.given]  # fmt: skip
        return tape.add(parts, act.shape)
