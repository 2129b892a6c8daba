"""Rewrites of a template that change no value: the same result for less work."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from backends.lowering.align import (
    GroupSlot,
    LayerSlot,
    NodeSlot,
    RepeatSlot,
    Slot,
    Template,
    WhenSlot,
)
from backends.lowering.uses import count_uses
from dsl.ir import Value
from dsl.layers.activation import ReLU
from dsl.layers.pooling import MaxPool1d, MaxPool2d, MaxPool3d

MAX_POOLS = (MaxPool1d, MaxPool2d, MaxPool3d)
REASON = "pooled before ReLU: the same values and gradients for less work"


def pool_first(template: Template) -> None:
    """Puts max pooling before the ReLU that feeds it, and it alone.

    ReLU never falls, so that the largest of the rectified values is the largest value rectified;
    gradients agree too, since where it is not positive none flows either way.
    """
    uses = count_uses(template)
    done: list[LayerSlot] = []
    levels = [template.nodes]
    while levels:
        nodes = levels.pop()
        for index in range(len(nodes) - 1):
            if _is_pair(nodes[index], nodes[index + 1], uses):
                nodes[index : index + 2] = _swapped(nodes[index], nodes[index + 1], not done)
                done.append(nodes[index])  # type: ignore[arg-type]
        levels.extend(inner for slot in nodes for inner in _levels(slot))


def _is_pair(first: NodeSlot, second: NodeSlot, uses: Counter[Slot]) -> bool:
    """Whether two neighbours are a ReLU and the max pooling that alone takes its result."""
    if not isinstance(first, LayerSlot) or not isinstance(second, LayerSlot):
        return False
    kinds = isinstance(first.variants[0].layer, ReLU), isinstance(
        second.variants[0].layer, MAX_POOLS
    )
    return all(kinds) and second.inputs == first.outputs and uses[first.outputs[0]] == 1


def _swapped(relu: LayerSlot, pool: LayerSlot, explain: bool) -> list[NodeSlot]:
    """The pair the other way round; the first of a class says why."""
    pooled = Slot([Value(value.type) for value in pool.outputs[0].variants])
    why = (REASON,) if explain else ()
    comments = (*relu.comments, *pool.comments, *why)
    first = replace(pool, line=relu.line, inputs=relu.inputs, outputs=(pooled,), comments=comments)
    return [first, replace(relu, inputs=(pooled,), outputs=pool.outputs, comments=())]


def _levels(slot: NodeSlot) -> list[list[NodeSlot]]:
    """The lists of nodes inside a structure."""
    if isinstance(slot, GroupSlot):
        return [slot.nodes]
    if isinstance(slot, WhenSlot):
        return [slot.then.nodes, slot.otherwise.nodes]
    return [slot.body] if isinstance(slot, RepeatSlot) else []
