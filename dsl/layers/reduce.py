"""Kinds that bring axes down to one value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dsl.kinds.kind import arg
from dsl.kinds.values import Axis, Bool, ListOf, OneOf
from dsl.layers.axes import require_float, without_axes
from dsl.layers.base import Layer, LayerError, MaybeTypes, Types, resolve_axis
from dsl.shapes.dim import Dim, product
from dsl.shapes.types import TensorType
from dsl.tape.parts import total

if TYPE_CHECKING:
    from dsl.tape.act import Act
    from dsl.tape.tensors import Tensor


class _Reduction(Layer, abstract=True):
    floats_only = True

    dim: Any = arg(
        OneOf(Axis(), ListOf(Axis(), least=1)), "The axis or axes; all by default.", None,
        keras=("axis",),
    )  # fmt: skip
    keepdim: bool = arg(Bool(), "Whether the axes stay, with size 1.", False, keras=("keepdims",))

    def infer(self, x: TensorType) -> TensorType:
        if self.floats_only:
            require_float(self.name, x)
        axes = self.positions(x)
        if not self.keepdim:
            return without_axes(x, axes)
        return x.with_shape(tuple(1 if i in axes else size for i, size in enumerate(x.shape)))

    def positions(self, x: TensorType) -> tuple[int, ...]:
        """The axes in rising order, the batch not counted."""
        if self.dim is None:
            return tuple(range(x.rank))
        given = self.dim if isinstance(self.dim, tuple) else (self.dim,)
        found = tuple(int(resolve_axis(axis, x)) for axis in given)
        twice = next((axis for axis in found if found.count(axis) > 1), None)
        if twice is not None:
            name = x.axes[twice] or f"dimension {twice}"
            raise LayerError("MSL307", f"`dim` names {name} twice", arg="dim")
        return tuple(sorted(found))

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        return product(inputs[0].shape)


class Mean(_Reduction):
    """The mean over some axes.

    Shape: without these axes, or with `keepdim` 1 there; without `dim` a scalar per sample.
    Weights: none. MACs: none; one element-wise operation per element read.
    Source: NumPy `mean`; PyTorch `torch.mean`, which counts the batch among the axes.
    """

    def rehearse(self, act: Act) -> Tensor:
        """Keeps nothing; its gradient is spread over the input."""
        return total(act.tape, act.x, act.shape)


class Sum(_Reduction):
    """The sum over some axes, of real numbers or integers.

    Shape: without these axes, or with `keepdim` 1 there; without `dim` a scalar per sample.
    Weights: none. MACs: none; one element-wise operation per element read.
    Source: NumPy `sum`; PyTorch `torch.sum`, which counts the batch among the axes.
    """

    floats_only = False

    def infer(self, x: TensorType) -> TensorType:
        if not x.is_float and x.dtype != "int64":
            raise LayerError(
                "MSL303", f"`Sum` takes real numbers or int64, not {x.dtype}", input=0,
                notes=("frameworks differ in the dtype of such sums",),
            )  # fmt: skip
        return super().infer(x)

    def rehearse(self, act: Act) -> Tensor:
        """Keeps nothing; its gradient is spread over the input."""
        return total(act.tape, act.x, act.shape)


class Max(_Reduction):
    """The greatest element over some axes.

    Shape: without these axes, or with `keepdim` 1 there; without `dim` a scalar per sample.
    Weights: none. MACs: none; one element-wise operation per element read.
    Source: NumPy `amax`; PyTorch `torch.amax`: equal greatest elements share the gradient.
    """

    def rehearse(self, act: Act) -> Tensor:
        """Keeps what it looks at and its result, which tell where the largest values are."""
        return act.tape.run("reduce", (act.x,), act.shape, keep=(act.x,), keep_output=True)


class Min(_Reduction):
    """The least element over some axes.

    Shape: without these axes, or with `keepdim` 1 there; without `dim` a scalar per sample.
    Weights: none. MACs: none; one element-wise operation per element read.
    Source: NumPy `amin`; PyTorch `torch.amin`: equal least elements share the gradient.
    """

    def rehearse(self, act: Act) -> Tensor:
        """Keeps what it looks at and its result, which tell where the largest values are."""
        return act.tape.run("reduce", (act.x,), act.shape, keep=(act.x,), keep_output=True)
