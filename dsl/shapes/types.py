"""Types of values: a shape without the batch, a dtype, and a name for each axis.

Legend of shape letters in docstrings: B batch, T time (sequence), C channels, D features (model
width), L H W depth, height and width, K classes or vocabulary.
"""

from __future__ import annotations

from dsl.record import Record
from dsl.shapes.dim import Dim, Poly, evaluate

DTYPES = ("float32", "float16", "bfloat16", "int64", "int32", "uint8", "bool")
FLOATS = ("float32", "float16", "bfloat16")
BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "int64": 8, "int32": 4, "uint8": 1, "bool": 1}

IMAGE = ("channels", "height", "width")
VOLUME = ("channels", "depth", "height", "width")
SIGNAL = ("channels", "time")
SEQUENCE = ("time", "features")
VECTOR = ("features",)

AXIS_NAMES = ("features", "time", "channels", "depth", "height", "width", "windows")
"""Names that a spec may call an axis by."""

Axes = tuple[str | None, ...]


class TensorType(Record):
    """The type of a value.

    Attributes:
        shape: Sizes without the batch.
        dtype: One of `DTYPES`.
        axes: A name or None for each dimension.
        batched: False for a learned `Parameter`, which has no batch until it meets a value that
            has one.
    """

    shape: tuple[Dim, ...]
    dtype: str = "float32"
    axes: Axes = ()
    batched: bool = True

    def __post_init__(self) -> None:
        if len(self.axes) != len(self.shape):
            object.__setattr__(self, "axes", default_axes(len(self.shape), self.dtype))

    def __eq__(self, other: object) -> bool:
        return type(other) is TensorType and (
            (self.shape, self.dtype, self.axes, self.batched)
            == (other.shape, other.dtype, other.axes, other.batched)
        )

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype, self.axes, self.batched))

    @property
    def rank(self) -> int:
        """Number of dimensions without the batch."""
        return len(self.shape)

    @property
    def is_float(self) -> bool:
        """Whether the values are real numbers."""
        return self.dtype in FLOATS

    @property
    def is_symbolic(self) -> bool:
        """Whether a dimension holds a symbol."""
        return any(isinstance(dim, Poly) for dim in self.shape)

    @property
    def is_image_like(self) -> bool:
        """Whether the first axis is channels and others follow."""
        return self.rank >= 2 and self.axes[0] == "channels"

    def axis(self, name: str) -> int | None:
        """The position of a named axis."""
        return self.axes.index(name) if name in self.axes else None

    def with_shape(self, shape: tuple[Dim, ...], axes: Axes | None = None) -> TensorType:
        """The same type with another shape, and other axis names unless the rank is the same."""
        kept = self.axes if axes is None and len(shape) == self.rank else axes or ()
        return self.replace(shape=shape, axes=kept)

    def with_dim(self, position: int, size: Dim) -> TensorType:
        """The same type with one dimension of another size."""
        shape = list(self.shape)
        shape[position] = size
        return self.replace(shape=tuple(shape))

    def sized(self, sizes: dict[str, int]) -> TensorType:
        """The type with each symbol at its size."""
        return self.replace(shape=tuple(evaluate(dim, sizes) for dim in self.shape))

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(str(dim) for dim in self.shape)}]"

    def named(self) -> str:
        """The shape with axis names: ``[channels=64, height=28, width=28]``."""
        parts = [
            f"{name}={dim}" if name and str(dim) != name else str(dim)
            for name, dim in zip(self.axes, self.shape)
        ]
        return f"[{', '.join(parts)}]"


def default_axes(rank: int, dtype: str = "float32") -> Axes:
    """The axis names that an input of this rank has."""
    if rank == 1:
        return VECTOR if dtype in FLOATS else ("time",)
    names = {2: SEQUENCE, 3: IMAGE, 4: VOLUME}.get(rank)
    return names if names else (None,) * rank


def broadcast_shapes(left: tuple[Dim, ...], right: tuple[Dim, ...]) -> tuple[Dim, ...] | None:
    """The shape two shapes broadcast to as in NumPy, or None where they do not."""
    shape: list[Dim] = []
    for back in range(1, max(len(left), len(right)) + 1):
        a = left[-back] if back <= len(left) else 1
        b = right[-back] if back <= len(right) else 1
        if a == b or b == 1:
            shape.append(a)
        elif a == 1:
            shape.append(b)
        else:
            return None
    return tuple(reversed(shape))
