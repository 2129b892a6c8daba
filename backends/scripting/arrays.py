"""The arrays of a script: what the data must yield, row by row, for a model and its losses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from backends.pycode.literals import literal
from dsl.ir import CallNode, LayerNode, Model, Node, RepeatNode, Value, children
from dsl.layers.embedding import Embedding
from dsl.shapes.dim import Poly, evaluate
from dsl.shapes.types import TensorType
from dsl.training.losses import class_axis
from dsl.training.plan import Training

BYTE_VALUES = 256


@dataclass(frozen=True, slots=True)
class Array:
    """One named array.

    Attributes:
        bare: Its name.
        type: The type of a row.
        sizes: The size that each symbol of the shape is quoted at.
        limit: For integers, the number of values they may take, from 0; None where it is unknown.
        task: For a target, what it means (`dsl.training.losses.Task`); "" for an input.
        column: For an input, a column of a table that names image files; "" elsewhere.
        picture: Whether it holds images as bytes, made into numbers batch by batch.
        classes: For a target with classes, the place of the class axis in the output's shape.
    """

    bare: str
    type: TensorType
    sizes: dict[str, int]
    limit: int | None = None
    task: str = ""
    picture: bool = False
    column: str = ""
    axis: int = -1

    @property
    def name(self) -> str:
        """The name as Python text."""
        return literal(self.bare)

    @property
    def shape(self) -> str:
        """The shape of a row as Python text, None for a length that the data decides."""
        return literal(tuple(None if isinstance(n, Poly) else int(n) for n in self.type.shape))

    @property
    def dtype(self) -> str:
        """NumPy's dtype as Python text; NumPy has no bfloat16, the framework casts to it."""
        if self.picture:
            return literal("uint8")
        return literal("float32" if self.type.dtype == "bfloat16" else self.type.dtype)

    @property
    def quoted(self) -> tuple[int, ...]:
        """The shape of a row with each symbol at the size that costs are quoted at."""
        return tuple(int(evaluate(size, self.sizes)) for size in self.type.shape)

    @property
    def random(self) -> str:
        """A Python expression that draws `count` rows from `rng`."""
        shape = ", ".join(["count", *map(str, self.quoted)])
        shape = f"({shape})" if self.quoted else shape
        if self.picture:
            return f"rng.integers(0, {BYTE_VALUES}, {shape}, np.uint8)"
        if self.task == "binary":
            return f"rng.integers(0, 2, {shape}).astype(np.float32)"
        if self.task == "distribution":
            return f"softmax(rng.standard_normal({shape}, np.float32), {self.axis + 1})"
        if self.type.is_float:
            cast = "" if self.dtype == '"float32"' else f".astype({self.dtype})"
            return f"rng.standard_normal({shape}, np.float32){cast}"
        return f"rng.integers(0, {self.limit or 2}, {shape}, {self.dtype})"


def input_arrays(model: Model, training: Training) -> tuple[Array, ...]:
    """The arrays that feed the model's inputs, in their order."""
    return tuple(
        Array(
            name,
            value.type,
            model.symbols,
            limit=_limit(model, value),
            picture=_is_picture(name, value.type, training),
            column=_picture_column(name, value.type, training),
        )
        for name, value in zip(model.body.names, model.body.inputs)
    )


def target_arrays(model: Model, training: Training) -> tuple[Array, ...]:
    """The arrays with true values, then masks, each once, without those that are inputs too."""
    outputs = {output.name: output.value.type for output in model.body.outputs}
    found: dict[str, Array] = {}
    for term in training.losses:
        output = outputs[term.output]
        limit, axis = None, -1
        if term.kind.task in ("classes", "distribution"):
            axis = class_axis(output)
            limit = int(evaluate(output.shape[axis], model.symbols))
        type_ = term.target_type or term.kind.target_type(output)
        limit = limit if type_.dtype == "int64" else None
        found.setdefault(
            term.target,
            Array(term.target, type_, model.symbols, limit, task=term.kind.task, axis=axis),
        )
    for term in training.losses:
        if term.mask and term.mask_type is not None:
            found.setdefault(term.mask, Array(term.mask, term.mask_type, model.symbols))
    return tuple(array for name, array in found.items() if name not in model.body.names)


def _is_picture(name: str, type_: TensorType, training: Training) -> bool:
    data = training.data
    if data is None or not type_.is_image_like or type_.rank != 3 or not type_.is_float:
        return False
    return data.kind.name == "ImageFolder" or bool(_picture_column(name, type_, training))


def _picture_column(name: str, type_: TensorType, training: Training) -> str:
    """The one column that names image files: mapped by the spec to an input that is an image."""
    data = training.data
    if data is None or data.kind.name != "CSV" or not type_.is_image_like or type_.rank != 3:
        return ""
    names = data.sources.get(name, ())
    wild = len(names) != 1 or any(sign in names[0] for sign in "*?[")
    return "" if wild or type_.shape == (1, 1, 1) else names[0]


def _limit(model: Model, value: Value) -> int | None:
    """How many values an integer input may take: the rows of the embedding that it goes to."""
    if value.type.is_float:
        return {"bool": 2, "uint8": BYTE_VALUES}.get(value.type.dtype)
    sizes = [
        int(node.layer.num_embeddings)
        for node, origins in _uses(model)
        if isinstance(node.layer, Embedding) and origins and origins[0] is value
    ]
    return min(sizes, default={"bool": 2, "uint8": BYTE_VALUES}.get(value.type.dtype))


def _uses(model: Model) -> Iterator[tuple[LayerNode, tuple[Value | None, ...]]]:
    """Every layer with the model's inputs that reach its own inputs unchanged."""
    origin: dict[Value, Value] = {value: value for value in model.body.inputs}
    stack: list[Node] = list(reversed(model.body.nodes))
    while stack:
        node = stack.pop()
        if isinstance(node, LayerNode):
            yield node, tuple(origin.get(value) if value else None for value in node.inputs)
        elif isinstance(node, CallNode):
            pairs = zip(node.instance.body.inputs, node.inputs)
            origin |= {inner: origin[outer] for inner, outer in pairs if outer in origin}
        elif isinstance(node, RepeatNode) and node.rounds:
            pairs = zip(node.rounds[0].inputs, node.inputs)
            origin |= {inner: origin[outer] for inner, outer in pairs if outer in origin}
        if not isinstance(node, LayerNode):
            stack.extend(reversed([inner for _, nodes, _ in children(node) for inner in nodes]))
