"""Dropout: shapes, and numbers worked out by hand; `test_random` holds what backends draw."""

from __future__ import annotations

import numpy as np
import pytest

from dsl.kinds.values import BadValue
from dsl.layers.base import LayerError
from dsl.layers.dropout import AlphaDropout, Dropout, SpatialDropout, StochasticDepth
from dsl.shapes.types import SIGNAL, TensorType
from tests.layers.harness import cases, pairwise, reference

VECTOR = TensorType((5,))
SEQUENCE = TensorType((3, 4))
SIGNAL_TYPE = TensorType((4, 3), axes=SIGNAL)
IMAGE = TensorType((4, 3, 5))
VOLUME = TensorType((4, 2, 3, 2))
CHANNELS_LAST = TensorType((3, 5, 4), axes=("height", "width", "channels"))
FIVE = TensorType((4, 2, 1, 3, 2), axes=("channels", None, "depth", "height", "width"))

# What is drawn differs; in evaluation, and where p is 0 in training too, all hand their input on.
CASES = []
for kind in (Dropout, SpatialDropout, AlphaDropout, StochasticDepth):
    for type in (SEQUENCE, SIGNAL_TYPE, IMAGE, VOLUME, CHANNELS_LAST, FIVE):
        CASES += cases(kind, [{"p": 0.3}], type, training=False)
    CASES += cases(kind, [{"p": 0.0}], IMAGE)
CASES += cases(
    StochasticDepth, pairwise(p=[0.1, 0.9], mode=["row", "batch"]), IMAGE, training=False
)
CASES += cases(Dropout, [{"p": 0.3}], TensorType((3,), batched=False), training=False)
CASES += cases(StochasticDepth, [{"p": 0.3}], TensorType(()), training=False)


def draws(layer, x, numbers, types):
    run = reference(layer, [x], {}, types, True, lambda shape: np.array(numbers).reshape(shape))
    return run.outputs[0]


def test_dropout_by_hand():
    y = draws(Dropout.make(0.75), np.array([[1.0, 2.0, 3.0]]), [0.7, 0.75, 0.9], [VECTOR])
    np.testing.assert_array_equal(y, [[0.0, 8.0, 12.0]])


def test_spatial_dropout_by_hand():
    x = np.array([[[1.0, 2.0], [3.0, 4.0]]])
    types = [TensorType((2, 2), axes=SIGNAL)]
    y = draws(SpatialDropout.make(), x, [0.1, 0.6], types)
    np.testing.assert_array_equal(y, [[[0.0, 0.0], [6.0, 8.0]]])
    y = draws(SpatialDropout.make(), x, [0.1, 0.6], [TensorType((2, 2))])  # features are last
    np.testing.assert_array_equal(y, [[[0.0, 4.0], [0.0, 8.0]]])


def test_stochastic_depth_by_hand():
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    y = draws(StochasticDepth.make(0.5), x, [0.2, 0.8], [TensorType((2,))])
    np.testing.assert_array_equal(y, [[0.0, 0.0], [6.0, 8.0]])
    y = draws(StochasticDepth.make(0.5, "batch"), x, [0.8], [TensorType((2,))])
    np.testing.assert_array_equal(y, 2 * x)


def test_alpha_dropout_by_hand():
    # s^2 = 3.0909, so a = (0.5 * (1 + 0.5 * 3.0909))^-0.5 = 1 / sqrt(1.27273) = 0.8864
    y = draws(AlphaDropout.make(0.5), np.array([[0.0, 1.0]]), [0.1, 0.9], [TensorType((2,))])
    a = (0.5 * (1 + 0.5 * 1.7580993408**2)) ** -0.5
    np.testing.assert_allclose(a, 0.8864, rtol=1e-5)
    b = a * 0.5 * 1.7580993408
    np.testing.assert_allclose(y, [[-a * 1.7580993408 + b, a + b]], rtol=1e-8)


def test_shapes_and_costs():
    for layer in (Dropout.make(), SpatialDropout.make(), StochasticDepth.make(0.1)):
        assert layer.infer(IMAGE) == IMAGE
        assert layer.weights(IMAGE) == ()
        assert layer.macs((IMAGE,), (IMAGE,)) == 0
    assert Dropout.make().p == 0.5


@pytest.mark.parametrize(
    ("layer", "type", "code"),
    [
        (Dropout.make(), TensorType((4,), "int64"), "MSL303"),
        (SpatialDropout.make(), VECTOR, "MSL302"),
        (SpatialDropout.make(), TensorType((2, 2), axes=("height", "width")), "MSL330"),
        (SpatialDropout.make(), TensorType((2, 2), batched=False), "MSL321"),
        (StochasticDepth.make(0.1), TensorType((2, 2), batched=False), "MSL321"),
    ],
)
def test_refuses(layer, type, code):
    with pytest.raises(LayerError) as caught:
        layer.infer(type)
    assert caught.value.code == code


def test_all_may_not_be_zeroed():
    with pytest.raises(BadValue):
        Dropout.make(1.0)
