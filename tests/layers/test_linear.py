"""`Linear`: shapes, weights, costs and numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from dsl.layers.base import LayerError
from dsl.layers.linear import Linear
from dsl.shapes.dim import symbol
from dsl.shapes.types import TensorType
from dsl.training.initializers import Normal
from tests.layers.harness import cases, pairwise, reference

VECTOR = TensorType((5,))
SEQUENCE = TensorType((symbol("time"), 3))

CASES = cases(Linear, pairwise(out_features=[1, 4], bias=[True, False]), VECTOR)
CASES += cases(Linear, [{"out_features": 2}], SEQUENCE, sizes={"time": 7})
for bias in (True, False):
    row = {"out_features": 2, "bias": bias, "init": Normal.make(0.02)}
    CASES += cases(Linear, [row], VECTOR)
for axes in (("channels", None, "features"), ("channels", "time", None)):
    CASES += cases(Linear, [{"out_features": 2}], TensorType((3, 4, 5), axes=axes))


def test_shape_weights_and_macs():
    layer = Linear.make(4)
    assert layer.infer(TensorType((7, 5))) == TensorType((7, 4))
    assert [(w.role, w.shape, w.group) for w in layer.weights(VECTOR)] == [
        ("weight", (4, 5), "weight"),
        ("bias", (4,), "bias"),
    ]
    assert layer.weights(VECTOR)[1].init.value == pytest.approx(1 / 5**0.5)
    assert layer.macs((TensorType((7, 5)),), (TensorType((7, 4)),)) == 7 * 4 * 5


def test_numbers_by_hand():
    weights = {"weight": np.array([[1.0, 2.0], [0.0, -1.0]]), "bias": np.array([10.0, 20.0])}
    run = reference(Linear.make(2), [np.array([[3.0, 4.0]])], weights, [TensorType((2,))])
    # 3*1 + 4*2 + 10 and 3*0 - 4 + 20
    np.testing.assert_array_equal(run.outputs[0], [[21.0, 16.0]])


@pytest.mark.parametrize(
    ("type", "code"),
    [
        (TensorType((3, 8, 8)), "MSL301"),
        (TensorType(()), "MSL302"),
        (TensorType((4,), "int64"), "MSL303"),
        (TensorType((symbol("time"),)), "MSL309"),
    ],
)
def test_refuses(type, code):
    with pytest.raises(LayerError) as caught:
        Linear.make(4).infer(type)
    assert caught.value.code == code
