"""Kinds that join several values into one, and those that keep or scale a single one.

Arithmetic broadcasts as in NumPy: shapes, without the batch, are aligned at their ends and a
size of 1 stretches. The result has a batch if any value has one; an axis keeps its name where the
values agree on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from dsl.kinds.kind import arg
from dsl.kinds.values import Axis, AxisName, Bool, Float
from dsl.layers.axes import require_float
from dsl.layers.base import Layer, LayerError, MaybeTypes, Port, Types, resolve_axis
from dsl.shapes.dim import Dim, product
from dsl.shapes.types import Axes, TensorType, broadcast_shapes
from dsl.tape.parts import matmul, multiply

if TYPE_CHECKING:
    from dsl.tape.act import Act
    from dsl.tape.tensors import Tensor

_PAIR = (Port("a"), Port("b"))


class Identity(Layer):
    """The value as it is.

    Shape: any, kept. Weights: none. MACs: none.
    Source: PyTorch `nn.Identity`.
    """

    def infer(self, x: TensorType) -> TensorType:
        return x

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        return 0

    def rehearse(self, act: Act) -> Tensor:
        """The value itself."""
        return act.x


class Scale(Layer):
    """``factor * x + offset``, with numbers that are not learned; ``Scale(-1, 1)`` is ``1 - x``.

    Shape: real numbers of any shape, kept. Weights: none. MACs: none.
    Precision: Keras keeps the numbers in float32, which shows in float64 (a part in 1e7).
    Source: Vaswani et al. 2017, section 3.4 (embeddings times ``sqrt(features)``); Szegedy et al.
    2016 (Inception-ResNet), section 3.3 (residuals); Srivastava et al. 2015 (Highway networks),
    eq. 3 (``1 - x``). It is Keras' `Rescaling`; PyTorch has no layer for it.
    """

    keras = ("Rescaling",)

    factor: float = arg(Float(), "What each value is multiplied by.", keras=("scale",))
    offset: float = arg(Float(), "What is added then.", 0.0)

    def infer(self, x: TensorType) -> TensorType:
        require_float(self.name, x)
        return x

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        return product(outputs[0].shape) * (1 + (self.offset != 0))

    def rehearse(self, act: Act) -> Tensor:
        """A product with a number, and a sum with one."""
        x = act.tape.pointwise((act.x,))
        return act.tape.add((x,)) if self.offset and self.factor != -1 else x


class Concat(Layer):
    """Values one after the other along an axis.

    Shape: alike but for that axis, whose sizes add up. Without `dim` it is the axis called
    channels, else the one called features, else the last. A `Parameter` among values with a batch
    is repeated for every sample.
    Weights: none. MACs: none.
    Source: NumPy `concatenate`; PyTorch `torch.cat`.
    """

    keras = ("Concatenate",)
    variadic = True

    dim: int | AxisName | None = arg(
        Axis(), "The axis; channels, features or the last by default.", None, keras=("axis",)
    )

    def infer(self, *xs: TensorType) -> TensorType:
        _same_dtype(self.name, xs)
        axis = self.position(xs)
        first = xs[0]
        for index, x in enumerate(xs):
            if x.rank != first.rank or _without(x, axis) != _without(first, axis):
                _refuse_concat(first, x, index, axis)
        total: Dim = 0
        for x in xs:
            total = total + x.shape[axis]
        shape = (*first.shape[:axis], total, *first.shape[axis + 1 :])
        return _joined(xs, shape)

    def rehearse(self, act: Act) -> Tensor:
        """A copy of all; gradients are views of one."""
        return act.tape.run("copy", act.given, act.shape, ways="part")

    def position(self, xs: Types) -> int:
        """The axis it acts on; a value with a batch names it before a learned one does."""
        lead = next((x for x in xs if x.batched), xs[0])
        if lead.rank == 0:
            raise LayerError(
                "MSL302", "`Concat` needs an axis, and a scalar has none", input=xs.index(lead),
                help="`Reshape([1])` makes a vector of it",
            )  # fmt: skip
        if self.dim is not None:
            return resolve_axis(self.dim, lead)
        for name in ("channels", "features"):
            if name in lead.axes:
                return lead.axes.index(name)
        return lead.rank - 1

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        return 0


class Arithmetic(Layer, abstract=True):
    """One result per element of the values' common shape."""

    floats_only = False
    keeps = "input"
    ways: ClassVar[str] = "new"

    def infer(self, *xs: TensorType) -> TensorType:
        _same_dtype(self.name, xs)
        if self.floats_only or xs[0].dtype == "bool":
            require_float(self.name, xs[0])
        shape = xs[0].shape
        for index, x in enumerate(xs[1:], 1):
            together = broadcast_shapes(shape, x.shape)
            if together is None:
                _refuse_broadcast(self.name, xs, index)
            shape = together
        return _joined(xs, shape)

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        return (len(inputs) - 1) * product(outputs[0].shape)

    def rehearse(self, act: Act) -> Tensor:
        """One operation after the other, from the left."""
        first, *others = _lined_up(act)
        for index, x in enumerate(others):
            shape = broadcast_shapes(first.shape, x.shape)
            assert shape is not None
            before = first
            first = act.tape.pointwise((first, x), shape, keep=self.keeps, ways=self.ways)  # type: ignore[arg-type]
            if index:
                act.tape.drop(before)
        return first


class Add(Arithmetic):
    """``a + b + ..``, element by element.

    Shape: those that broadcast, to their common shape. Weights: none. MACs: none.
    Source: NumPy `add`, "Broadcasting".
    """

    variadic = True
    keeps = "nothing"
    ways = "pass"


class Subtract(Arithmetic):
    """``a - b``, element by element.

    Shape: those that broadcast, to their common shape. Weights: none. MACs: none.
    Source: NumPy `subtract`, "Broadcasting".
    """

    ports = _PAIR

    def rehearse(self, act: Act) -> Tensor:
        """The first gets the gradient as it is."""
        return act.tape.pointwise(act.given, act.shape, ways=("pass", "new"))


class Multiply(Arithmetic):
    """``a * b * ..``, element by element.

    Shape: those that broadcast, to their common shape. Weights: none. MACs: none.
    Source: NumPy `multiply`, "Broadcasting".
    """

    variadic = True

    def rehearse(self, act: Act) -> Tensor:
        """One product after the other; each factor is kept where the other gets a gradient."""
        first, *others = _lined_up(act)
        for x in others:
            shape = broadcast_shapes(first.shape, x.shape)
            assert shape is not None
            first = multiply(act.tape, (first, x), shape)  # type: ignore[arg-type]
        return first


class Divide(Arithmetic):
    """``a / b``, element by element, of real numbers.

    Shape: those that broadcast, to their common shape. Weights: none. MACs: none.
    Source: NumPy `divide`, "Broadcasting".
    """

    ports = _PAIR
    floats_only = True


class Average(Arithmetic):
    """``(a + b + ..) / n``, element by element, of real numbers.

    Shape: those that broadcast, to their common shape. Weights: none. MACs: none.
    Source: NumPy `mean` over the stacked values, "Broadcasting".
    """

    keeps = "nothing"
    ways = "pass"

    variadic = True
    floats_only = True

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        return len(inputs) * product(outputs[0].shape)

    def rehearse(self, act: Act) -> Tensor:
        """The sum, and its share."""
        return act.tape.pointwise((super().rehearse(act),))


class Maximum(Arithmetic):
    """The greatest value, element by element.

    Shape: those that broadcast, to their common shape. Weights: none. MACs: none.
    Source: NumPy `maximum`, "Broadcasting". Where values are equal, the gradient's share of each
    is a framework's own choice.
    """

    variadic = True


class Minimum(Arithmetic):
    """The least value, element by element.

    Shape: those that broadcast, to their common shape. Weights: none. MACs: none.
    Source: NumPy `minimum`, "Broadcasting". Where values are equal, the gradient's share of each
    is a framework's own choice.
    """

    variadic = True


class MatMul(Layer):
    """The matrix product of the last two dimensions: ``a b``, or ``a b^T`` with ``transpose_b``.

    Shape: ``[.., n, k]`` and ``[.., k, m]`` to ``[.., n, m]``; dimensions in front broadcast.
    Weights: none. MACs: ``n * k * m`` for each pair of matrices.
    Source: NumPy `matmul`.
    """

    ports = _PAIR
    keras = ("Dot",)

    transpose_a: bool = arg(Bool(), "Whether to swap the last two dimensions of `a`.", False)
    transpose_b: bool = arg(Bool(), "Whether to swap the last two dimensions of `b`.", False)

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        _same_dtype(self.name, (a, b))
        require_float(self.name, a)
        for index, x in enumerate((a, b)):
            if x.rank < 2:
                raise LayerError(
                    "MSL302", f"`MatMul` takes matrices, not a value of {x.rank} dimensions",
                    input=index, notes=(f"the value is {x.named()}; the batch is not counted",),
                    help="`Multiply -> Sum(dim=features)` is the product of two vectors",
                )  # fmt: skip
        left, right = _swapped(a, self.transpose_a), _swapped(b, self.transpose_b)
        lead = broadcast_shapes(left.shape[:-2], right.shape[:-2])
        if lead is None or left.shape[-1] != right.shape[-2]:
            raise LayerError(
                "MSL306", f"the product of {a.named()} and {b.named()} does not exist", input=1,
                notes=(_product_note(left, right, lead),),
                help="`transpose_b=true` multiplies by the transpose of the second"
                if lead is not None and left.shape[-1] == right.shape[-1] else "",
            )  # fmt: skip
        front = _joined((_front(a), _front(b)), lead)
        shape = (*lead, left.shape[-2], right.shape[-1])
        return front.with_shape(shape, (*front.axes, left.axes[-2], right.axes[-1]))

    def macs(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        a = inputs[0]
        return product(outputs[0].shape) * a.shape[-2 if self.transpose_a else -1]

    def backward_macs(
        self, inputs: MaybeTypes, outputs: Types, needs: tuple[bool, ...], trained: bool
    ) -> Dim:
        """The product once more for each factor that gets a gradient."""
        return self.macs(inputs, outputs) * sum(needs)

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        return 0

    def rehearse(self, act: Act) -> Tensor:
        """A product of two values."""
        a, b = act.given
        return matmul(act.tape, a, b, act.shape, act.flops)


def _lined_up(act: Act) -> list[Tensor]:
    """The operands, ones behind the batch of those that have fewer dimensions than the result."""
    found = []
    for x, type_ in zip(act.given, act.types):
        missing = len(act.shape) - len(x.shape)
        if type_.batched and missing:
            x = act.tape.view(x, (x.shape[0], *(1,) * missing, *x.shape[1:]))
        found.append(x)
    return found


def _joined(xs: Types, shape: tuple[Dim, ...]) -> TensorType:
    """The type of a result of this shape, its axes called as in the first value with a batch.

    One that says where its channels are goes before a sequence, whose names may be no more than
    those that any input of that rank has.
    """
    xs = tuple(sorted(xs, key=lambda x: x.rank != 2 or x.axes[0] != "channels"))
    batched = tuple(x for x in xs if x.batched)
    axes: Axes = tuple(_common_name(batched or xs, rank) for rank in range(len(shape), 0, -1))
    if batched and len(batched) < len(xs) and None in axes:
        spare = tuple(_common_name(xs, rank) for rank in range(len(shape), 0, -1))
        axes = tuple(name or other for name, other in zip(axes, spare, strict=True))
    return TensorType(shape, xs[0].dtype, axes, bool(batched))


def _common_name(xs: Types, back: int) -> str | None:
    """The name of the axis `back` places from the end: the first that is not stretched."""
    there = [x for x in xs if x.rank >= back]
    full = [x for x in there if x.shape[-back] != 1] or there
    return next((x.axes[-back] for x in full if x.axes[-back]), None)


def _same_dtype(kind: str, xs: Types) -> None:
    for index, x in enumerate(xs):
        if x.dtype != xs[0].dtype:
            raise LayerError(
                "MSL303", f"`{kind}` joins {xs[0].dtype} and {x.dtype}", input=index,
                help="values must have one dtype; an `Embedding` turns integers into real numbers",
            )  # fmt: skip


def _without(x: TensorType, axis: int) -> tuple[Dim, ...]:
    return x.shape[:axis] + x.shape[axis + 1 :]


def _refuse_concat(first: TensorType, x: TensorType, index: int, axis: int) -> None:
    if x.rank != first.rank:
        fault = f"they have {first.rank} and {x.rank} dimensions"
    else:
        where = next(i for i in range(x.rank) if i != axis and x.shape[i] != first.shape[i])
        name = first.axes[where] or f"dimension {where}"
        fault = f"{name} is {first.shape[where]} and {x.shape[where]}"
    along = first.axes[axis] or f"dimension {axis}"
    raise LayerError(
        "MSL306", f"{first.named()} and {x.named()} do not go together along {along}", input=index,
        notes=(f"only {along} may differ: {fault}",),
        help="`Concat(dim=..)` takes another axis",
    )  # fmt: skip


def _refuse_broadcast(kind: str, xs: Types, index: int) -> None:
    x = xs[index]
    other = next(y for y in xs if broadcast_shapes(y.shape, x.shape) is None)
    help = ""
    small, large = sorted((x, other), key=lambda value: value.rank)
    if small.rank == 1 and large.is_image_like and small.shape[0] == large.shape[0]:
        ones = ", ".join(["1"] * (large.rank - 1))
        help = f"`Reshape([{small.shape[0]}, {ones}])` in front stretches it over the other axes"
    elif x.rank == other.rank:
        help = "a `shortcut`, a `Conv2d(n, 1)` or a `Linear` brings one to the other's shape"
    raise LayerError(
        "MSL306", f"`{kind}` cannot join {other.named()} and {x.named()}", input=index,
        notes=("sizes are compared from the end; they must be equal, or one of them 1",),
        help=help,
    )  # fmt: skip


def _swapped(x: TensorType, swap: bool) -> TensorType:
    """The type with its last two axes exchanged, if so asked."""
    if not swap:
        return x
    shape = (*x.shape[:-2], x.shape[-1], x.shape[-2])
    return x.with_shape(shape, (*x.axes[:-2], x.axes[-1], x.axes[-2]))


def _front(x: TensorType) -> TensorType:
    """The type without its last two axes."""
    return x.with_shape(x.shape[:-2], x.axes[:-2])


def _product_note(left: TensorType, right: TensorType, lead: tuple[Dim, ...] | None) -> str:
    if lead is None:
        return "the dimensions in front of the matrices do not broadcast"
    rows = f"[{left.shape[-2]}, {left.shape[-1]}]"
    columns = f"[{right.shape[-2]}, {right.shape[-1]}]"
    return f"{rows} times {columns}: {left.shape[-1]} and {right.shape[-2]} must be equal"
