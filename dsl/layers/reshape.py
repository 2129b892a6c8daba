"""The same values in another shape or order.

Dimensions count without the batch. What is "in order" is the order of the meaning, channels first,
the last dimension running fastest, however a backend stores the value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dsl.kinds.kind import KindError, arg
from dsl.kinds.values import (
    Axis,
    AxisName,
    BadValue,
    Int,
    ListOf,
    OneOf,
    Size,
    String,
    ValueType,
)
from dsl.layers.base import Layer, LayerError, MaybeTypes, Types, resolve_axis
from dsl.shapes.dim import Dim, Poly, product, symbols
from dsl.shapes.types import AXIS_NAMES, IMAGE, SEQUENCE, Axes, TensorType, default_axes

if TYPE_CHECKING:
    from dsl.tape.act import Act
    from dsl.tape.tensors import Tensor


class _SizeOrRest(ValueType):
    """A size, or -1."""

    name = "a size from 1 up, or -1 for what is left"

    def coerce(self, value: Any) -> Any:
        if isinstance(value, Poly):
            return value
        if Int(-1).coerce(value) == 0:
            raise BadValue(f"takes {self.name}, not 0")
        return value


class Rearrangement(Layer, abstract=True):
    """A layer that moves values and computes none."""

    def elementwise(self, inputs: MaybeTypes, outputs: Types) -> Dim:
        """Nothing is computed."""
        return 0

    def rehearse(self, act: Act) -> Tensor | tuple[Tensor, ...]:
        """Another view of the same elements."""
        views = tuple(act.tape.view(act.x, shape) for shape in act.shapes)
        return views if len(views) > 1 else views[0]


class Flatten(Rearrangement):
    """One dimension in place of several; all of them unless said otherwise.

    Shape: ``[C, H, W]`` to ``[C * H * W]``; with `start_dim` and `end_dim` only those between.
    Order: channels first, the last dimension running fastest, in both backends.
    Deviation: PyTorch's `start_dim=1` skips the batch, which is not counted here: the default is 0.
    Source: PyTorch `torch.flatten`.
    """

    start_dim: int | AxisName = arg(Axis(), "The first dimension to merge.", 0)
    end_dim: int | AxisName = arg(Axis(), "The last dimension to merge.", -1)

    def span(self, x: TensorType) -> tuple[int, int]:
        """The positions of the first and the last dimension to merge.

        Raises:
            LayerError: MSL302, MSL307, or MSL351 where the last comes first.
        """
        _require_rank(self, x, 1)
        start = resolve_axis(self.start_dim, x, "start_dim")
        end = resolve_axis(self.end_dim, x, "end_dim")
        if end < start:
            raise LayerError(
                "MSL351", f"dimension {end} comes before dimension {start}", arg="end_dim",
                notes=(f"the value is {x.named()}",),
            )  # fmt: skip
        return start, end

    def infer(self, x: TensorType) -> TensorType:
        start, end = self.span(x)
        if start == end:
            return x
        shape = (*x.shape[:start], product(x.shape[start : end + 1]), *x.shape[end + 1 :])
        axes = (*x.axes[:start], None, *x.axes[end + 1 :])
        return x.with_shape(shape, _named(axes, start, x.dtype))

    def rehearse(self, act: Act) -> Tensor:
        """A view, or a copy where axes are in other places."""
        return act.tape.dense(act.x, act.shape)


class Reshape(Rearrangement):
    """The same values in order, in another shape.

    Shape: to `shape`, which has as many values; one size may be -1, for what is left.
    Axes: those that an input of the new rank has, unless `axes` names them.
    Source: NumPy `reshape` (order C), PyTorch `torch.reshape`.
    """

    shape: tuple[Dim, ...] = arg(
        ListOf(_SizeOrRest()), "The new sizes without the batch.", keras=("target_shape",)
    )
    axes: tuple[str, ...] | None = arg(
        ListOf(String(*AXIS_NAMES)), "Names of the new dimensions.", None, keyword=True
    )

    def check(self) -> None:
        if sum(_is_rest(size) for size in self.shape) > 1:
            raise KindError("only one size can be -1", "shape", "write the others out")
        if self.axes is None:
            return
        if len(self.axes) != len(self.shape):
            raise KindError(f"{len(self.shape)} sizes have {len(self.axes)} names", "axes")
        if len(set(self.axes)) != len(self.axes):
            raise KindError("an axis name stands twice", "axes")

    def infer(self, x: TensorType) -> TensorType:
        total = product(x.shape)
        rest = product(tuple(size for size in self.shape if not _is_rest(size)))
        left = quotient(total, rest)
        if left is None or (left != 1 and not any(map(_is_rest, self.shape))):
            wanted = " * ".join(map(str, self.shape)) or "1"
            raise LayerError(
                "MSL310", f"{total} values do not fill [{', '.join(map(str, self.shape))}]",
                arg="shape", notes=(f"the value is {x.named()}: {total} values", f"{wanted} = "
                f"{rest}" if rest == product(self.shape) else f"{total} / {rest} is not whole"),
            )  # fmt: skip
        shape = tuple(left if _is_rest(size) else size for size in self.shape)
        _require_computable(shape, x, "shape")
        return x.replace(shape=shape, axes=self.axes or default_axes(len(shape), x.dtype))

    def rehearse(self, act: Act) -> Tensor:
        """A view, or a copy where axes are in other places."""
        return act.tape.dense(act.x, act.shape)


class Unflatten(Rearrangement):
    """Several dimensions in place of one, the last running fastest; undoes `Flatten`.

    Shape: `unflattened_size` in place of `dim`, as many values; one size may be -1, for what is
    left. ``Unflatten(features, [heads, -1])`` makes ``[time, heads, features / heads]`` of
    ``[time, features]``.
    Axes: the last part of `features` keeps that name; other parts have none.
    Source: PyTorch `nn.Unflatten`.
    """

    dim: int | AxisName = arg(Axis(), "The dimension to divide: a number or a name.")
    unflattened_size: tuple[int, ...] = arg(
        ListOf(_SizeOrRest(), least=1), "The sizes of its parts."
    )

    def check(self) -> None:
        if sum(map(_is_rest, self.unflattened_size)) > 1:
            raise KindError("only one size can be -1", "unflattened_size", "write the others out")

    def parts(self, x: TensorType) -> tuple[int, tuple[Dim, ...]]:
        """The position of the dimension, and the sizes in its place.

        Raises:
            LayerError: MSL307, or MSL310 where the sizes do not multiply to the dimension's.
        """
        at = resolve_axis(self.dim, x)
        sizes = self.unflattened_size
        left = quotient(x.shape[at], product(tuple(size for size in sizes if not _is_rest(size))))
        if left is None or (left != 1 and not any(map(_is_rest, sizes))):
            raise LayerError(
                "MSL310", f"{x.shape[at]} values are not {' * '.join(map(str, sizes))}",
                arg="unflattened_size", notes=(f"the value is {x.named()}",),
            )  # fmt: skip
        return at, tuple(left if _is_rest(size) else size for size in sizes)

    def infer(self, x: TensorType) -> TensorType:
        at, sizes = self.parts(x)
        names = (None,) * (len(sizes) - 1) + (x.axes[at] if x.axes[at] == "features" else None,)
        shape = (*x.shape[:at], *sizes, *x.shape[at + 1 :])
        return x.replace(shape=shape, axes=(*x.axes[:at], *names, *x.axes[at + 1 :]))


class Permute(Rearrangement):
    """The dimensions in another order; their names move along.

    Shape: dimension i of the result is dimension ``dims[i]`` of the input.
    Deviation: Keras counts from 1, PyTorch with the batch; here from 0 without it.
    Source: PyTorch `torch.permute`.
    """

    dims: tuple[int | AxisName, ...] = arg(
        ListOf(Axis()), "The old dimensions in their new order: numbers or names."
    )

    def order(self, x: TensorType) -> tuple[int, ...]:
        """The old position of each dimension of the result.

        Raises:
            LayerError: MSL307, or MSL352 where a dimension is missing or twice there.
        """
        order = tuple(resolve_axis(dim, x, "dims") for dim in self.dims)
        if sorted(order) != list(range(x.rank)):
            raise LayerError(
                "MSL352", f"`dims` must name each of the {x.rank} dimensions once", arg="dims",
                notes=(f"the value is {x.named()}; the batch is not counted",),
            )  # fmt: skip
        return order

    def infer(self, x: TensorType) -> TensorType:
        order = self.order(x)
        shape, axes = (tuple(values[i] for i in order) for values in (x.shape, x.axes))
        return x.replace(shape=shape, axes=axes)

    def rehearse(self, act: Act) -> Tensor:
        """A view with axes in other places."""
        return act.tape.view(act.x, act.shape, turned=True)


class Transpose(Rearrangement):
    """Two dimensions swapped; their names move along.

    Shape: as the input, with dimensions `dim0` and `dim1` exchanged.
    Source: PyTorch `torch.transpose`.
    """

    dim0: int | AxisName = arg(Axis(), "One dimension.")
    dim1: int | AxisName = arg(Axis(), "The other.")

    def order(self, x: TensorType) -> tuple[int, ...]:
        """The old position of each dimension of the result."""
        order = list(range(x.rank))
        a, b = resolve_axis(self.dim0, x, "dim0"), resolve_axis(self.dim1, x, "dim1")
        order[a], order[b] = b, a
        return tuple(order)

    def infer(self, x: TensorType) -> TensorType:
        order = self.order(x)
        shape, axes = (tuple(values[i] for i in order) for values in (x.shape, x.axes))
        return x.replace(shape=shape, axes=axes)

    def rehearse(self, act: Act) -> Tensor:
        """A view with axes in other places."""
        return act.tape.view(act.x, act.shape, turned=True)


class ToSequence(Rearrangement):
    """The pixels of an image as a sequence, row by row; the channels become the features.

    Shape: ``[C, H, W]`` to ``[H * W, C]``, ``[C, L, H, W]`` to ``[L * H * W, C]``,
    ``[C, time]`` to ``[time, C]``.
    Source: Dosovitskiy et al. 2020 (ViT), section 3.1, where patches are read row by row.
    """

    def infer(self, x: TensorType) -> TensorType:
        if not x.is_image_like:
            swap = " `Transpose(0, 1)` swaps the dimensions of a sequence" if x.rank == 2 else ""
            raise LayerError(
                "MSL302", f"`ToSequence` reads channels first, and the value is {x.named()}",
                input=0, help=f"it takes images, volumes and signals, such as a convolution makes;"
                f"{swap}".rstrip(";"),
            )  # fmt: skip
        return x.replace(shape=(product(x.shape[1:]), x.shape[0]), axes=SEQUENCE)

    def rehearse(self, act: Act) -> Tensor:
        """A view with axes in other places."""
        return act.tape.view(act.tape.dense(act.x), act.shape, turned=True)


class ToImage(Rearrangement):
    """A sequence laid out as an image, row by row; the features become the channels.

    ``y[c, i, j] = x[i * width + j, c]``; undoes `ToSequence`.

    Shape: ``[height * width, C]`` to ``[C, height, width]``.
    Source: Dosovitskiy et al., An image is worth 16x16 words (2021), section 3.1, read backwards;
    NumPy `reshape` and `transpose`.
    """

    height: Dim = arg(Size(), "Rows.")
    width: Dim = arg(Size(), "Columns.")

    def infer(self, x: TensorType) -> TensorType:
        if x.rank != 2 or x.is_image_like:
            raise LayerError(
                "MSL302", f"`ToImage` lays out a sequence [time, features], not {x.named()}",
                input=0,
            )  # fmt: skip
        pixels = self.height * self.width
        if x.shape[0] != pixels:
            raise LayerError(
                "MSL310", f"{x.shape[0]} positions do not fill {self.height} x {self.width} pixels",
                notes=(f"{self.height} * {self.width} = {pixels}", f"the value is {x.named()}"),
            )  # fmt: skip
        shape = (x.shape[1], self.height, self.width)
        _require_computable(shape, x, "height")
        return x.replace(shape=shape, axes=IMAGE)

    def rehearse(self, act: Act) -> Tensor:
        """A view with axes in other places."""
        return act.tape.view(act.x, act.shape, turned=True)


class Roll(Rearrangement):
    """Values moved along a dimension; what leaves at one end comes in at the other.

    ``y[(i + shift) mod size] = x[i]``, in each of the dimensions.

    Shape: any, kept.
    Source: PyTorch `torch.roll`, NumPy `roll`.
    """

    shifts: int | tuple[int, ...] = arg(
        OneOf(Int(), ListOf(Int(), least=1)),
        "How far to move: towards the end, negative ones towards the start.",
        keras=("shift",),
    )
    dims: int | AxisName | tuple[int | AxisName, ...] = arg(
        OneOf(Axis(), ListOf(Axis(), least=1)),
        "The dimension, or one for each shift: numbers or names.",
        keras=("axis",),
    )

    def check(self) -> None:
        if len(self.moves) != len(_listed(self.dims)):
            raise KindError(
                f"{len(self.moves)} shifts do not go with {len(_listed(self.dims))} dimensions",
                "dims",
                "give a list of as many",
            )

    @property
    def moves(self) -> tuple[int, ...]:
        """The shift of each dimension."""
        return _listed(self.shifts)

    def positions(self, x: TensorType) -> tuple[int, ...]:
        """The dimensions to move along.

        Raises:
            LayerError: MSL307, or MSL352 where one stands there twice.
        """
        found = tuple(resolve_axis(dim, x, "dims") for dim in _listed(self.dims))
        if len(set(found)) < len(found):
            raise LayerError(
                "MSL352", "`dims` names a dimension twice", arg="dims",
                notes=(f"the value is {x.named()}; the batch is not counted",),
            )  # fmt: skip
        return found

    def infer(self, x: TensorType) -> TensorType:
        self.positions(x)
        return x

    def rehearse(self, act: Act) -> Tensor:
        """Written out anew, forward and backward."""
        return act.tape.run("copy", (act.x,), act.shape, real=act.x.real)


class Unsqueeze(Rearrangement):
    """A new dimension of size 1.

    Shape: `dim` is its position in the result; negative ones count from the end.
    Source: PyTorch `torch.unsqueeze`.
    """

    dim: int = arg(Int(), "Where the new dimension stands in the result.", keras=("axis",))

    def position(self, x: TensorType) -> int:
        """The position of the new dimension in the result.

        Raises:
            LayerError: MSL307.
        """
        if not -x.rank - 1 <= self.dim <= x.rank:
            raise LayerError(
                "MSL307", f"there is no place {self.dim} for a dimension beside {x.rank} others",
                arg="dim", notes=(f"the value is {x.named()}; the batch is not counted",),
            )  # fmt: skip
        return self.dim + x.rank + 1 if self.dim < 0 else self.dim

    def infer(self, x: TensorType) -> TensorType:
        at = self.position(x)
        shape = (*x.shape[:at], 1, *x.shape[at:])
        usual = default_axes(x.rank + 1, x.dtype)
        fits = (*usual[:at], *usual[at + 1 :]) == x.axes
        axes = usual if fits else (*x.axes[:at], None, *x.axes[at:])
        return x.replace(shape=shape, axes=axes)


class Squeeze(Rearrangement):
    """A dimension of size 1 left out.

    Shape: as the input without `dim`.
    Deviation: PyTorch leaves a dimension of another size alone; here it is an error.
    Source: PyTorch `torch.squeeze`.
    """

    dim: int | AxisName = arg(Axis(), "The dimension to leave out.", keras=("axis",))

    def infer(self, x: TensorType) -> TensorType:
        at = resolve_axis(self.dim, x)
        if x.shape[at] != 1:
            raise LayerError(
                "MSL310", f"dimension {self.dim} has the size {x.shape[at]}, and only a size of 1 "
                "can be left out", arg="dim", notes=(f"the value is {x.named()}",),
                help=f"`Select(0, dim={self.dim})` takes the first",
            )  # fmt: skip
        return without_dim(x, at)


def without_dim(x: TensorType, at: int) -> TensorType:
    """The type without one dimension; the names of the others stay."""
    shape, axes = (values[:at] + values[at + 1 :] for values in (x.shape, x.axes))
    return x.replace(shape=shape, axes=axes)


def sized_by(x: TensorType) -> dict[str, int]:
    """The dimension that each symbol of a value can be read from when the model runs."""
    found: dict[str, int] = {}
    for position, dim in enumerate(x.shape):
        names = symbols(dim)
        if len(names) == 1 and str(dim) in names:
            found.setdefault(names.pop(), position)
    return found


def _require_rank(layer: Layer, x: TensorType, least: int) -> None:
    if x.rank < least:
        raise LayerError(
            "MSL302", f"`{layer.name}` needs at least {least} dimension, and a scalar has none",
            input=0,
        )  # fmt: skip


def require_readable(shape: tuple[Dim, ...], x: TensorType, arg: str) -> None:
    """Refuses sizes that the running model could not read off the value.

    Raises:
        LayerError: MSL309.
    """
    for dim in shape:
        if isinstance(dim, Poly) and not symbols(dim) <= sized_by(x).keys():
            raise LayerError(
                "MSL309", f"the size `{dim}` cannot be read off {x.named()} when the model runs",
                arg=arg, help="keep dimensions of open size as they are, or give them numbers",
            )  # fmt: skip


def _require_computable(shape: tuple[Dim, ...], x: TensorType, arg: str) -> None:
    """Refuses several open sizes unless all can be read off; a single one is what is left."""
    if sum(isinstance(dim, Poly) for dim in shape) > 1:
        require_readable(shape, x, arg)


def _listed(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _is_rest(size: Dim) -> bool:
    return not isinstance(size, Poly) and size == -1


def _named(axes: Axes, at: int, dtype: str) -> Axes:
    """The axes with a name for the merged one at `at`, where it plays a usual part."""
    usual = default_axes(len(axes), dtype)
    if len(axes) == 2 and axes[0] == "channels":
        usual = ("channels", "time")
    elif at == len(axes) - 1 and len(axes) > 2:
        usual = (*axes[:-1], "features")
    name = usual[at]
    others = (*axes[:at], *axes[at + 1 :])
    fits = others == (*usual[:at], *usual[at + 1 :]) and name not in others
    return (*axes[:at], name if fits else None, *axes[at + 1 :])


def quotient(total: Dim, divisor: Dim) -> Dim | None:
    """``total / divisor`` where it comes out even, else None; the divisor is one product."""
    if not isinstance(total, Poly) and not isinstance(divisor, Poly):
        return None if total % divisor else total // divisor
    factors = dict(divisor.terms) if isinstance(divisor, Poly) else {(): divisor}
    if len(factors) != 1 or not isinstance(total, Poly):
        return 1 if total == divisor else None
    ((monomial, factor),) = factors.items()
    terms = {}
    for atoms, count in total.terms.items():
        left = list(atoms)
        for atom in monomial:
            if atom not in left:
                return 1 if total == divisor else None
            left.remove(atom)
        if count % factor:
            return None
        terms[tuple(left)] = count // factor
    return Poly(terms) * 1
