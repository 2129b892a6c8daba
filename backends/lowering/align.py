"""One template for several variants of a body.

A block elaborated for several arguments and shapes becomes one class. Its bodies are walked in
step: where they agree, the template has one node that remembers all variants (their code must come
out the same text, `Conflict` otherwise); where a `when` went both ways, it has both branches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backends.lowering.loops import carried_sizes, exits_of, together
from backends.lowering.merging import Sizes, fold_equal, note_merged, note_results, unmerged
from dsl.ir import (
    Body,
    CallNode,
    Group,
    LayerNode,
    Node,
    RepeatNode,
    Round,
    SharedNode,
    Value,
    WhenNode,
)
from dsl.shapes.trace import Expr, Operand, formula, names_in


class Conflict(Exception):
    """Variants that no one text can serve; the argument, if any, is the node at fault."""


@dataclass(eq=False)
class Slot:
    """A value of the template: the corresponding values of all variants."""

    variants: list[Value]

    @property
    def hint(self) -> str:
        """The author's name for it."""
        return next((value.hint for value in self.variants if value.hint), "")


@dataclass(eq=False)
class LayerSlot:
    """A layer; with `shared`, a use of a shared declaration."""

    name: str
    line: int
    comments: tuple[str, ...]
    variants: list[LayerNode]
    inputs: tuple[Slot | None, ...]
    outputs: tuple[Slot, ...]
    shared: SharedSlot | None = None


@dataclass(eq=False)
class FunctionSlot:
    """A layer without weights that a ``layer`` argument gives, of another kind in each variant.

    `given` is the name of the argument.
    """

    given: str
    line: int
    comments: tuple[str, ...]
    inputs: tuple[Slot, ...]
    outputs: tuple[Slot, ...]


@dataclass(eq=False)
class CallSlot:
    """A block applied."""

    name: str
    line: int
    comments: tuple[str, ...]
    variants: list[CallNode]
    inputs: tuple[Slot, ...]
    outputs: tuple[Slot, ...]
    shared: SharedSlot | None = None


@dataclass(eq=False)
class SharedSlot:
    """A shared declaration; `first` is its first use, which tells what it is."""

    name: str
    path: str
    line: int
    comments: tuple[str, ...]
    variants: list[SharedNode]
    first: LayerSlot | CallSlot | None = None


@dataclass(eq=False)
class GroupSlot:
    """Nodes under a common name."""

    name: str
    kind: str
    line: int
    comments: tuple[str, ...]
    nodes: list[NodeSlot]
    inputs: tuple[Slot, ...]
    outputs: tuple[Slot, ...]


@dataclass(eq=False)
class Branch:
    """One way through a `when`."""

    nodes: list[NodeSlot]
    results: tuple[Slot, ...]


@dataclass(eq=False)
class WhenSlot:
    """A choice that variants make differently."""

    condition: Operand
    line: int
    comments: tuple[str, ...]
    then: Branch
    otherwise: Branch
    inputs: tuple[Slot, ...]
    outputs: tuple[Slot, ...]


@dataclass(eq=False)
class RepeatSlot:
    """A repeat.

    Attributes:
        times: The number of rounds, and `rows` the list, as traced values.
        carried: For each carried size its local name with its first value and its next one,
            traced; None where variants differ in more than a formula can tell.
        starts: What the body is given, and `results` what it hands on.
    """

    name: str
    line: int
    comments: tuple[str, ...]
    times: Any
    rows: Any
    names: tuple[str, ...]
    inputs: tuple[Slot, ...]
    outputs: tuple[Slot, ...]
    body: list[NodeSlot]
    starts: tuple[Slot, ...]
    results: tuple[Slot, ...]
    carried: dict[str, tuple[Any, Any]]
    indexed: bool = False


NodeSlot = LayerSlot | FunctionSlot | CallSlot | SharedSlot | GroupSlot | WhenSlot | RepeatSlot


@dataclass(eq=False)
class Template:
    """A body for all its variants.

    Attributes:
        settled: Names of the spec that decided a choice for all variants alike: code for other
            values of them would be other code.
        merged: What sizes behind choices are, by the names they go under; None where variants
            have no common formula.
    """

    inputs: tuple[Slot, ...]
    names: tuple[str, ...]
    nodes: list[NodeSlot]
    outputs: tuple[Slot, ...]
    output_names: tuple[str, ...]
    settled: frozenset[str] = frozenset()
    merged: Mapping[str, Operand] = field(default_factory=dict)


def align(
    bodies: Sequence[Body], results: Callable[[list[CallNode]], Sizes], unroll: bool = False
) -> Template:
    """The template of some bodies.

    Args:
        bodies: The variants.
        results: The sizes of what calls that correspond give, by the callers' formula.
        unroll: Whether to write out the rounds of repeats one by one, as a last resort.

    Raises:
        Conflict: They differ in more than numbers and branches.
    """
    aligner = _Aligner(results, unroll)
    inputs = aligner.slots([body.inputs for body in bodies])
    nodes = aligner.nodes([body.nodes for body in bodies])
    outputs = aligner.known([tuple(item.value for item in body.outputs) for body in bodies])
    names = tuple(item.name for item in bodies[0].outputs)
    settled = frozenset(
        name
        for mentioned in aligner.settled
        for name in names_in(unmerged(Expr("name", mentioned), aligner.merged))
    )
    return Template(
        inputs, bodies[0].names, nodes, outputs, names, settled, aligner.merged
    )  # type: ignore[arg-type]


def same(values: Sequence[Any]) -> Any:
    """The one value that all variants have.

    Raises:
        Conflict: They differ.
    """
    first = values[0]
    if any(value != first or type(value) is not type(first) for value in values[1:]):
        raise Conflict
    return first


def same_formula(values: Sequence[Any]) -> Any:
    """Some traced values as one, which all variants compute by one formula.

    Raises:
        Conflict: They differ.
    """
    same([formula(value) for value in values])
    return together(values)


class _Aligner:
    """Walks variants in step, and remembers which values correspond."""

    def __init__(self, results: Callable[[list[CallNode]], Sizes], unroll: bool) -> None:
        self._results = results
        self._unroll = unroll
        self.settled: set[str] = set()
        self.merged: dict[str, Operand] = {}
        self.exits: dict[str, Operand] = {}
        self._slots: dict[Value, Slot] = {}
        self._shared: dict[SharedNode, SharedSlot] = {}

    def slots(self, variants: Sequence[tuple[Value, ...]]) -> tuple[Slot, ...]:
        """New slots for values that the variants define in step."""
        same([len(values) for values in variants])
        slots = tuple(Slot(list(column)) for column in zip(*variants))
        for slot in slots:
            for value in slot.variants:
                self._slots[value] = slot
        return slots

    def known(self, variants: Sequence[tuple[Value | None, ...]]) -> tuple[Slot | None, ...]:
        """The slots of values that the variants use in step."""
        same([len(values) for values in variants])
        return tuple(
            same([None if value is None else self._slots[value] for value in column])
            for column in zip(*variants)
        )

    def nodes(self, variants: Sequence[tuple[Node, ...]]) -> list[NodeSlot]:
        """The nodes of a level."""
        same([len(nodes) for nodes in variants])
        return [slot for column in zip(*variants) for slot in self._node(list(column))]

    def _node(self, variants: list[Any]) -> list[NodeSlot]:
        kind = same([type(node) for node in variants])
        same([node.span for node in variants])
        if kind is LayerNode and not any(node.weights for node in variants):
            return [self._plain_layer(variants)]
        same([getattr(node, "name", "") for node in variants])
        made = self._ALIGN[kind](self, variants)
        return made if isinstance(made, list) else [made]

    def _plain_layer(self, variants: list[LayerNode]) -> LayerSlot | FunctionSlot:
        """A layer without weights, called as in the first variant: no key depends on its name."""
        first, given = variants[0], same([node.given for node in variants])
        if not given or all(node.layer == first.layer for node in variants):
            return self._layer(variants)
        if any(node.shared or len(node.inputs) > 1 or len(node.outputs) > 1 for node in variants):
            raise Conflict
        inputs = self.known([node.inputs for node in variants])
        outputs = self.slots([node.outputs for node in variants])
        return FunctionSlot(given, _line(first), first.comments, inputs, outputs)  # type: ignore[arg-type]

    def _layer(self, variants: list[LayerNode]) -> LayerSlot:
        same([type(node.layer) for node in variants])
        first = variants[0]
        inputs = self.known([node.inputs for node in variants])
        outputs = self.slots([node.outputs for node in variants])
        shared = self._shared_of(variants)
        slot = LayerSlot(
            first.name, _line(first), first.comments, variants, inputs, outputs, shared
        )
        self._note_first(slot)
        return slot

    def _call(self, variants: list[CallNode]) -> CallSlot:
        first = variants[0]
        inputs = self.known([node.inputs for node in variants])
        outputs = self.slots([node.outputs for node in variants])
        shared = self._shared_of(variants)
        note_results(variants, self._results, self.merged)
        slot = CallSlot(
            first.name, _line(first), first.comments, variants, inputs, outputs, shared
        )  # type: ignore[arg-type]
        self._note_first(slot)
        return slot

    def _shared_of(self, variants: Sequence[LayerNode | CallNode]) -> SharedSlot | None:
        return same([node.shared and self._shared[node.shared] for node in variants])

    def _note_first(self, slot: LayerSlot | CallSlot) -> None:
        if slot.shared is not None and slot.shared.first is None:
            slot.shared.first = slot

    def _shared_node(self, variants: list[SharedNode]) -> SharedSlot:
        first = variants[0]
        slot = SharedSlot(first.name, first.path, _line(first), first.comments, variants)
        for node in variants:
            self._shared[node] = slot
        return slot

    def _group(self, variants: list[Group]) -> GroupSlot:
        first = variants[0]
        inputs = self.known([node.inputs for node in variants])
        nodes = self.nodes([node.nodes for node in variants])
        outputs = self.known([node.outputs for node in variants])
        return GroupSlot(
            first.name, first.kind, _line(first), first.comments, nodes, inputs, outputs
        )  # type: ignore[arg-type]

    def _when(self, variants: list[WhenNode]) -> WhenSlot | list[NodeSlot]:
        inputs = self.known([node.inputs for node in variants])
        then = self._branch([node for node in variants if node.taken])
        otherwise = self._branch([node for node in variants if not node.taken])
        note_merged(variants, self.merged)
        if then is None or otherwise is None:
            return self._one_way(then or otherwise, variants)
        outputs = self.slots([node.outputs for node in variants])
        condition = same([node.condition for node in variants])
        if isinstance(condition, bool):
            raise Conflict
        first = variants[0]
        return WhenSlot(
            condition, _line(first), first.comments, then, otherwise, inputs, outputs
        )  # type: ignore[arg-type]

    def _one_way(self, branch: Branch | None, variants: list[WhenNode]) -> list[NodeSlot]:
        """A choice that always goes one way is no choice: its nodes stand for themselves."""
        assert branch is not None
        for node in variants:
            self._slots.update(zip(node.outputs, branch.results))
            self.settled |= names_in(node.condition)
        return branch.nodes

    def _branch(self, variants: list[WhenNode]) -> Branch | None:
        if not variants:
            return None
        nodes = self.nodes([node.nodes for node in variants])
        results = self.known([node.results for node in variants])
        return Branch(nodes, results)  # type: ignore[arg-type]

    def _repeat(self, variants: list[RepeatNode]) -> RepeatSlot | list[NodeSlot]:
        first = variants[0]
        inputs = self.known([node.inputs for node in variants])
        rounds = [(node, part) for node in variants for part in node.rounds]
        if not rounds:
            for node in variants:
                self._slots.update(zip(node.outputs, inputs))  # type: ignore[arg-type]
                self.settled |= names_in(formula(node.times)) | names_in(formula(node.rows))
            return []
        if self._unroll and any(len(node.rounds) > 1 for node in variants):
            return self._unrolled(variants)
        parts = [part for _, part in rounds]
        starts = self.slots([part.inputs for part in parts])
        body = self.nodes([part.nodes for part in parts])
        results = self.known([part.outputs for part in parts])
        same([_names_carried(part) for part in parts])
        self.exits.update(exits_of(variants))
        carried = carried_sizes(rounds, self.merged, self.exits)
        fixed = fold_equal(carried, self.merged)
        return RepeatSlot(
            first.name, _line(first), first.comments,
            same_formula([node.times for node in variants]),
            same_formula([node.rows for node in variants]),
            first.names, inputs, self.slots([node.outputs for node in variants]),
            body, starts, results, {k: v for k, v in carried.items() if k not in fixed},
            first.indexed,
        )  # type: ignore[arg-type]  # fmt: skip

    def _unrolled(self, variants: list[RepeatNode]) -> GroupSlot:
        """The rounds one by one, each a group called by its number."""
        first = variants[0]
        same([len(node.rounds) for node in variants])
        if any(part.count > 1 for node in variants for part in node.rounds):
            raise Conflict
        inputs = before = self.known([node.inputs for node in variants])
        groups: list[NodeSlot] = []
        for number, parts in enumerate(zip(*(node.rounds for node in variants))):
            for part in parts:
                self._slots.update(zip(part.inputs, before))  # type: ignore[arg-type]
            nodes = self.nodes([part.nodes for part in parts])
            after = self.known([part.outputs for part in parts])
            groups.extend(_numbered(number, nodes, before, after, _line(first)))
            before = after
        for node in variants:
            self._slots.update(zip(node.outputs, before))  # type: ignore[arg-type]
        return GroupSlot(
            first.name, "parallel", _line(first), first.comments, groups, inputs, before
        )  # type: ignore[arg-type]

    _ALIGN: dict[type, Callable[..., Any]] = {
        LayerNode: _layer,
        CallNode: _call,
        SharedNode: _shared_node,
        Group: _group,
        WhenNode: _when,
        RepeatNode: _repeat,
    }


def _numbered(
    number: int, nodes: list[NodeSlot], inputs: Any, outputs: Any, line: int
) -> list[NodeSlot]:
    """A round as a group called by its number; a layer without a name bears the number itself."""
    only = nodes[0] if len(nodes) == 1 else None
    if isinstance(only, (LayerSlot, CallSlot)) and not only.name:
        only.name = str(number)
        return nodes
    return [GroupSlot(str(number), "branch", line, (), nodes, inputs, outputs)]


def _names_carried(part: Round) -> dict[tuple[int, int], str]:
    return {place: name for place, (name, _) in part.carried.items()}


def _line(node: Node) -> int:
    """The line of the source that a node starts on, negative in imported files' numbering apart."""
    return node.span.position[0]
