"""A whole model in the NumPy reference, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

import backends.reference.families  # noqa: F401  (registers the functions)
from backends.reference import REFERENCE, Mode
from backends.verifying.draws import Masks
from backends.verifying.walk import Slot, Step, Walk
from dsl.ir import LayerNode, Model, join


@dataclass
class Oracle:
    """What the reference makes of a model.

    Attributes:
        steps: Every layer and block in the order in which it ran.
        outputs: The outputs by name; None where the reference does not reach.
        unknown: For each path that it could not compute, why.
        updates: New running statistics by key.
        penalties: What layers add to the loss.
    """

    steps: list[Step] = field(default_factory=list)
    outputs: dict[str, Slot] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    updates: dict[str, Any] = field(default_factory=dict)
    penalties: list[Any] = field(default_factory=list)


def consult(
    model: Model,
    sizes: dict[str, int],
    inputs: dict[str, Any],
    weights: dict[str, Any],
    masks: Masks | None = None,
    compute: bool = True,
) -> Oracle:
    """Runs a model in the reference.

    Args:
        model: The model.
        sizes: The size of each symbol.
        inputs: Arrays by name, in the order of the meaning.
        weights: Arrays by key.
        masks: What is drawn; given in training mode only.
        compute: Whether to compute values; without, the steps alone are wanted.
    """
    oracle, walk = Oracle(), Walk(model, sizes, inputs)
    for step in walk.steps():
        oracle.steps.append(step)
        if compute and isinstance(step.node, LayerNode):
            _run(oracle, step, step.node, sizes, weights, masks)
    oracle.outputs = walk.outputs
    return oracle


def _run(
    oracle: Oracle,
    step: Step,
    node: LayerNode,
    sizes: dict[str, int],
    weights: dict[str, Any],
    masks: Masks | None,
) -> None:
    """Fills in what a layer gives, unless that cannot be known."""
    if any(slot is not None and slot.array is None for slot in step.inputs):
        return
    function = REFERENCE.get(type(node.layer))
    if function is None:
        oracle.unknown[step.path] = f"the reference has no `{node.layer.name}`"
        return
    arrays = [None if slot is None else slot.array for slot in step.inputs]
    types = tuple(None if type_ is None else type_.sized(sizes) for type_ in node.types)
    draw = None if masks is None else lambda shape: masks.uniform(step.path, shape)
    mode = Mode(masks is not None, draw, penalties=oracle.penalties)
    with np.errstate(all="ignore"):
        results = function(node.layer, arrays, _roles(step, node, weights), mode, types)
    for slot, array in zip(step.outputs, results if isinstance(results, tuple) else (results,)):
        slot.array = array
    oracle.updates |= {join(step.path, role): array for role, array in mode.updates.items()}


def _roles(step: Step, node: LayerNode, weights: dict[str, Any]) -> dict[str, Any]:
    """A layer's weights by role, the one that it is tied to among them."""
    own = {weight.role: weights[join(step.path, weight.role)] for weight in node.weights}
    return own if step.tied is None else {"weight": weights[join(step.tied, "weight")], **own}
