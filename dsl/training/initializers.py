"""Initializers: how a weight starts, where a kind takes one (``init=Normal(0.02)``).

Fans are PyTorch's: of a shape ``[out, in, ..]``, ``fan_in = in * ..`` and ``fan_out = out * ..``.
"""

from __future__ import annotations

import math

from dsl.kinds.kind import Kind, KindError, arg
from dsl.kinds.values import Float, String
from dsl.layers.base import ONES, ZEROS, Init
from dsl.shapes.dim import product

_STD = Float(0)
_GAIN = Float(0, open_low=True)
_GAIN_DOC = "Factor, for the nonlinearity that follows."


class Initializer(Kind, abstract=True):
    """Base of all initializers."""

    category = "initializer"

    def start(self, shape: tuple[int, ...]) -> Init:
        """How a weight of this shape starts.

        Raises:
            KindError: The shape has too few dimensions.
        """
        raise TypeError(f"{type(self).__name__} does not say how a weight starts")


class Zeros(Initializer):
    """All zeros.

    Source: PyTorch `nn.init.zeros_`.
    """

    def start(self, shape: tuple[int, ...]) -> Init:
        return ZEROS


class Ones(Initializer):
    """All ones.

    Source: PyTorch `nn.init.ones_`.
    """

    def start(self, shape: tuple[int, ...]) -> Init:
        return ONES


class Constant(Initializer):
    """All one number.

    Source: PyTorch `nn.init.constant_`.
    """

    value: float = arg(Float(), "The number.")

    def start(self, shape: tuple[int, ...]) -> Init:
        return Init("constant", self.value)


class Normal(Initializer):
    """Normal with a deviation and a mean.

    Source: PyTorch `nn.init.normal_`, where the mean comes first.
    """

    keras = ("RandomNormal",)

    std: float = arg(_STD, "Standard deviation.", 1.0, keras=("stddev",))
    mean: float = arg(Float(), "Mean.", 0.0)

    def start(self, shape: tuple[int, ...]) -> Init:
        return Init("normal", self.std, self.mean)


class TruncatedNormal(Initializer):
    """Normal, drawn again beyond two deviations from the mean.

    Source: Keras `initializers.TruncatedNormal`; PyTorch's `nn.init.trunc_normal_` cuts at
    absolute bounds, by default -2 and 2.
    """

    std: float = arg(Float(0, open_low=True), "Standard deviation before the cut.", 1.0)
    mean: float = arg(Float(), "Mean.", 0.0)

    def start(self, shape: tuple[int, ...]) -> Init:
        return Init("truncated_normal", self.std, self.mean)


class Uniform(Initializer):
    """Uniform between two bounds.

    Source: PyTorch `nn.init.uniform_`.
    """

    keras = ("RandomUniform",)

    low: float = arg(Float(), "Lower bound.", 0.0, keras=("minval",))
    high: float = arg(Float(), "Upper bound.", 1.0, keras=("maxval",))

    def check(self) -> None:
        if self.low >= self.high:
            raise KindError(
                f"`high` must be above `low`, and {self.high:g} is not above {self.low:g}",
                "high" if "high" in self.given else "low",
            )

    def start(self, shape: tuple[int, ...]) -> Init:
        return Init("uniform", (self.high - self.low) / 2, (self.high + self.low) / 2)


class XavierUniform(Initializer):
    """Uniform in ``+-gain * sqrt(6 / (fan_in + fan_out))``.

    Source: Glorot and Bengio, Understanding the Difficulty (2010), eq. 16; PyTorch
    `nn.init.xavier_uniform_`.
    """

    keras = ("GlorotUniform",)

    gain: float = arg(_GAIN, _GAIN_DOC, 1.0)

    def start(self, shape: tuple[int, ...]) -> Init:
        return Init("uniform", self.gain * math.sqrt(6 / sum(fans(self.name, shape))))


class XavierNormal(Initializer):
    """Normal with deviation ``gain * sqrt(2 / (fan_in + fan_out))``.

    Source: Glorot and Bengio, Understanding the Difficulty (2010), eq. 12; PyTorch
    `nn.init.xavier_normal_`; Keras' GlorotNormal is truncated.
    """

    gain: float = arg(_GAIN, _GAIN_DOC, 1.0)

    def start(self, shape: tuple[int, ...]) -> Init:
        return Init("normal", self.gain * math.sqrt(2 / sum(fans(self.name, shape))))


class _Kaiming(Initializer, abstract=True):
    a: float = arg(Float(), "Slope below zero of the leaky ReLU that follows.", 0.0)
    mode: str = arg(String("fan_in", "fan_out"), "Which fan.", "fan_in")
    nonlinearity: str = arg(
        String("leaky_relu", "relu", "linear", "sigmoid", "tanh", "selu"),
        "What follows; it sets the gain.",
        "leaky_relu",
    )

    def deviation(self, shape: tuple[int, ...]) -> float:
        """``gain / sqrt(fan)``."""
        fan_in, fan_out = fans(self.name, shape)
        gains = {
            "leaky_relu": math.sqrt(2 / (1 + self.a**2)),
            "relu": math.sqrt(2),
            "tanh": 5 / 3,
            "selu": 3 / 4,
        }
        fan = fan_in if self.mode == "fan_in" else fan_out
        return gains.get(self.nonlinearity, 1.0) / math.sqrt(fan)


class KaimingUniform(_Kaiming):
    """Uniform in ``+-gain * sqrt(3 / fan)``.

    The gain is PyTorch's for `nonlinearity`: ``sqrt(2 / (1 + a^2))`` for leaky_relu.
    Source: He et al., Delving Deep into Rectifiers (2015), eq. 14; PyTorch
    `nn.init.kaiming_uniform_`.
    """

    keras = ("HeUniform",)

    def start(self, shape: tuple[int, ...]) -> Init:
        return Init("uniform", math.sqrt(3) * self.deviation(shape))


class KaimingNormal(_Kaiming):
    """Normal with deviation ``gain / sqrt(fan)``.

    The gain is PyTorch's for `nonlinearity`: ``sqrt(2 / (1 + a^2))`` for leaky_relu.
    Source: He et al., Delving Deep into Rectifiers (2015), eq. 14; PyTorch
    `nn.init.kaiming_normal_`; Keras' HeNormal is truncated.
    """

    def start(self, shape: tuple[int, ...]) -> Init:
        return Init("normal", self.deviation(shape))


class Orthogonal(Initializer):
    """`gain` times a random matrix with orthonormal rows or columns.

    Source: Saxe, McClelland, Ganguli, Exact Solutions (2013), section 3; PyTorch
    `nn.init.orthogonal_`, which also takes weights of more dimensions (frameworks flatten them in
    different ways).
    """

    gain: float = arg(_GAIN, "Factor.", 1.0)

    def start(self, shape: tuple[int, ...]) -> Init:
        if len(shape) != 2:
            raise KindError(
                f"`Orthogonal` needs a weight of two dimensions, not {len(shape)}", "init"
            )
        return Init("orthogonal", self.gain)


def fans(name: str, shape: tuple[int, ...]) -> tuple[int, int]:
    """Numbers of values that each result is made of (fan in) and that each value goes to (fan out).

    Raises:
        KindError: The shape has less than two dimensions.
    """
    if len(shape) < 2:
        raise KindError(
            f"`{name}` needs a weight of two dimensions or more, not {len(shape)}", "init",
            "`Normal(0.02)` and `Uniform(-0.1, 0.1)` take any shape",
        )  # fmt: skip
    rest = product(shape[2:])
    return shape[1] * rest, shape[0] * rest
