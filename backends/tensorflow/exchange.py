"""Weights between MSL's layout (PyTorch's shapes, by role) and variables of Keras layers.

Pure array shuffling as `KerasWeight` declares it. Arrays are NumPy's, whose module is handed in,
so that nothing is imported here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backends.base import KerasWeight


def pack(rule: KerasWeight, arrays: Mapping[str, Any], shape: tuple[int, ...], np: Any) -> Any:
    """The array of a Keras variable.

    Args:
        rule: How the variable follows from roles.
        arrays: MSL weights by role.
        shape: The variable's shape.
        np: The NumPy module.
    """
    parts = [_arranged(rule, arrays[role], np) for role in rule.roles]
    return (parts[0] if len(parts) == 1 else np.stack(parts)).reshape(shape)


def unpack(
    rule: KerasWeight, array: Any, shapes: Mapping[str, tuple[int, ...]], np: Any
) -> dict[str, Any]:
    """The MSL weights, or their gradients, that a Keras variable holds; undoes `pack`.

    Args:
        rule: How the variable follows from roles.
        array: The variable's value, or its gradient.
        shapes: MSL shapes by role.
        np: The NumPy module.
    """
    parts = array.reshape((len(rule.roles), -1))
    return {
        role: _restored(rule, part, shapes[role], np)
        for role, part in zip(rule.roles, parts, strict=True)
    }


def _arranged(rule: KerasWeight, array: Any, np: Any) -> Any:
    """The array with gate blocks and axes in Keras' order."""
    if rule.gates:
        blocks = np.split(array, len(rule.gates), axis=0)
        array = np.concatenate([blocks[gate] for gate in rule.gates], axis=0)
    return np.transpose(array, rule.permute) if rule.permute else array


def _restored(rule: KerasWeight, array: Any, shape: tuple[int, ...], np: Any) -> Any:
    """The array with gate blocks and axes in MSL's order."""
    if rule.permute:
        array = array.reshape([shape[axis] for axis in rule.permute])
        array = np.transpose(array, np.argsort(rule.permute))
    array = array.reshape(shape)
    if rule.gates:
        blocks = np.split(array, len(rule.gates), axis=0)
        array = np.concatenate([blocks[rule.gates.index(i)] for i in range(len(blocks))], axis=0)
    return array
