"""A model rehearsed on a tape: its layers one by one, each value freed after its last use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dsl.ir import (
    Body,
    CallNode,
    Group,
    LayerNode,
    Model,
    Node,
    RepeatNode,
    Round,
    SharedNode,
    Value,
    WhenNode,
    join,
)
from dsl.shapes.dim import evaluate
from dsl.shapes.types import TensorType
from dsl.tape.act import Act
from dsl.tape.tape import Tape
from dsl.tape.tensors import Param, Shape, Storage, Tensor
from dsl.tape.work import Step

BYTES = {"int64": 8, "int32": 4, "bool": 1, "uint8": 1, "float16": 2, "bfloat16": 2, "float64": 8}
"""Bytes of an element; those of float32, 4, are not listed."""

Env = dict[Value, Tensor]


class Plan:
    """Nodes in the order they run, groups and choices opened, and what each is the last to use.

    A value with a name of its own is a variable of the generated code, which lives until the name
    is given away or its function ends.

    Attributes:
        nodes: In order, each with the levels of the groups it lies in.
        done: For each, the values that nobody uses later.
        results: Values that outlive it.
    """

    __slots__ = ("done", "nodes", "results")

    def __init__(self, nodes: Iterable[Node], results: tuple[Value, ...]) -> None:
        self.nodes = list(_opened(nodes))
        self.results = results
        last: dict[Value, int] = {}
        made: set[Value] = set()
        named: dict[str, Value] = {}
        for place, (_, node) in enumerate(self.nodes):
            for value in _used(node):
                last[value] = place
            for value in getattr(node, "outputs", ()):
                last.setdefault(value, place)
                made.add(value)
                if value.hint:
                    before = named.get(value.hint)
                    if before is not None:
                        last[before] = max(last[before], place)
                    named[value.hint] = value
        last.update(dict.fromkeys(named.values(), len(self.nodes) - 1))
        for value in results:
            last.pop(value, None)
        self.done: list[list[Value]] = [[] for _ in self.nodes]
        for value, place in last.items():
            if value in made:
                self.done[place].append(value)


def _opened(nodes: Iterable[Node]) -> Iterable[tuple[str, Node]]:
    """Nodes with groups and choices replaced by what lies in them; a choice stands behind that."""
    stack: list[tuple[str, Node, bool]] = [("", node, False) for node in reversed(tuple(nodes))]
    while stack:
        level, node, opened = stack.pop()
        if isinstance(node, (Group, WhenNode)) and not opened:
            inside = level
            if isinstance(node, WhenNode):
                stack.append((level, node, True))
            else:
                inside = join(level, node.name)
            stack.extend((inside, inner, False) for inner in reversed(node.nodes))
        else:
            yield level, node


def _used(node: Node) -> set[Value]:
    """The values that a node uses, itself or in the rounds it is made of."""
    found: set[Value] = set()
    stack: list[Any] = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, WhenNode):
            found.update(item.results)
            if item is not node:
                stack.extend(item.nodes)
        elif isinstance(item, Group):
            stack.extend(item.nodes)
        elif isinstance(item, RepeatNode):
            found.update(item.inputs)
            stack.extend(inner for part in item.rounds for inner in part.nodes)
        elif not isinstance(item, SharedNode):
            found.update(value for value in item.inputs if value is not None)
    return found


class Rehearsal:
    """Walks through a model's layers on a tape.

    Bodies are generators on a stack, so that neither length nor depth recurses.

    Args:
        model: The model.
        tape: Where the operations are written down.
        batch: Samples.
        sizes: A size for each symbol; as declared if not given.
        recompute: Blocks that keep only their input for the backward pass, and run again in it.
        rounds: How many of equal rounds are run one by one at most, at least 3; one of them then
            stands for the others. All are run where it is None.
    """

    def __init__(
        self, model: Model, tape: Tape, batch: int, sizes: Mapping[str, int] | None = None,
        recompute: Iterable[str] = (), rounds: int | None = None,
    ) -> None:  # fmt: skip
        self.model, self.tape, self.batch = model, tape, batch
        self.sizes = {**model.symbols, **(sizes or {})}
        self.recompute, self.rounds = frozenset(recompute), rounds
        self.params: dict[str, dict[str, Param]] = {}
        self.shared: dict[SharedNode, str] = {}
        self.env: Env = {}
        self.inputs = self.weights = self.buffers = 0
        self.plans: dict[Any, Plan] = {}
        self.shapes: dict[LayerNode, tuple[tuple[Shape, ...], tuple[Any, ...], int]] = {}

    def forward(self) -> tuple[Tensor, ...]:
        """Runs the model; its outputs, which the caller releases."""
        body, tape = self.model.body, self.tape
        for value in body.inputs:
            self.env[value] = self._input(value.type)
        tape.fresh.clear()
        tape.memory.phase = "forward"
        self._drive(self._body(self._plan(self.model, body), ""))
        return tuple(self.env[output.value] for output in body.outputs)

    def shape(self, type_: TensorType) -> Shape:
        """A shape with the batch, symbols at their sizes."""
        dims = type_.shape
        shape = tuple(d if type(d) is int else evaluate(d, self.sizes) for d in dims)
        return (self.batch, *shape) if type_.batched else shape

    def _input(self, type_: TensorType) -> Tensor:
        """An input, which the loader of data holds through the step."""
        return self.given(self.shape(type_), type_)

    def given(self, shape: Shape, type_: TensorType) -> Tensor:
        """A tensor of the batch; its bytes are counted apart from those that the step makes."""
        made = Tensor(shape, BYTES.get(type_.dtype, 4), Storage(0), False, type_.is_float)
        self.inputs += made.bytes
        return made

    def _drive(self, body: Any) -> None:
        stack = [body]
        while stack:
            inner = next(stack[-1], None)
            if inner is None:
                stack.pop()
            else:
                stack.append(inner)

    def _plan(self, owner: Any, body: Body) -> Plan:
        if owner not in self.plans:
            results = tuple(output.value for output in body.outputs)
            self.plans[owner] = Plan(body.nodes, results)
        return self.plans[owner]

    def _body(self, plan: Plan, above: str) -> Any:
        env = self.env
        for (level, node), done in zip(plan.nodes, plan.done):
            prefix = join(above, level)
            if isinstance(node, LayerNode):
                self._layer(node, prefix)
            elif isinstance(node, WhenNode):
                self._bind(node.outputs, node.results)
            elif isinstance(node, CallNode):
                yield self._call(node, self._path(node, prefix))
            elif isinstance(node, RepeatNode):
                yield self._repeat(node, join(prefix, node.name))
            elif isinstance(node, SharedNode):
                self.shared[node] = join(prefix, node.name)
            for value in done:
                self.tape.release(env.pop(value))

    def _path(self, node: LayerNode | CallNode, prefix: str) -> str:
        if node.shared is not None:
            return self.shared.get(node.shared, node.shared.name)
        return join(prefix, node.name)

    def _bind(self, targets: tuple[Value, ...], sources: tuple[Value, ...]) -> None:
        """Further names for some values."""
        held = [self.env[source] for source in sources]
        for target, tensor in zip(targets, held):
            tensor.storage.refs += 1
            self.env[target] = tensor

    def _unbind(self, values: Iterable[Value]) -> None:
        for value in values:
            self.tape.release(self.env.pop(value))

    def _call(self, node: CallNode, prefix: str) -> Any:
        if node.instance.block in self.recompute and self.tape.recording:
            yield from self._recomputed(node, prefix)
        else:
            yield self._inside(node, prefix)

    def _inside(self, node: CallNode, prefix: str) -> Any:
        """Runs a block; its inputs are held by the caller until it ends."""
        body = node.instance.body
        self._bind(body.inputs, node.inputs)
        yield self._body(self._plan(node.instance, body), prefix)
        results = tuple(output.value for output in body.outputs)
        self._bind(node.outputs, results)
        self._unbind(dict.fromkeys(results))
        self._unbind(value for value in body.inputs if value not in results)

    def _recomputed(self, node: CallNode, prefix: str) -> Any:
        """Runs a block without keeping anything but its inputs, and leaves word to run it again."""
        tape, env = self.tape, self.env
        tape.recording = False
        given = {value: env[value] for value in node.inputs}
        yield self._inside(node, prefix)
        tape.recording = True
        needs = any(x.needs for x in given.values()) or self._trains(prefix)
        made = [env[value] for value in node.outputs]
        for x in made:
            x.needs = needs and x.real
        if needs:
            for x in given.values():
                x.storage.refs += 1
            step = Step("view", (), made[0], (), [], (), 0, 0, prefix)
            step.again = lambda: self._again(node, prefix, given, made)
            tape.steps.append(step)

    def _trains(self, prefix: str) -> bool:
        inside = f"{prefix}."
        return any(
            param.needs
            for path, params in self.params.items() if path.startswith(inside) or path == prefix
            for param in params.values()
        )  # fmt: skip

    def _again(
        self, node: CallNode, prefix: str, given: Mapping[Value, Tensor], made: list[Tensor]
    ) -> None:
        """In the backward pass: runs a block once more, then its own backward pass."""
        tape, outer, env = self.tape, self.tape.steps, self.env
        tape.steps, self.env = [], {}
        for value, x in given.items():
            x.storage.refs += 1
            self.env[value] = x
        tape.memory.phase = "recompute"
        self._drive(self._inside(node, prefix))
        tape.end_forward()
        tape.memory.phase = "backward"
        for value, before in zip(node.outputs, made):
            after = self.env[value]
            after.gradient, before.gradient = before.gradient, None
            tape.release(after)
        for x in given.values():
            tape.release(x)
        tape.replay()
        for x in given.values():
            tape.release(x)
        tape.steps, self.env = outer, env

    def _repeat(self, node: RepeatNode, prefix: str) -> Any:
        values = node.inputs
        held: tuple[Value, ...] = ()
        for part in node.rounds:
            count = part.count if self.rounds is None else min(part.count, self.rounds)
            more, plan = part.count - count, self._round_plan(part)
            for index in range(part.start, part.start + count):
                before = self._state()
                given = [self.env[value] for value in values]
                for value, x in zip(part.inputs, given):
                    x.storage.refs += 1
                    self.env[value] = x
                self._unbind(dict.fromkeys(held))
                yield self._body(plan, join(prefix, str(index)))
                self._unbind(value for value in part.inputs if value not in part.outputs)
                values = held = part.outputs
                if more and index == part.start + count - 2:
                    self._skip(more, before)
                elif more and index == part.start + count - 1:
                    self.tape.last_round()
        self._bind(node.outputs, values)
        self._unbind(dict.fromkeys(held))

    def _state(self) -> tuple[int, int, int, int]:
        """Live bytes, operations, and bytes of weights and buffers so far."""
        return self.tape.memory.live, len(self.tape.work), self.weights, self.buffers

    def _skip(self, rounds: int, before: tuple[int, int, int, int]) -> None:
        """Lets the round just run stand for more; `before` is the state when it began."""
        live, first, weights, buffers = before
        self.tape.skip(rounds, self.tape.memory.live - live, first)
        self.weights += (self.weights - weights) * rounds
        self.buffers += (self.buffers - buffers) * rounds

    def _round_plan(self, part: Round) -> Plan:
        if part not in self.plans:
            self.plans[part] = Plan(part.nodes, part.outputs)
        return self.plans[part]

    def _layer(self, node: LayerNode, prefix: str) -> None:
        tape, path = self.tape, self._path(node, prefix)
        tape.memory.path = path
        shapes, types, flops = self._known(node)
        inputs = tuple(value and self.env[value] for value in node.inputs)

        def count_back(needs: tuple[bool, ...]) -> int:
            outputs = tuple(output.type for output in node.outputs)
            macs = node.layer.backward_macs(types, outputs, needs, True)
            return 2 * self._samples(outputs) * evaluate(macs, self.sizes)

        act = Act(tape, inputs, shapes, self._params(node, path), flops, types, count_back)
        made = node.layer.rehearse(act)
        results = made if isinstance(made, tuple) else (made,)
        for value, result in zip(node.outputs, results):
            self.env[value] = result
            if result not in tape.fresh:
                result.storage.refs += 1
        tape.finish(results)
        tape.memory.mark()

    def _known(self, node: LayerNode) -> tuple[tuple[Shape, ...], tuple[Any, ...], int]:
        if node not in self.shapes:
            outputs = tuple(output.type for output in node.outputs)
            shapes = tuple(self.shape(type_) for type_ in outputs)
            macs = node.layer.macs(node.types, outputs)
            flops = 2 * self._samples(outputs) * evaluate(macs, self.sizes)
            self.shapes[node] = shapes, node.types, flops
        return self.shapes[node]

    def _samples(self, outputs: tuple[TensorType, ...]) -> int:
        return self.batch if any(type_.batched for type_ in outputs) else 1

    def _params(self, node: LayerNode, path: str) -> dict[str, Param]:
        found = self.params.get(path)
        if found is None:
            made = {w.role: Param(w.count, 4, w.trainable) for w in node.weights}
            found = self.params[path] = made
            self.weights += sum(param.bytes for param in made.values() if param.needs)
            self.buffers += sum(param.bytes for param in made.values() if not param.needs)
        if node.tied is not None:
            found = {"weight": self.params[node.tied]["weight"], **found}
        return found
