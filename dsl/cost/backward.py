"""The matrix products of the backward pass.

Counted as PyTorch's `FlopCounterMode` counts them on the plain formulas: every product ``A B``
costs its own MACs once more for each operand that gets a gradient. Weights always do; a value does
where a weight lies behind it, so the first layers behind a model's inputs save the gradient of
their input, and an embedding has no products at all. Attention is taken unfused: two products
forward, four backward (the fused kernels compute the scores once more, five products). Grouped
convolutions cost what they compute; PyTorch's counter, as of 2.13, multiplies the product for their
weight gradient by the number of groups.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dsl.ir import (
    CallNode,
    Group,
    LayerNode,
    Model,
    Node,
    RepeatNode,
    Round,
    Value,
    WhenNode,
)
from dsl.shapes.dim import Dim

ROUNDS_LIMIT = 64
"""Equal rounds looked at one by one; values that trade places each round would never settle."""


def backward_macs(model: Model, batch: int = 1) -> Dim:
    """MACs of one backward pass of a batch; a polynomial where sizes hold symbols."""
    return _Gradients(batch).of(model)


class _Gradients:
    """Follows, in order of computation, which values get gradients.

    Bodies are nested by tasks on a stack, so that neither length nor depth recurses: a task is a
    method, its arguments, and how often the place it stands at runs.
    """

    def __init__(self, batch: int) -> None:
        self.batch = batch
        self.needs: dict[Value, bool] = {}
        self.total: Dim = 0
        self.stack: list[tuple[Any, tuple[Any, ...], int]] = []

    def of(self, model: Model) -> Dim:
        self._push_nodes(model.body.nodes, 1)
        while self.stack:
            task, arguments, times = self.stack.pop()
            task(*arguments, times)
        return self.total

    def _push(self, task: Any, times: int, *arguments: Any) -> None:
        self.stack.append((task, arguments, times))

    def _push_nodes(self, nodes: Iterable[Node], times: int) -> None:
        for node in reversed(tuple(nodes)):
            self._push(self._node, times, node)

    def _state(self, values: Iterable[Value]) -> tuple[bool, ...]:
        return tuple(self.needs.get(value, False) for value in values)

    def _bind(self, targets: tuple[Value, ...], sources: tuple[Value, ...], times: int = 1) -> None:
        self.needs.update(zip(targets, self._state(sources)))

    def _node(self, node: Node, times: int) -> None:
        if isinstance(node, LayerNode):
            self._layer(node, times)
        elif isinstance(node, Group):
            self._push_nodes(node.nodes, times)
        elif isinstance(node, WhenNode):
            self._push(self._bind, times, node.outputs, node.results)
            self._push_nodes(node.nodes, times)
        elif isinstance(node, CallNode):
            body = node.instance.body
            self._bind(body.inputs, node.inputs)
            results = tuple(output.value for output in body.outputs)
            self._push(self._bind, times, node.outputs, results)
            self._push_nodes(body.nodes, times)
        elif isinstance(node, RepeatNode):
            self._repeat(node, times)

    def _repeat(self, node: RepeatNode, times: int) -> None:
        handed = [node.inputs, *(part.outputs for part in node.rounds)]
        self._push(self._bind, times, node.outputs, handed[-1])
        for part, given in reversed(list(zip(node.rounds, handed))):
            self._push(self._round, times, part, given, part.count, ROUNDS_LIMIT)

    def _round(
        self, part: Round, given: tuple[Value, ...], left: int, looks: int, times: int
    ) -> None:
        """Looks at one of `left` equal rounds; `_after` it says what the others cost."""
        self._bind(part.inputs, given)
        state = self._state(part.inputs)
        self._push(self._after, times, part, state, self.total, left, looks)
        self._push_nodes(part.nodes, times)

    def _after(
        self, part: Round, given: tuple[bool, ...], before: Dim, left: int, looks: int, times: int
    ) -> None:  # fmt: skip
        """A round that hands on what it was given stands for all that follow."""
        if left == 1 or looks == 1 or self._state(part.outputs) == given:
            self.total = self.total + (self.total - before) * (left - 1)
        else:
            self._push(self._round, times, part, part.outputs, left - 1, looks - 1)

    def _layer(self, node: LayerNode, times: int) -> None:
        given = tuple(value is not None and self.needs.get(value, False) for value in node.inputs)
        types = tuple(output.type for output in node.outputs)
        trained = node.tied is not None or any(weight.trainable for weight in node.weights)
        samples = self.batch if any(kind.batched for kind in types) else 1
        macs = node.layer.backward_macs(node.types, types, given, trained)
        self.total = self.total + macs * (times * samples)
        spreads = trained or any(given)
        self.needs.update((value, spreads and value.type.is_float) for value in node.outputs)
