"""Learned weights of whole values: shapes, starts, numbers by hand, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from dsl.kinds.kind import KindError
from dsl.layers.base import LayerError
from dsl.layers.blend import LayerScale, WeightedSum
from dsl.shapes.types import SIGNAL, TensorType
from tests.layers.harness import Case, cases, pairwise, reference

IMAGE_TYPE = TensorType((3, 2, 4))
SIGNAL_TYPE = TensorType((3, 5), axes=SIGNAL)
SEQUENCE_TYPE = TensorType((5, 3))
LAST_TYPE = TensorType((2, 4, 3), axes=("height", "width", "channels"))
MIDDLE_TYPE = TensorType((2, 3, 4), axes=("height", "channels", "width"))
WEIGHTS = pairwise(
    exclude=lambda row: "eps" in row and row["normalize"] != "relu",
    normalize=["softmax", "relu", "none"],
    gain=[False, True],
)

CASES = [
    *(Case(LayerScale, {"init": 0.1}, (x,)) for x in (
        IMAGE_TYPE, SIGNAL_TYPE, SEQUENCE_TYPE, LAST_TYPE, MIDDLE_TYPE, TensorType((3,)))),
    Case(LayerScale, {}, (IMAGE_TYPE,)),
    *cases(WeightedSum, WEIGHTS, IMAGE_TYPE, IMAGE_TYPE, IMAGE_TYPE),
    Case(WeightedSum, {"normalize": "relu", "eps": 0.5}, (SEQUENCE_TYPE, SEQUENCE_TYPE)),
    Case(WeightedSum, {"gain": True}, (IMAGE_TYPE, TensorType((3, 1, 1), batched=False))),
]  # fmt: skip


def test_starts():
    assert [w.init.value for w in LayerScale.make(0.5).weights(IMAGE_TYPE)] == [0.5]
    shapes = {w.role: (w.shape, w.init.scheme) for w in WeightedSum.make(gain=True).weights(1, 2)}
    assert shapes == {"weight": ((2,), "zeros"), "gain": ((1,), "ones")}
    (weight,) = WeightedSum.make("relu").weights(1, 2, 3)
    assert (weight.shape, weight.init.scheme) == ((3,), "ones")


def test_by_hand():
    types = [TensorType((1,)), TensorType((1,))]
    given = [np.array([[1.0]]), np.array([[5.0]])]
    even = {"weight": np.zeros(2), "gain": np.array([2.0])}
    run = reference(WeightedSum.make(gain=True), given, even, types)
    np.testing.assert_allclose(run.outputs[0], [[6.0]])
    # relu gives 3 and 0, so that the share of the first is 3 / (1 + 3)
    run = reference(
        WeightedSum.make("relu", eps=1.0), given, {"weight": np.array([3.0, -1.0])}, types
    )
    np.testing.assert_allclose(run.outputs[0], [[0.75]])


def test_operations():
    types = (IMAGE_TYPE, IMAGE_TYPE, IMAGE_TYPE)
    assert WeightedSum.make().elementwise(types, (IMAGE_TYPE,)) == 5 * 24
    assert LayerScale.make().elementwise((IMAGE_TYPE,), (IMAGE_TYPE,)) == 24


def test_refuses():
    with pytest.raises(KindError):
        WeightedSum.make(eps=0.1)
    with pytest.raises(LayerError) as caught:
        WeightedSum.make().infer(IMAGE_TYPE, SIGNAL_TYPE)
    assert caught.value.code == "MSL306"
    with pytest.raises(LayerError) as caught:
        LayerScale.make().infer(TensorType((3,), batched=False))
    assert caught.value.code == "MSL321"
