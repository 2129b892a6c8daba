"""Where a model's weights lie in the variables of its Keras model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import backends.tensorflow.layers.families  # noqa: F401  (registers the emitters)
from backends.base import KerasWeight, Site
from backends.lowering.steps import without_formulas
from backends.pycode.literals import python
from backends.tensorflow.exchange import pack, unpack
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.names import key_path
from dsl.ir import LayerNode, Model, expand, join, walk


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of the Keras model.

    Attributes:
        path: Its path there, as ``variable.path`` gives it.
        layer: The dotted path of the layer that owns it.
        rule: How it follows from the layer's weights.
        shapes: The layer's weights' shapes by role.
    """

    path: str
    layer: str
    rule: KerasWeight
    shapes: Mapping[str, tuple[int, ...]]


def variables(model: Model) -> Iterator[Variable]:
    """Every variable of the Keras model, the rounds of repeats one by one."""
    for visit in walk(model.body.nodes):
        if not visit.owners:
            continue
        shapes = {weight.role: weight.shape for weight in visit.node.weights}
        for rule in _rules(visit.node) if shapes else ():
            for layer in expand(visit.path):
                yield Variable(f"{layer}/{rule.variable}", layer, rule, shapes)


def _rules(node: LayerNode) -> tuple[KerasWeight, ...]:
    x = tuple(None if value is None else "x" for value in node.inputs)
    outputs = tuple(value.type for value in node.outputs)

    def code(value: Any) -> str:
        return python(value, str)

    def helper(name: str, **flags: Any) -> str:
        return name

    site = Site(
        x, node.types, outputs, "self.layer", '"layer"', code, code, helper,
        "self.source.embeddings", "x",
    )  # fmt: skip
    layer = without_formulas(node.layer, (object,))  # some of which an emitter would refuse
    return TENSORFLOW.emit(layer, site).weights


def load(model: Model, keras_model: Any, weights: Mapping[str, Any], np: Any) -> None:
    """Gives a Keras model the weights of MSL's keys.

    Args:
        model: What `keras_model` was generated from.
        keras_model: The built model.
        weights: Arrays by dotted key, in PyTorch's shapes.
        np: The NumPy module.

    Raises:
        KeyError: A weight or a variable is missing.
    """
    found = {key_path(variable.path): variable for variable in keras_model.weights}
    for item in variables(model):
        arrays = {role: weights[join(item.layer, role)] for role in item.rule.roles}
        target = found[item.path.replace("/", ".")]
        target.assign(pack(item.rule, arrays, tuple(target.shape), np))


def read(model: Model, arrays: Mapping[str, Any], np: Any) -> dict[str, Any]:
    """MSL weights (or gradients) by dotted key from arrays by Keras variable path."""
    found = {key_path(path): array for path, array in arrays.items()}
    weights: dict[str, Any] = {}
    for item in variables(model):
        array = found[item.path.replace("/", ".")]
        for role, part in unpack(item.rule, array, item.shapes, np).items():
            weights[join(item.layer, role)] = part
    return weights
