"""Storage of values and weights in Keras: where axes go, and the way back."""

from __future__ import annotations

import numpy as np
import pytest

from backends.base import KerasWeight
from backends.tensorflow.exchange import pack, unpack
from backends.tensorflow.layout import (
    meaning_order,
    storage_order,
    stored_axis,
    stored_shape,
    to_meaning,
    to_storage,
)
from dsl.shapes.dim import symbol
from dsl.shapes.types import SIGNAL, TensorType

IMAGE = TensorType((3, 8, 9))
SEQUENCE = TensorType((symbol("time"), 5))


def test_images_are_stored_channels_last():
    assert [stored_axis(IMAGE, axis) for axis in (0, 1, 2, -1)] == [3, 1, 2, 2]
    assert stored_shape(IMAGE) == (8, 9, 3)
    assert to_meaning("x", IMAGE) == "keras.ops.transpose(x, (0, 3, 1, 2))"
    assert to_storage("x", IMAGE) == "keras.ops.transpose(x, (0, 2, 3, 1))"


def test_other_values_are_stored_as_they_mean():
    assert [stored_axis(SEQUENCE, axis) for axis in (0, 1, -1)] == [1, 2, 2]
    assert stored_shape(SEQUENCE) == (None, 5)
    assert to_meaning("x", SEQUENCE) == to_storage("x", SEQUENCE) == "x"
    assert stored_shape(TensorType(())) == ()


def test_a_parameter_has_no_batch():
    parameter = TensorType((3, 8, 9), batched=False)
    assert [stored_axis(parameter, axis) for axis in (0, 1, 2)] == [2, 0, 1]
    assert stored_shape(parameter) == (8, 9, 3)
    assert to_meaning("x", parameter) == "keras.ops.transpose(x, (2, 0, 1))"


@pytest.mark.parametrize(
    "x", [IMAGE, SEQUENCE, TensorType((4, 7), axes=SIGNAL), TensorType((2, 3, 4, 5))], ids=str
)
def test_orders_undo_each_other(x):
    there, back = storage_order(x), meaning_order(x)
    assert [there[i] for i in back] == list(range(x.rank + 1))


def test_a_kernel_by_hand():
    weight = np.arange(6).reshape(2, 3)
    rule = KerasWeight("kernel", ("weight",), (1, 0))
    kernel = pack(rule, {"weight": weight}, (3, 2), np)
    np.testing.assert_array_equal(kernel, [[0, 3], [1, 4], [2, 5]])
    np.testing.assert_array_equal(unpack(rule, kernel, {"weight": (2, 3)}, np)["weight"], weight)


def test_gates_by_hand():
    rule = KerasWeight("bias", ("bias",), gates=(0, 2, 1))
    bias = np.array([1, 2, 3, 4, 5, 6])
    stored = pack(rule, {"bias": bias}, (6,), np)
    np.testing.assert_array_equal(stored, [1, 2, 5, 6, 3, 4])
    np.testing.assert_array_equal(unpack(rule, stored, {"bias": (6,)}, np)["bias"], bias)


@pytest.mark.parametrize(
    ("rule", "shape", "stored"),
    [
        (KerasWeight("k", ("a",), (2, 3, 1, 0)), (8, 4, 3, 2), (3, 2, 4, 8)),
        (KerasWeight("k", ("a",), (2, 3, 0, 1)), (8, 1, 3, 2), (3, 2, 4, 2)),
        (KerasWeight("k", ("a", "b"), (), (1, 2, 0)), (6,), (2, 6)),
        (KerasWeight("k", ("a",), (1, 0), (3, 0, 2, 1)), (8, 3), (3, 8)),
        (KerasWeight("k", ("a",), (1, 0)), (12, 6), (6, 3, 4)),
    ],
    ids=str,
)
def test_weights_come_back(rule, shape, stored):
    random = np.random.default_rng(0)
    arrays = {role: random.normal(size=shape) for role in rule.roles}
    packed = pack(rule, arrays, stored, np)
    assert packed.shape == stored
    back = unpack(rule, packed, dict.fromkeys(rule.roles, shape), np)
    for role, array in arrays.items():
        np.testing.assert_array_equal(back[role], array)
