"""Values that are learned themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dsl.kinds.kind import arg
from dsl.kinds.values import Int, KindOf, ListOf
from dsl.layers.base import ZEROS, Layer, MaybeTypes, Types, Weight
from dsl.shapes.dim import Dim
from dsl.shapes.types import TensorType

if TYPE_CHECKING:
    from dsl.tape.act import Act
    from dsl.tape.tensors import Tensor


class Parameter(Layer):
    """A learned value: a class token, a set of queries, a scale.

    It takes nothing and has no batch: joined with a value that has one, it serves every sample.

    Shape: `shape`. Weights: the value itself, under the layer's own path. MACs: none.
    Source: PyTorch `nn.Parameter`.
    """

    ports = ()

    shape: tuple[int, ...] = arg(ListOf(Int(1)), "Sizes, without a batch.")
    init: Any = arg(KindOf("initializer"), "How it starts; zeros by default.", None)

    def check(self) -> None:
        if self.init is not None:
            self.init.start(self.shape)

    def infer(self) -> TensorType:
        return TensorType(self.shape, batched=False)

    def weights(self) -> tuple[Weight, ...]:
        start = ZEROS if self.init is None else self.init.start(self.shape)
        return (Weight("", self.shape, start),)

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        return 0

    def rehearse(self, act: Act) -> Tensor:
        """The weight as a value."""
        return act.tape.learned(next(iter(act.params.values())), act.shape)
