"""The intermediate representation: what a model is, with the structure its author gave it.

A `Body` is a graph in single-assignment form. Blocks keep bodies of their own, a repeat keeps its
rounds, groups and branches stay visible, so that code can be written the way the spec was. Every
value carries its type; everything else that analyses find out lies in side tables keyed by path.

Paths are dotted names (``stage_2.bottleneck.conv2d``). `walk` lists layers with their paths,
innermost structures unfolded, without recursion.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Union

from dsl.layers.base import Layer, Weight
from dsl.record import Record, field
from dsl.shapes.trace import Operand
from dsl.shapes.types import TensorType
from dsl.source import Span


class Value(Record, eq=False):
    """The result of a node, or an input; identity is equality.

    Attributes:
        type: Its type.
        hint: The author's name for it, if it has one.
    """

    type: TensorType
    hint: str = ""


class LayerNode(Record, eq=False):
    """A layer at work.

    Attributes:
        name: Its name within the enclosing group or body; "" where the enclosing level already
            bears its name (a repeat of one layer).
        layer: The kind with its arguments.
        inputs: A value for each port, None for an optional one not given.
        outputs: A value for each result.
        span: Where it was written.
        comments: Comments to keep in generated code.
        shared: The declaration whose weights it uses, if it is one of several uses.
        tied: Path, from the model, of the layer whose weight it uses.
        given: Name of the ``layer`` argument that it was made from, "" for a layer by its kind.
    """

    name: str
    layer: Layer
    inputs: tuple[Value | None, ...]
    outputs: tuple[Value, ...]
    span: Span
    comments: tuple[str, ...] = ()
    shared: SharedNode | None = None
    tied: str | None = None
    given: str = ""

    @property
    def types(self) -> tuple[TensorType | None, ...]:
        """Types of the inputs."""
        return tuple(value and value.type for value in self.inputs)

    @property
    def weights(self) -> tuple[Weight, ...]:
        """The tensors it applies."""
        return self.layer.weights(*self.types)


class CallNode(Record, eq=False):
    """A block applied.

    Attributes:
        name, span, comments, shared: As of a layer.
        instance: The block with its arguments on these input types.
        args: The arguments, traced in the caller's scope, by parameter.
        inputs, outputs: Values of the caller.
    """

    name: str
    instance: Instance
    args: dict[str, Any]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    span: Span
    comments: tuple[str, ...] = ()
    shared: SharedNode | None = None


class SharedNode(Record, frozen=False, eq=False):
    """``shared name = Kind(...)``: weights that later nodes apply; it has no values itself.

    Attributes:
        name: Its name, and the last level of the keys of its weights.
        path: Its path from the enclosing model or block.
        uses: The nodes that apply it; weights are counted at the first.
    """

    name: str
    span: Span
    path: str = ""
    uses: list[LayerNode | CallNode] = field(default_factory=list)
    comments: tuple[str, ...] = ()


class Group(Record, eq=False):
    """Nodes under a common name: a named chain, a named residual, a shortcut, a branch.

    Attributes:
        name: The level it adds to paths.
        nodes: They use values of the enclosing body freely.
        kind: ``chain residual shortcut parallel branch``.
        inputs: What its first nodes were given (empty where that is nothing).
        outputs: What it hands on.
    """

    name: str
    nodes: tuple[Node, ...]
    kind: str
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    span: Span
    comments: tuple[str, ...] = ()


class WhenNode(Record, eq=False):
    """A choice made at compile time; it adds no level.

    Attributes:
        condition: Its formula in the enclosing scope, or the plain truth value.
        taken: Whether `then` was elaborated (else `otherwise`).
        nodes: The nodes of the branch taken.
        inputs: The current values before it.
        results: The current values at the end of the branch taken.
        outputs: Fresh values for the results, the same whichever branch is taken.
    """

    condition: Operand
    taken: bool
    nodes: tuple[Node, ...]
    inputs: tuple[Value, ...]
    results: tuple[Value, ...]
    outputs: tuple[Value, ...]
    span: Span
    comments: tuple[str, ...] = ()


class Round(Record, eq=False):
    """One distinct round of a repeat, standing for `count` equal ones in a row.

    Attributes:
        start: Index of the first round it stands for.
        count: How many.
        bindings: The names after ``as`` with their plain values.
        carried: For each input dimension that changes from round to round, the local name that
            carries it and the formula of its next value: ``{(input, axis): (name, next)}`` (only
            where code is to be written).
        inputs: What the round is given.
        nodes: They may use values of the enclosing bodies.
        outputs: What it hands to the next round.
    """

    start: int
    count: int
    bindings: dict[str, Any]
    inputs: tuple[Value, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[Value, ...]
    carried: dict[tuple[int, int], tuple[str, Operand]] = field(default_factory=dict)


class RepeatNode(Record, eq=False):
    """``repeat n as i { ... }``.

    Attributes:
        name: The level it adds; below it each round adds its index.
        times: The number of rounds, traced in the enclosing scope.
        rows: For ``repeat rows as ...`` the list, traced; else None.
        names: The names after ``as``.
        indexed: Whether the first of them, over rows, counts the rounds.
        exits: What each size that the rounds carry is behind them, in terms known outside; None
            where there are none (only where code is to be written).
        rounds: Distinct rounds in order; empty for none.
        inputs: The values before it.
        outputs: The values after it.
    """

    name: str
    times: Any
    rows: Any
    names: tuple[str, ...]
    rounds: tuple[Round, ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    span: Span
    comments: tuple[str, ...] = ()
    indexed: bool = False
    exits: dict[str, Operand] = field(default_factory=dict)


Node = Union[LayerNode, CallNode, SharedNode, Group, WhenNode, RepeatNode]


class Output(Record, eq=False):
    """A result of a model or block."""

    name: str
    value: Value
    span: Span


class Body(Record, eq=False):
    """The graph of a model or block.

    Attributes:
        inputs: Declared inputs, or the one that is implied.
        names: A name for each input.
        nodes: In order of computation.
        outputs: At least one; a block that declares none has one called "output".
    """

    inputs: tuple[Value, ...]
    names: tuple[str, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[Output, ...]


class Instance(Record, eq=False):
    """A block with arguments, elaborated for given input types.

    Attributes:
        block: Its name.
        decl: Its declaration in the syntax tree; instances of one declaration become one class.
        args: Plain argument values by parameter, defaults included.
        body: Its graph; sizes are traced in the names of the block's own parameters and of
            `sizes`.
        sizes: The names that stand for sizes of the inputs, with their plain values.
        results: Types of the outputs, traced in the parameters and `sizes` alone.
        scope: The names of the file that declares it.
    """

    block: str
    decl: Any
    args: dict[str, Any]
    body: Body
    sizes: dict[str, int]
    results: tuple[TensorType, ...]
    scope: Any = None


class Model(Record, eq=False):
    """An elaborated model.

    Attributes:
        name: Of the model, or of the variant asked for.
        base: Of the model declaration.
        args: Plain argument values by parameter.
        symbols: Declared symbols with the size that costs are quoted at.
        constants: File-level lets and params that traced sizes mention, by name.
        declared: The statements that declare these.
    """

    name: str
    base: str
    decl: Any
    args: dict[str, Any]
    body: Body
    symbols: dict[str, int]
    constants: dict[str, Any] = field(default_factory=dict)
    declared: dict[str, Any] = field(default_factory=dict)


class Visit(Record):
    """A layer met on a walk.

    Attributes:
        path: Its dotted path; equal rounds of a repeat are met once, as ``0..5``.
        node: The layer at work.
        times: How often it runs in one forward pass.
        owners: How many copies of its weights there are: none where they were met before.
    """

    path: str
    node: LayerNode
    times: int
    owners: int


def join(prefix: str, name: str) -> str:
    """A path with one more level; an empty name adds none."""
    return f"{prefix}.{name}" if prefix and name else prefix or name


def children(node: Node) -> Iterator[tuple[str, tuple[Node, ...], int]]:
    """What lies inside a node: the level below the node's name, the nodes, and how often."""
    if isinstance(node, (Group, WhenNode)):
        yield "", node.nodes, 1
    elif isinstance(node, CallNode):
        yield "", node.instance.body.nodes, 1
    elif isinstance(node, RepeatNode):
        for part in node.rounds:
            stop = part.start + part.count
            level = str(part.start) if part.count == 1 else f"{part.start}..{stop - 1}"
            yield level, part.nodes, part.count


def walk(nodes: tuple[Node, ...]) -> Iterator[Visit]:
    """Every layer below some nodes, in order of computation and without recursion."""
    declared: dict[SharedNode, tuple[str, int]] = {}
    stack: list[tuple[str, Node, int, int]] = []
    stack.extend(("", node, 1, 1) for node in reversed(nodes))
    while stack:
        prefix, node, times, owners = stack.pop()
        if isinstance(node, SharedNode):
            declared[node] = (join(prefix, node.name), owners)
            continue
        path = join(prefix, getattr(node, "name", ""))
        shared = getattr(node, "shared", None)
        if shared is not None:
            path, owners = declared.get(shared, (shared.name, 0))
            declared[shared] = (path, 0)
        if isinstance(node, LayerNode):
            yield Visit(path, node, times, owners)
            continue
        inner = [
            (join(path, level), child, times * count, owners * count)
            for level, body, count in children(node)
            for child in body
        ]
        stack.extend(reversed(inner))


class Key(Record):
    """One weight of a model: its dotted key and what it is."""

    key: str
    weight: Weight


MOST_KEYS = 100_000
"""Layers whose weights are listed one by one. Code is written for fewer."""


def weight_keys(nodes: tuple[Node, ...]) -> Iterator[Key]:
    """Every weight with its key, the rounds of repeats one by one.

    Their number grows with depth: for checkpoints and patterns, not for costs. Beyond `MOST_KEYS`
    one key with folded rounds (``layer.0..2.weight``) stands for those of all its rounds.
    """
    visits = [visit for visit in walk(nodes) if visit.owners]
    folded = sum(visit.owners for visit in visits) > MOST_KEYS
    for visit in visits:
        for path in [visit.path] if folded else expand(visit.path):
            for weight in visit.node.weights:
                yield Key(join(path, weight.role), weight)


def expand(path: str) -> list[str]:
    """The paths that one with folded rounds (``layer.0..2.norm``) stands for."""
    paths = [""]
    parts = _split_rounds(path)
    for part in parts:
        if isinstance(part, str):
            paths = [join(path, part) for path in paths]
        else:
            paths = [join(path, str(index)) for path in paths for index in part]
    return paths


def _split_rounds(path: str) -> list[str | range]:
    """Levels of a path; ``0..5`` becomes a range."""
    levels: list[str | range] = []
    for level in path.replace("..", "\0").split("."):
        start, mark, stop = level.partition("\0")
        levels.append(range(int(start), int(stop) + 1) if mark else level)
    return levels
