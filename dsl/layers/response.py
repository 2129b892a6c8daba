"""Normalisation by the response of channels: of all others, or of those nearby."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsl.kinds.kind import arg
from dsl.kinds.values import Float, Int
from dsl.layers.axes import channel_axis, require_batch, require_float
from dsl.layers.base import ZEROS, Layer, LayerError, MaybeTypes, Types, Weight, known
from dsl.shapes.dim import Dim, product
from dsl.shapes.types import TensorType
from dsl.tape.parts import multiply

if TYPE_CHECKING:
    from dsl.tape.act import Act
    from dsl.tape.tensors import Tensor


class GRN(Layer):
    """Global response normalisation: ``x + weight * (x * n) + bias``.

    ``n = g / (mean(g) + eps)``, where `g` of a channel is the root of the sum of its squares over
    all other axes, and the mean is over the channels.

    Shape: any of two or more dimensions, kept. Channels are the axis of that name, else `features`.
    Weights: `weight` (zeros) and `bias` (zeros) [channels], so that it starts as the identity.
    MACs: none; 6 element-wise operations per element.
    Source: Woo et al., ConvNeXt V2 (2023), section 3 and algorithm 1.
    """

    eps: float = arg(
        Float(0, open_low=True), "Added to the mean response.", 1e-6, keras=("epsilon",)
    )

    def infer(self, x: TensorType) -> TensorType:
        _require_channels(self.name, x)
        known(x.shape[channel_axis(self.name, x)], "the number of channels that `GRN` acts on")
        return x

    def weights(self, x: TensorType) -> tuple[Weight, ...]:
        shape = (x.shape[channel_axis(self.name, x)],)
        return (Weight("weight", shape, ZEROS, "norm"), Weight("bias", shape, ZEROS, "norm"))

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        return 6 * product(outputs[0].shape)

    def rehearse(self, act: Act) -> Tensor:
        """Lengths of channels are small; what is kept is the input and its two products."""
        tape, x = act.tape, act.x
        share = tape.run("reduce", (x,), (x.shape[0], *(1,) * (len(x.shape) - 2), x.shape[-1]))
        normed = multiply(tape, (x, share), x.shape)
        weighed = tape.run("pointwise", (normed,), x.shape, keep=(normed,), params=act.learned)
        return tape.add((tape.add((x, weighed)),))


class LocalResponseNorm(Layer):
    """Divides by the response of channels nearby: ``x / (k + alpha / size * s) ** beta``.

    ``s`` is the sum of ``x^2`` over `size` channels, from ``size // 2`` before to ``(size - 1) //
    2`` behind, as far as there are such.

    Shape: any of two or more dimensions, kept. Channels are the axis of that name, else `features`.
    MACs: none; ``size + 5`` element-wise operations per element.
    Source: Krizhevsky, Sutskever, Hinton, ImageNet classification (2012), section 3.3; PyTorch
    `nn.LocalResponseNorm`, whose `alpha` is divided by `size` as here. Keras has no layer for it,
    and TensorFlow's function does not divide.
    """

    size: int = arg(Int(1), "Number of channels that a response is summed over.")
    alpha: float = arg(Float(), "Weight of their mean square.", 1e-4)
    beta: float = arg(Float(), "Exponent.", 0.75)
    k: float = arg(Float(), "Added to the mean square.", 1.0, keras=("bias",))

    def infer(self, x: TensorType) -> TensorType:
        _require_channels(self.name, x)
        channel_axis(self.name, x)
        return x

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        return (self.size + 5) * product(outputs[0].shape)

    def rehearse(self, act: Act) -> Tensor:
        """Squares, their sums over neighbours, and a power of these, all of which are kept."""
        tape, x = act.tape, act.x
        squares = tape.pointwise((x,), keep="input")
        sums = tape.run("pool", (squares,), x.shape, keep=(squares,))
        base = tape.add((tape.pointwise((sums,)),))
        divisor = tape.pointwise((base,), keep="input")
        return tape.pointwise((x, divisor), keep="input")


def _require_channels(kind: str, x: TensorType) -> None:
    """Refuses values other than real numbers with a batch, channels and something beside them."""
    require_float(kind, x)
    require_batch(kind, x)
    if x.rank < 2:
        raise LayerError(
            "MSL302", f"`{kind}` needs channels and an axis beside them", input=0,
            label=f"this is {x.named()}", help="`LayerNorm` normalises over features alone",
        )  # fmt: skip
