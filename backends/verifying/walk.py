"""A model's layers in the order in which they run, and what each of them is given and gives.

The graph of a block stands for all of its uses, and one round of a repeat for all that are like it.
Here every use and every round is met by itself, and each value of each of them is a `Slot`.
Structures are unfolded by nested generators, as deep as blocks are nested; sequences by loops.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from dsl.ir import (
    CallNode,
    Group,
    LayerNode,
    Model,
    Node,
    RepeatNode,
    SharedNode,
    Value,
    WhenNode,
    join,
)
from dsl.shapes.types import TensorType


@dataclass(eq=False)
class Slot:
    """One value of one run.

    Attributes:
        type: Its type, symbols at their sizes.
        array: What the reference makes of it, None where that is unknown.
        path: The layer that gave it, "" for an input.
    """

    type: TensorType
    path: str = ""
    array: Any = None


@dataclass(eq=False)
class Step:
    """A layer, or a block as a whole, that ran.

    Attributes:
        path: Its dotted path.
        node: The layer or the block at work.
        inputs: A slot for each port, None for an optional one not given.
        outputs: A slot for each result.
        use: How often the path had run before.
        tied: Path of the layer whose weight it uses, None where it has its own.
    """

    path: str
    node: LayerNode | CallNode
    inputs: tuple[Slot | None, ...]
    outputs: tuple[Slot, ...]
    use: int
    tied: str | None = None

    @property
    def is_layer(self) -> bool:
        """Whether it is a layer, not a block."""
        return isinstance(self.node, LayerNode)


@dataclass
class Walk:
    """One run through a model.

    Args:
        model: The model.
        sizes: The size of each symbol.
        inputs: Arrays of the inputs by name, where values are wanted.

    Attributes:
        outputs: After the run, the slots of the outputs by name.
    """

    model: Model
    sizes: dict[str, int]
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Slot] = field(default_factory=dict)
    _values: dict[Value, Slot] = field(default_factory=dict)
    _uses: dict[str, int] = field(default_factory=dict)
    _shared: dict[SharedNode, str] = field(default_factory=dict)
    _turns: list[tuple[str, str]] = field(default_factory=list)

    def steps(self) -> Iterator[Step]:
        """Every layer that runs, and every block after its layers.

        Whoever takes a layer's step fills in its outputs before taking the next one.
        """
        body = self.model.body
        for name, value in zip(body.names, body.inputs):
            self._values[value] = Slot(self._type(value), "", self.inputs.get(name))
        yield from self._nodes(body.nodes, "", "")
        self.outputs = {output.name: self._values[output.value] for output in body.outputs}

    def _nodes(self, nodes: tuple[Node, ...], prefix: str, root: str) -> Iterator[Step]:
        for node in nodes:
            if isinstance(node, SharedNode):
                self._shared[node] = join(prefix, node.name)
            elif isinstance(node, LayerNode):
                yield self._layer(node, self._path(node, prefix), root)
            elif isinstance(node, CallNode):
                yield from self._call(node, self._path(node, prefix))
            elif isinstance(node, RepeatNode):
                yield from self._rounds(node, join(prefix, node.name), root)
            elif isinstance(node, Group):
                yield from self._nodes(node.nodes, join(prefix, node.name), root)
            else:
                yield from self._choice(node, prefix, root)

    def _path(self, node: LayerNode | CallNode, prefix: str) -> str:
        if node.shared is None:
            return join(prefix, node.name)
        return self._shared.get(node.shared, node.shared.name)

    def _layer(self, node: LayerNode, path: str, root: str) -> Step:
        inputs = tuple(None if value is None else self._values[value] for value in node.inputs)
        outputs = tuple(Slot(self._type(value), path) for value in node.outputs)
        self._values.update(zip(node.outputs, outputs))
        tied = None if node.tied is None else self._turned(join(root, node.tied))
        return Step(path, node, inputs, outputs, self._next_use(path), tied)

    def _turned(self, path: str) -> str:
        """A path with the rounds that are going on in place of those that stand for them."""
        for standing, going in self._turns:
            if path.startswith(f"{standing}."):
                path = going + path.removeprefix(standing)
        return path

    def _call(self, node: CallNode, path: str) -> Iterator[Step]:
        body, use = node.instance.body, self._next_use(path)
        inputs = tuple(self._values[value] for value in node.inputs)
        self._bind(body.inputs, node.inputs)
        yield from self._nodes(body.nodes, path, path)
        self._bind(node.outputs, tuple(output.value for output in body.outputs))
        outputs = tuple(self._values[value] for value in node.outputs)
        yield Step(path, node, inputs, outputs, use)

    def _rounds(self, node: RepeatNode, path: str, root: str) -> Iterator[Step]:
        current = node.inputs
        for part in node.rounds:
            for number in range(part.start, part.start + part.count):
                self._bind(part.inputs, current)
                here = join(path, str(number))
                self._turns.append((join(path, str(part.start)), here))
                yield from self._nodes(part.nodes, here, root)
                self._turns.pop()
                current = part.outputs
        self._bind(node.outputs, current)

    def _choice(self, node: WhenNode, prefix: str, root: str) -> Iterator[Step]:
        yield from self._nodes(node.nodes, prefix, root)
        self._bind(node.outputs, node.results)

    def _bind(self, names: tuple[Value, ...], values: tuple[Value, ...]) -> None:
        """Lets values stand for others, all at once."""
        self._values.update(zip(names, [self._values[value] for value in values]))

    def _next_use(self, path: str) -> int:
        use = self._uses.get(path, 0)
        self._uses[path] = use + 1
        return use

    def _type(self, value: Value) -> TensorType:
        return value.type.sized(self.sizes)
