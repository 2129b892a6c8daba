"""Elementary functions of each element: powers, roots, exponentials. All keep the shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from dsl.kinds.kind import arg
from dsl.kinds.values import Float
from dsl.layers.axes import require_float
from dsl.layers.base import Layer, MaybeTypes, Types
from dsl.shapes.dim import Dim, product
from dsl.shapes.types import TensorType

if TYPE_CHECKING:
    pass


class Elementary(Layer, abstract=True):
    """Base: real numbers of any shape; `operations` per element."""

    operations: ClassVar[int] = 1

    def infer(self, x: TensorType) -> TensorType:
        require_float(self.name, x)
        return x

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        return self.operations * product(outputs[0].shape)


class Abs(Elementary):
    """``|x|``.

    Source: NumPy `absolute`; PyTorch `torch.abs`. The gradient at 0 is 0.
    """

    keeps = "input"

    keras = ("absolute",)
    pytorch = ("abs",)


class Exp(Elementary):
    """``e^x``.

    Source: NumPy `exp`; PyTorch `torch.exp`.
    """

    keeps = "output"

    pytorch = ("exp",)


class Log(Elementary):
    """The natural logarithm of x, which must be above 0.

    Source: NumPy `log`; PyTorch `torch.log`. Like theirs, it is minus infinity at 0 and not a
    number below.
    """

    keeps = "input"

    pytorch = ("log",)


class Sqrt(Elementary):
    """The square root of x, which must not be below 0.

    Source: NumPy `sqrt`; PyTorch `torch.sqrt`. Like theirs, it is not a number below 0.
    """

    keeps = "output"

    pytorch = ("sqrt",)


class Rsqrt(Elementary):
    """``1 / sqrt(x)``, of x above 0.

    Source: PyTorch `torch.rsqrt`. Like there, it is infinite at 0 and not a number below.
    """

    keeps = "output"

    pytorch = ("rsqrt",)
    operations = 2


class Power(Elementary):
    """``x ** exponent``.

    Source: NumPy `power`; PyTorch `torch.pow`. Like theirs, it is not a number where x is below 0
    and the exponent is no whole number.
    """

    keeps = "input"

    keras = ("power", "square")
    pytorch = ("pow", "square")

    exponent: float = arg(Float(), "The exponent.")
