"""Which values the nodes of a class use, from inside and from outside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from backends.lowering.align import (
    CallSlot,
    FunctionSlot,
    GroupSlot,
    LayerSlot,
    NodeSlot,
    RepeatSlot,
    SharedSlot,
    Slot,
    Template,
    WhenSlot,
)
from dsl.ir import walk


def inner_nodes(slot: NodeSlot) -> list[NodeSlot]:
    """The nodes inside a structure."""
    if isinstance(slot, GroupSlot):
        return slot.nodes
    if isinstance(slot, WhenSlot):
        return [*slot.then.nodes, *slot.otherwise.nodes]
    return slot.body if isinstance(slot, RepeatSlot) else []


def every_slot(nodes: list[NodeSlot]) -> Iterator[NodeSlot]:
    """All nodes of a class, structures before what they hold."""
    stack = list(reversed(nodes))
    while stack:
        slot = stack.pop()
        yield slot
        stack.extend(reversed(inner_nodes(slot)))


def bears_weights(nodes: list[NodeSlot]) -> bool:
    """Whether any step in some nodes owns weights."""
    for slot in every_slot(nodes):
        if isinstance(slot, SharedSlot):
            return True
        if isinstance(slot, LayerSlot) and slot.shared is None and slot.variants[0].weights:
            return True
        if isinstance(slot, CallSlot) and slot.shared is None:
            inner = walk(slot.variants[0].instance.body.nodes)
            if any(visit.node.weights for visit in inner):
                return True
    return False


def read_by(slot: NodeSlot) -> list[Slot]:
    """The values that a node itself reads, those that its inner nodes read left out."""
    if isinstance(slot, (LayerSlot, CallSlot, FunctionSlot)):
        return [value for value in slot.inputs if value is not None]
    if isinstance(slot, WhenSlot):
        return [*slot.then.results, *slot.otherwise.results]
    return [*slot.inputs, *slot.results] if isinstance(slot, RepeatSlot) else []


def count_uses(template: Template) -> Counter[Slot]:
    """How often each value of a class is used."""
    uses: Counter[Slot] = Counter(template.outputs)
    for slot in every_slot(template.nodes):
        uses.update(read_by(slot))
    return uses


def captured_slots(slot: RepeatSlot) -> tuple[Slot, ...]:
    """Values from outside that the rounds of a repeat use, in order of use."""
    made: set[Slot] = set(slot.starts)
    read: dict[Slot, None] = dict.fromkeys(slot.results)
    for inner in every_slot(slot.body):
        read.update(dict.fromkeys(read_by(inner)))
        made.update(getattr(inner, "outputs", ()))
        made.update(getattr(inner, "starts", ()))
    return tuple(value for value in read if value not in made)
