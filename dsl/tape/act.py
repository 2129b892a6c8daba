"""A layer about to be rehearsed: what it is given, and the shapes it will give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dsl.tape.tape import Tape
from dsl.tape.tensors import Param, Shape, Tensor


class Act:
    """What a layer's rule for memory and time goes by.

    Attributes:
        tape: Where its operations are written down.
        inputs: A tensor for each port, None for an optional one that is not given.
        shapes: Of the results, with the batch.
        params: Its weights by role, also one that it is tied to.
        flops: Of its products in the forward pass.
        types: Types of the inputs, for the places of axes; sizes may hold symbols.
        count_back: Counts the FLOPs of its products in the backward pass, given which inputs get
            gradients.
    """

    __slots__ = ("count_back", "flops", "inputs", "params", "shapes", "tape", "types")

    def __init__(
        self, tape: Tape, inputs: tuple[Tensor | None, ...], shapes: tuple[Shape, ...],
        params: Mapping[str, Param], flops: int, types: tuple[Any, ...],
        count_back: Callable[[tuple[bool, ...]], int],
    ) -> None:  # fmt: skip
        self.count_back = count_back
        self.tape, self.inputs, self.shapes = tape, inputs, shapes
        self.params, self.flops, self.types = params, flops, types

    @property
    def x(self) -> Tensor:
        """The first input."""
        x = self.inputs[0]
        assert x is not None
        return x

    @property
    def given(self) -> tuple[Tensor, ...]:
        """The inputs that are there."""
        return tuple(x for x in self.inputs if x is not None)

    @property
    def shape(self) -> Shape:
        """Of the first result."""
        return self.shapes[0]

    @property
    def flops_back(self) -> int:
        """Of its products in the backward pass."""
        return self.count_back(tuple(x is not None and x.needs for x in self.inputs))

    @property
    def learned(self) -> tuple[Param, ...]:
        """The weights that are trained."""
        return tuple(param for param in self.params.values() if param.needs)
