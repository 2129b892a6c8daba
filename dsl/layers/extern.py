"""Layers written by hand in the user's own Python file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dsl.kinds.kind import Kind
from dsl.layers.base import ZEROS, Layer, MaybeTypes, Types, Weight
from dsl.shapes.dim import Dim
from dsl.shapes.types import TensorType

if TYPE_CHECKING:
    from dsl.tape.act import Act
    from dsl.tape.tensors import Tensor


class ExternLayer(Layer, abstract=True):
    """One use of an ``extern layer``: what the spec promises of it.

    None of the Python runs at compile time; the promise is held to when the model is built.

    Args:
        word: The name that the spec gives it.
        path: The Python file, as written.
        args: Arguments by parameter.
        output: Type of the result.
        parameters: Number of trainable values.
        operations: FLOPs of one sample's forward pass.
        classes: The class to use, by backend.
    """

    def __init__(
        self, word: str, path: str, args: dict[str, Any], output: TensorType, parameters: int,
        operations: Dim, classes: dict[str, str],
    ) -> None:  # fmt: skip
        self.name = word  # type: ignore[misc]
        self.path, self.args, self.output = path, args, output
        self.parameters, self.operations, self.classes = parameters, operations, classes
        self.given = tuple(args)

    @property
    def values(self) -> dict[str, Any]:
        """Argument values by name."""
        return self.args

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ExternLayer) and (self.name, self.args) == (other.name, other.args)

    __hash__ = Kind.__hash__

    def infer(self, x: TensorType) -> TensorType:
        return self.output

    def weights(self, x: TensorType) -> tuple[Weight, ...]:
        return (Weight("*", (self.parameters,), ZEROS),) if self.parameters else ()

    def macs(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        return self.operations // 2

    def rehearse(self, act: Act) -> Tensor:
        """One operation, which is taken to keep its input: what the Python does is not known."""
        return act.tape.run(
            "gemm" if act.flops else "pointwise", act.given, act.shape, size=act.tape.lower,
            keep=act.given, params=act.learned, flops=act.flops, flops_back=act.flops_back,
        )  # fmt: skip
