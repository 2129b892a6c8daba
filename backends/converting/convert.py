"""Weights from the layout of one backend to that of the other: no number changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from backends.converting.formats import Checkpoint
from backends.tensorflow.exchange import pack, unpack
from backends.tensorflow.weights import variables
from backends.torch.model import COUNTER, key_names
from dsl.ir import Model, join, weight_keys

Shapes = Mapping[str, tuple[str, tuple[int, ...]]]
"""For the dotted path of each Keras variable its name in checkpoints and its shape."""


class Misfit(ValueError):
    """Weights that are not those of the spec."""


def from_torch(model: Model, checkpoint: Checkpoint) -> tuple[dict[str, Any], dict[str, Any]]:
    """The weights of a PyTorch module by MSL's keys, and what else there is.

    Raises:
        Misfit: A weight is missing, or has another shape.
    """
    spelled = key_names(model)
    weights, rest = {}, dict(checkpoint.arrays)
    for item in weight_keys(model.body.nodes):
        name = spelled.get(item.key, item.key)
        weights[item.key] = _taken(rest, name, tuple(map(int, item.weight.shape)))
    return weights, _extras(rest)


def to_torch(model: Model, weights: Mapping[str, Any], extras: Mapping[str, Any]) -> dict[str, Any]:
    """Arrays as a PyTorch module of the spec loads them."""
    spelled, found = key_names(model), {}
    for item in weight_keys(model.body.nodes):
        name = spelled.get(item.key, item.key)
        found[name] = np.ascontiguousarray(weights[item.key])
        if item.weight.role == "running_var":
            counter = join(name.rpartition(".")[0], COUNTER)
            found[counter] = np.asarray(extras.get(counter, np.zeros((), np.int64)))
    return found


def from_tensorflow(
    model: Model, checkpoint: Checkpoint, shapes: Shapes
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The weights of a Keras model by MSL's keys, and what else there is.

    Raises:
        Misfit: A weight is missing, or has another shape.
    """
    weights, rest = {}, dict(checkpoint.arrays)
    for item in variables(model):
        name, shape = _named(item, shapes)
        array = _taken(rest, name, shape)
        for role, part in unpack(item.rule, array, item.shapes, np).items():
            weights[join(item.layer, role)] = part
    return weights, _extras(rest)


def to_tensorflow(
    model: Model, weights: Mapping[str, Any], extras: Mapping[str, Any], shapes: Shapes
) -> dict[str, Any]:
    """Arrays as a TensorFlow script of the spec restores them."""
    found = {}
    for item in variables(model):
        name, shape = _named(item, shapes)
        arrays = {role: weights[join(item.layer, role)] for role in item.rule.roles}
        found[name] = np.ascontiguousarray(pack(item.rule, arrays, shape, np))
    return found | dict(extras)


def _named(item: Any, shapes: Shapes) -> tuple[str, tuple[int, ...]]:
    """What a variable is called in checkpoints, and its shape."""
    name, shape = shapes[item.path.replace("/", ".")]
    return name or join(item.layer, item.rule.roles[0]), shape


def _taken(rest: dict[str, Any], name: str, shape: tuple[int, ...]) -> Any:
    """An array, taken out of those that are left.

    Raises:
        Misfit: It is missing, or has another shape.
    """
    if name not in rest:
        raise Misfit(f"there is no {name}")
    array = rest.pop(name)
    if array.shape != shape:
        raise Misfit(f"{name} has the shape {list(array.shape)}, the spec's has {list(shape)}")
    return array


def _extras(rest: dict[str, Any]) -> dict[str, Any]:
    """What is left where every weight has been taken: counters, which the other side carries along.

    Raises:
        Misfit: There are others.
    """
    strange = [name for name in rest if not name.endswith(COUNTER)]
    if strange:
        raise Misfit(f"the spec has no {strange[0]}")
    return rest
