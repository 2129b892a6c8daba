"""Activations: functions of each element, or of the elements along one axis.

All keep the shape, except GLU. They have no weights, except PReLU. There is no `inplace`, which
has no meaning in a spec.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from dsl.kinds.kind import KindError, arg
from dsl.kinds.values import Axis, AxisName, Float, Int, String
from dsl.layers.axes import channel_axis, class_axis, require_batch, require_float
from dsl.layers.base import Init, Layer, LayerError, MaybeTypes, Types, Weight, known
from dsl.shapes.dim import Dim, product
from dsl.shapes.types import TensorType
from dsl.tape.parts import scaled, softmax

if TYPE_CHECKING:
    from dsl.tape.act import Act
    from dsl.tape.tensors import Tensor


class Activation(Layer, abstract=True):
    """Base: real numbers of any shape; `operations` per element."""

    operations: ClassVar[int] = 1

    def infer(self, x: TensorType) -> TensorType:
        require_float(self.name, x)
        return x

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        return self.operations * product(outputs[0].shape)


class ReLU(Activation):
    """``max(0, x)``.

    Source: Nair and Hinton, Rectified Linear Units (2010), section 2.1; PyTorch `nn.ReLU`.
    """

    keeps = "output"


class ReLU6(Activation):
    """``min(max(0, x), 6)``.

    Source: Howard et al., MobileNets (2017); PyTorch `nn.ReLU6`.
    """

    keeps = "input"


class LeakyReLU(Activation):
    """``x`` where ``x > 0``, else ``negative_slope * x``.

    Source: Maas, Hannun, Ng, Rectifier Nonlinearities (2013), section 2; PyTorch `nn.LeakyReLU`
    (Keras' own default slope is 0.3).
    """

    keeps = "input"

    negative_slope: float = arg(Float(), "Slope below zero.", 0.01, keras=("alpha",))


class PReLU(Activation):
    """``x`` where ``x > 0``, else ``weight * x`` with a learned slope, one or one per channel.

    Weights: `weight` [num_parameters], starts at `init`; not decayed by default, as its source
    advises. Channels are the axis of that name, else `features`.
    Source: He et al., Delving Deep into Rectifiers (2015), eq. 1; PyTorch `nn.PReLU`.
    """

    num_parameters: int = arg(Int(1), "1, or the number of channels.", 1)
    init: float = arg(Float(), "Start of the slopes.", 0.25, keras=("alpha_initializer",))
    operations = 2

    def infer(self, x: TensorType) -> TensorType:
        super().infer(x)
        if self.num_parameters == 1:
            return x
        require_batch(self.name, x)
        channels = x.shape[channel_axis(self.name, x)]
        if channels != self.num_parameters:
            raise LayerError(
                "MSL334", f"{self.num_parameters} slopes for {channels} channels",
                arg="num_parameters", notes=(f"the value is {x.named()}",),
                help=f"write 1 for a common slope, or {channels} for one per channel",
            )  # fmt: skip
        return x

    def weights(self, x: TensorType) -> tuple[Weight, ...]:
        return (Weight("weight", (self.num_parameters,), Init("constant", self.init), "norm"),)

    def rehearse(self, act: Act) -> Tensor:
        """Keeps its input, for the slopes too."""
        return scaled(act.tape, act.x, act.params["weight"])


class ELU(Activation):
    """``x`` where ``x > 0``, else ``alpha * (exp(x) - 1)``.

    Source: Clevert, Unterthiner, Hochreiter, Exponential Linear Units (2015), eq. 15; PyTorch
    `nn.ELU`.
    """

    keeps = "input"

    alpha: float = arg(Float(0), "The limit below is -alpha.", 1.0)
    operations = 3


class SELU(Activation):
    """``scale * x`` where ``x > 0``, else ``scale * alpha * (exp(x) - 1)``.

    scale = 1.0507009873554805, alpha = 1.6732632423543772.
    Source: Klambauer et al., Self-Normalizing Neural Networks (2017), eq. 2; PyTorch `nn.SELU`.
    """

    keeps = "input"

    operations = 4


class CELU(Activation):
    """``max(0, x) + min(0, alpha * (exp(x / alpha) - 1))``.

    Source: Barron, Continuously Differentiable Exponential Linear Units (2017), eq. 2; PyTorch
    `nn.CELU`.
    """

    keeps = "input"

    alpha: float = arg(Float(0, open_low=True), "The limit below is -alpha.", 1.0)
    operations = 4


class GELU(Activation):
    """``x * Phi(x)``, Phi the normal distribution function: ``x / 2 * (1 + erf(x / sqrt(2)))``.

    With ``approximate="tanh"`` it is
    ``x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))``, as GPT-2 has it.
    Source: Hendrycks and Gimpel, Gaussian Error Linear Units (2016), section 2; PyTorch `nn.GELU`.
    """

    keeps = "input"

    approximate: str = arg(String("none", "tanh"), "Which formula.", "none")
    operations = 5


class SiLU(Activation):
    """``x * sigmoid(x)``, also known as swish.

    Source: Elfwing, Uchibe, Doya, Sigmoid-Weighted Linear Units (2017), eq. 3; PyTorch `nn.SiLU`.
    """

    keeps = "input"

    keras = ("Swish",)
    operations = 4


class Mish(Activation):
    """``x * tanh(log(1 + exp(x)))``.

    Source: Misra, Mish (2019), eq. 1; PyTorch `nn.Mish`.
    """

    keeps = "input"

    operations = 4


class Sigmoid(Activation):
    """``1 / (1 + exp(-x))``.

    Source: Goodfellow, Bengio, Courville, Deep Learning (2016), eq. 3.30; PyTorch `nn.Sigmoid`.
    """

    keeps = "output"

    operations = 3


class Tanh(Activation):
    """``(exp(x) - exp(-x)) / (exp(x) + exp(-x))``.

    Source: Goodfellow, Bengio, Courville, Deep Learning (2016), section 6.3.2; PyTorch `nn.Tanh`.
    """

    keeps = "output"


class Softplus(Activation):
    """``log(1 + exp(beta * x)) / beta``, and ``x`` where ``beta * x > threshold``.

    Frameworks also go over to ``x`` where the difference is below what a number can show, so from
    the default threshold up results agree to 3e-9.
    Source: Dugas et al., Incorporating Second-Order Functional Knowledge (2001), eq. 4; PyTorch
    `nn.Softplus`.
    """

    beta: float = arg(Float(0, open_low=True), "Sharpness of the bend.", 1.0)
    threshold: float = arg(Float(), "Where the line begins.", 20.0)
    operations = 4

    def rehearse(self, act: Act) -> Tensor:
        """Keeps its input; computed in float32."""
        return act.tape.pointwise((act.tape.raised(act.x),), keep="input")


class Softsign(Activation):
    """``x / (1 + |x|)``.

    Source: Bergstra et al., Quadratic Polynomials Learn Better Image Features (2009); PyTorch
    `nn.Softsign`.
    """

    operations = 3

    def rehearse(self, act: Act) -> Tensor:
        """``x / (1 + |x|)``: keeps its input twice over, once as the divisor."""
        tape = act.tape
        divisor = tape.add((tape.pointwise((act.x,), keep="input"),))
        return tape.pointwise((act.x, divisor), keep="input")


class Softshrink(Activation):
    """``x - lambd`` above `lambd`, ``x + lambd`` below ``-lambd``, 0 between.

    Source: Donoho, De-noising by Soft-Thresholding (1995), eq. 3; PyTorch `nn.Softshrink`.
    """

    keeps = "input"

    lambd: float = arg(Float(0), "Half the width of the gap.", 0.5, keras=("threshold",))


class Hardshrink(Activation):
    """``x`` above `lambd` and below ``-lambd``, 0 between.

    Source: Donoho and Johnstone, Ideal Spatial Adaptation by Wavelet Shrinkage (1994); PyTorch
    `nn.Hardshrink`.
    """

    keeps = "input"

    lambd: float = arg(Float(0), "Half the width of the gap.", 0.5, keras=("threshold",))


class Tanhshrink(Activation):
    """``x - tanh(x)``.

    Source: PyTorch `nn.Tanhshrink`.
    """

    operations = 2

    def rehearse(self, act: Act) -> Tensor:
        """``x - tanh(x)``: keeps the second."""
        bent = act.tape.pointwise((act.x,), keep="output")
        return act.tape.pointwise((act.x, bent), ways=("pass", "new"))


class Threshold(Activation):
    """``x`` where ``x > threshold``, else `value`.

    Source: PyTorch `nn.Threshold`.
    """

    keeps = "input"

    threshold: float = arg(Float(), "The bound.")
    value: float = arg(Float(), "What stands at and below the bound.")


class LogSigmoid(Activation):
    """``log(1 / (1 + exp(-x)))``.

    Source: PyTorch `nn.LogSigmoid`.
    """

    operations = 3

    def rehearse(self, act: Act) -> Tensor:
        """Keeps its input, and where nothing is fused the exponential as well."""
        extra = 0 if act.tape.gpu else act.x.bytes
        return act.tape.pointwise((act.x,), keep="input", extra=extra)


class Hardsigmoid(Activation):
    """``min(max(0, x + 3), 6) / 6``.

    Source: Howard et al., Searching for MobileNetV3 (2019), section 5.2; PyTorch `nn.Hardsigmoid`.
    """

    keeps = "input"

    operations = 3


class Hardswish(Activation):
    """``x * min(max(0, x + 3), 6) / 6``.

    Source: Howard et al., Searching for MobileNetV3 (2019), section 5.2; PyTorch `nn.Hardswish`.
    """

    keeps = "input"

    operations = 4


class Hardtanh(Activation):
    """``min(max(min_val, x), max_val)``.

    Source: Collobert, Large Scale Machine Learning (2004); PyTorch `nn.Hardtanh`.
    """

    keeps = "input"

    min_val: float = arg(Float(), "Least result.", -1.0)
    max_val: float = arg(Float(), "Greatest result.", 1.0)

    def check(self) -> None:
        if self.min_val >= self.max_val:
            raise KindError(
                f"`max_val` must be above `min_val`, and {self.max_val:g} is not above "
                f"{self.min_val:g}",
                "max_val" if "max_val" in self.given else "min_val",
            )


class Clamp(Activation):
    """``min(max(x, min), max)``, with one bound or both.

    Source: PyTorch `torch.clamp`.
    """

    keeps = "input"

    keras = ("Clip",)

    min: float | None = arg(Float(), "Least result; none if not given.", None)
    max: float | None = arg(Float(), "Greatest result; none if not given.", None)

    def check(self) -> None:
        if self.min is None and self.max is None:
            raise KindError("there is no bound", "min", "give `min`, `max` or both")
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise KindError(
                f"`max` must be above `min`, and {self.max:g} is not above {self.min:g}", "max"
            )


class AlongAxis(Activation, abstract=True):
    """A function of the elements along one axis."""

    dim: int | AxisName | None = arg(
        Axis(), "The axis; channels where one is called so, else the last.", None, keras=("axis",)
    )
    operations = 4

    def infer(self, x: TensorType) -> TensorType:
        super().infer(x)
        class_axis(self.dim, x)
        return x


class Softmax(AlongAxis):
    """``exp(x) / sum(exp(x))`` along an axis.

    Source: Goodfellow, Bengio, Courville, Deep Learning (2016), eq. 6.29; PyTorch `nn.Softmax`,
    where `dim` has no good default.
    """

    pytorch = ("Softmax2d",)

    def rehearse(self, act: Act) -> Tensor:
        """Keeps its result; computed in float32."""
        return softmax(act.tape, act.x)


class LogSoftmax(AlongAxis):
    """``x - log(sum(exp(x)))`` along an axis.

    Source: Goodfellow, Bengio, Courville, Deep Learning (2016), eq. 6.30; PyTorch `nn.LogSoftmax`,
    where `dim` has no good default.
    """

    def rehearse(self, act: Act) -> Tensor:
        """Keeps its result; computed in float32."""
        return softmax(act.tape, act.x)


class Softmin(AlongAxis):
    """``exp(-x) / sum(exp(-x))`` along an axis.

    Source: PyTorch `nn.Softmin`, where `dim` has no good default.
    """

    operations = 5

    def rehearse(self, act: Act) -> Tensor:
        """The softmax of the negative."""
        return softmax(act.tape, act.tape.pointwise((act.x,)))


class GLU(AlongAxis):
    """``a * sigmoid(b)``, where `a` and `b` are the two halves along an axis.

    Shape: the axis is halved.
    Source: Dauphin et al., Language Modeling with Gated Convolutional Networks (2016), eq. 1;
    PyTorch `nn.GLU`, where `dim` is the last by default, also for images.
    """

    keeps = "input"

    def infer(self, x: TensorType) -> TensorType:
        super().infer(x)
        axis = class_axis(self.dim, x)
        size = known(x.shape[axis], "the size that `GLU` halves")
        if size % 2:
            name = x.axes[axis] or f"dimension {axis}"
            raise LayerError(
                "MSL308", f"`GLU` halves {name}, and 2 does not divide {size}", input=0,
                notes=(f"the value is {x.named()}",),
            )  # fmt: skip
        return x.with_dim(axis, size // 2)
