"""How a weight follows from what is learned: ``Conv1d(64, 3, weight=WeightNorm)``.

A reparametrisation is a kind that a convolution or a linear map takes as its argument `weight`. It
stands in for the learned tensor: what is computed with is a function of one or two others.
There is no spectral norm: its estimate of the largest singular value takes one step each time that
a weight is looked at in training, and frameworks look at different times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from dsl.kinds.kind import Kind, KindError, arg
from dsl.kinds.values import Float, Int
from dsl.layers.base import ONES, Init, Weight
from dsl.tape.parts import scaled

if TYPE_CHECKING:
    from dsl.tape.act import Act
    from dsl.tape.tensors import Tensor


class Reparametrization(Kind, abstract=True):
    """Base of all reparametrisations.

    Class attributes:
        scaled: Whether a learned gain multiplies what is otherwise made.
    """

    category = "parametrization"
    scaled: ClassVar[bool] = False

    def learned(self, weight: Weight) -> tuple[Weight, ...]:
        """The tensors that stand in for a weight.

        Args:
            weight: What the layer computes with, ``[out, in, ..]``, or ``[in, out, ..]`` where a
                convolution is transposed.
        """
        raise TypeError(f"{type(self).__name__} does not say what is learned")

    def hold(self, kind: str, rank: int) -> None:
        """Holds the arguments against a kind of layer, whose weight has `rank` dimensions.

        Raises:
            KindError: They do not go together.
        """


class WeightNorm(Reparametrization):
    """A direction and a length: ``w = g * v / |v|``, one length for each index of `dim`.

    ``|v|`` is the root of the sum of squares over all other dimensions. With `dim` 0, each output
    of a convolution or linear map has a length; for wav2vec 2.0's positions, `dim` 2, each place
    of the kernel has.

    Weights: `weight_v`, of the weight's shape and start; `weight_g`, of the size of `dim` and 1
    elsewhere, starts at ``|v|`` so that the weight starts at `v`.
    Source: Salimans and Kingma, Weight Normalization (2016), eq. 2; PyTorch
    `nn.utils.parametrizations.weight_norm`.
    """

    pytorch = ("weight_norm",)

    dim: int = arg(
        Int(0), "The dimension of the weight, in PyTorch's order, with a length each.", 0
    )

    def learned(self, weight: Weight) -> tuple[Weight, ...]:
        lengths = tuple(size if axis == self.dim else 1 for axis, size in enumerate(weight.shape))
        return (
            Weight("weight_g", lengths, Init("norm"), "norm"),
            Weight("weight_v", weight.shape, weight.init, weight.group),
        )

    def hold(self, kind: str, rank: int) -> None:
        if self.dim >= rank:
            raise KindError(
                f"the weight of `{kind}` has {rank} dimensions, counted from 0, and no {self.dim}",
                "weight", code="MSL307",
            )  # fmt: skip


class _Standardization(Reparametrization, abstract=True):
    """Weights of mean 0 and variance 1 for each output channel."""

    eps: float

    def hold(self, kind: str, rank: int) -> None:
        if not kind.startswith("Conv") or "Transpose" in kind:
            raise KindError(
                f"`{self.name}` is of convolutions, and this is `{kind}`", "weight",
                "`WeightNorm` also takes linear maps and transposed convolutions",
            )  # fmt: skip


class WeightStandardization(_Standardization):
    """Mean 0 and variance 1 for each output channel: ``w = (v - mean) / sqrt(var + eps)``.

    `mean` and ``var = mean((v - mean)^2)`` are over the channel's inputs and the kernel.

    Weights: `weight`, of the weight's shape and start.
    Source: Qiao et al., Micro-Batch Training with Batch-Channel Normalization and Weight
    Standardization (2019), section 3.1; timm `StdConv2d`. BiT (Kolesnikov et al. 2020) has an
    `eps` of 1e-10 there, timm's port of it 1e-8.
    """

    pytorch = ("StdConv2d",)

    eps: float = arg(Float(0, open_low=True), "Added to the variance, inside the root.", 1e-6)

    def learned(self, weight: Weight) -> tuple[Weight, ...]:
        return (weight,)


class ScaledWeightStandardization(_Standardization):
    """Standardised, then scaled: ``w = gain * gamma / sqrt(n) * (v - mean) / sqrt(var + eps)``.

    `mean` and ``var = mean((v - mean)^2)`` are over the `n` inputs of an output channel, its kernel
    counted in, so that signals keep their variance without a norm. `gamma` makes up for the
    activation behind: 1.7015 for GELU, 1.7868 for SiLU.

    Weights: `weight`, of the weight's shape and start; `gain` [out, 1, ..], starts at one.
    Source: Brock et al., Characterizing signal propagation (2021), section 4; timm
    `ScaledStdConv2d`, which adds `eps` to the variance as it is here.
    """

    pytorch = ("ScaledStdConv2d",)
    scaled = True

    gamma: float = arg(Float(0, open_low=True), "Factor for the activation behind.", 1.0)
    eps: float = arg(Float(0, open_low=True), "Added to the variance, inside the root.", 1e-5)

    def learned(self, weight: Weight) -> tuple[Weight, ...]:
        gain = (weight.shape[0], *(1,) * (len(weight.shape) - 1))
        return (weight, Weight("gain", gain, ONES, "norm"))


def weighted_product(act: Act, category: str, x: Tensor, way: Reparametrization | None) -> Tensor:
    """A product with the layer's weight, which is made anew for it where it is reparametrised."""
    tape = act.tape
    bias = (act.params["bias"],) if "bias" in act.params else ()
    if way is None:
        return tape.product(category, x, act.shape, (act.params["weight"], *bias), act.flops)
    learned = [param for role, param in act.params.items() if role != "bias"]
    shape = (max(param.count for param in learned),)
    extra = 4 * min(param.count for param in learned)
    parts = learned[:1] if way.scaled else learned
    made = tape.run("norm", (), shape, size=4, extra=extra, params=parts)
    if way.scaled:
        made = scaled(tape, made, learned[-1])
    x, weight = tape.lowered(tape.dense(x)), tape.lowered(made)
    return tape.run(
        category, (x, weight), act.shape, size=tape.lower or x.size, keep=(x, weight), params=bias,
        flops=act.flops, flops_back=act.flops_back,
    )  # fmt: skip
