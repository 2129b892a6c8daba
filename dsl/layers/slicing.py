"""Parts of a value: one index, a stretch, or several parts side by side.

Dimensions count without the batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsl.kinds.kind import arg
from dsl.kinds.values import Axis, AxisName, Int, ListOf, OneOf
from dsl.layers.base import LayerError, Port, Types, resolve_axis
from dsl.layers.reshape import Rearrangement, quotient, without_dim
from dsl.shapes.dim import Dim, Poly
from dsl.shapes.types import TensorType

if TYPE_CHECKING:
    from dsl.tape.act import Act
    from dsl.tape.tensors import Tensor


class Select(Rearrangement):
    """One index of a dimension, which then is gone.

    Shape: as the input without `dim`.
    Deviation: PyTorch's function takes the dimension first.
    Source: PyTorch `torch.select`.
    """

    index: int = arg(Int(), "The index from 0; negative ones count from the end.")
    dim: int | AxisName = arg(Axis(), "The dimension: a number or a name.", keras=("axis",))

    def infer(self, x: TensorType) -> TensorType:
        at = resolve_axis(self.dim, x)
        size = x.shape[at]
        if not isinstance(size, Poly) and not -size <= self.index < size:
            raise LayerError(
                "MSL311", f"there is no index {self.index} in a dimension of {size}", arg="index",
                notes=(f"the value is {x.named()}; indices run from 0 to {size - 1}",),
            )  # fmt: skip
        return without_dim(x, at)

    def rehearse(self, act: Act) -> Tensor:
        """A view of a part; its gradient is as large as the whole."""
        return act.tape.parts(act.x, act.shapes)[0]


class Slice(Rearrangement):
    """A stretch of a dimension: from `start` to before `stop`, each `step`.

    Shape: as the input, `dim` having ``ceil((stop - start) / step)``.
    Deviation: Python cuts a bound beyond the end off in silence; here it is an error.
    Source: Python's slices.
    """

    start: int = arg(Int(), "The first index; negative ones count from the end.", 0)
    stop: int | None = arg(Int(), "The index after the last; the end if not given.", None)
    step: int = arg(Int(1), "Distance between the indices.", 1)
    dim: int | AxisName = arg(Axis(), "The dimension: a number or a name.", keras=("axis",))

    def infer(self, x: TensorType) -> TensorType:
        at = resolve_axis(self.dim, x)
        size = x.shape[at]
        start = self._bound(self.start, size, "start", x)
        stop = size if self.stop is None else self._bound(self.stop, size, "stop", x)
        length = (stop - start + self.step - 1) // self.step
        if not isinstance(length, Poly) and length < 1:
            raise LayerError(
                "MSL311", f"nothing lies from {start} to before {stop}", arg="stop",
                notes=(f"the value is {x.named()}",),
            )  # fmt: skip
        return x.with_dim(at, length)

    def _bound(self, index: int, size: Dim, arg: str, x: TensorType) -> Dim:
        position = size + index if index < 0 else index
        inside = isinstance(position, Poly) or isinstance(size, Poly) or 0 <= position <= size
        if not inside:
            raise LayerError(
                "MSL311", f"`{arg}` is {index}, and the dimension has {size}", arg=arg,
                notes=(f"the value is {x.named()}",),
            )  # fmt: skip
        return position

    def rehearse(self, act: Act) -> Tensor:
        """A view of a part; its gradient is as large as the whole."""
        return act.tape.parts(act.x, act.shapes)[0]


class Gather(Rearrangement):
    """Values at given positions of a dimension: ``y[.., i, ..] = x[.., index[i], ..]``.

    ``(x, positions) -> Gather(dim=time)``. A sample takes its own positions from its own values;
    a table or positions without a batch, such as a `Parameter`, serve all samples.

    Shape: as `x`, the dimensions of `index` in place of `dim`: ``[time, features]`` with
    positions ``[n]`` gives ``[n, features]``, with a single one ``[]`` gives ``[features]``.
    A position outside ``0..size - 1`` is an error when the model runs.
    Source: NumPy `take`, sample by sample.
    """

    ports = (Port("x"), Port("index"))

    dim: int | AxisName = arg(Axis(), "The dimension: a number or a name.", keras=("axis",))

    def infer(self, x: TensorType, index: TensorType) -> TensorType:
        if index.dtype not in ("int64", "int32"):
            raise LayerError(
                "MSL303", f"positions are integers, not {index.dtype}", input=1,
                help="declare them as int64",
            )  # fmt: skip
        if x.batched and index.batched and index.rank > 1:
            raise LayerError(
                "MSL302", f"a sample has one list of positions, not {index.named()}", input=1,
                help="`Flatten` them first and `Reshape` what is picked",
            )  # fmt: skip
        at = resolve_axis(self.dim, x)
        rest = (*x.axes[:at], *x.axes[at + 1 :])
        names = tuple(None if name in rest else name for name in index.axes)
        return x.replace(
            shape=(*x.shape[:at], *index.shape, *x.shape[at + 1 :]),
            axes=(*x.axes[:at], *names, *x.axes[at + 1 :]),
            batched=x.batched or index.batched,
        )

    def rehearse(self, act: Act) -> Tensor:
        """A look-up that keeps the positions."""
        x, index = act.given
        return act.tape.run("lookup", (x,), act.shape, keep=(index,))


class Split(Rearrangement):
    """Several parts of a dimension: equal ones, or of given sizes.

    Shape: each part as the input, `dim` having its size. ``a, b = Split(2, dim=channels)``.
    Deviation: an int is the number of parts, as in NumPy's `split`; in PyTorch it is their size.
    Source: NumPy `split`.
    """

    results = ("parts",)

    sizes: int | tuple[int, ...] = arg(
        OneOf(Int(1), ListOf(Int(1), least=1)),
        "The number of equal parts, or the size of each.",
        keras=("num_or_size_splits", "indices_or_sections"),
    )
    dim: int | AxisName = arg(Axis(), "The dimension: a number or a name.", keras=("axis",))

    def infer(self, x: TensorType) -> Types:
        at = resolve_axis(self.dim, x)
        return tuple(x.with_dim(at, size) for size in self._parts(x.shape[at], x))

    def _parts(self, size: Dim, x: TensorType) -> tuple[Dim, ...]:
        if not isinstance(self.sizes, tuple):
            part = quotient(size, self.sizes)
            if part is None:
                raise LayerError(
                    "MSL308", f"{size} cannot be split into {self.sizes} equal parts", arg="sizes",
                    notes=(f"the value is {x.named()}",), help="or give a list of sizes",
                )  # fmt: skip
            return (part,) * self.sizes
        if sum(self.sizes) != size:
            raise LayerError(
                "MSL310", f"the parts make {sum(self.sizes)}, and the dimension has {size}",
                arg="sizes", notes=(f"{' + '.join(map(str, self.sizes))} = {sum(self.sizes)}",
                f"the value is {x.named()}"),
            )  # fmt: skip
        return self.sizes

    def rehearse(self, act: Act) -> tuple[Tensor, ...]:
        """Views of all parts, whose gradients are put together."""
        return act.tape.parts(act.x, act.shapes)
