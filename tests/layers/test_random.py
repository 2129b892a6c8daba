"""What both backends draw: zeros of dropout in training, and starting values."""

from __future__ import annotations

import math

import numpy as np
import pytest

import backends.tensorflow.layers.families
import backends.torch.layers.families  # noqa: F401
from dsl.layers.dropout import AlphaDropout, Dropout, SpatialDropout, StochasticDepth
from dsl.layers.parameter import Parameter
from dsl.shapes.types import SIGNAL, TensorType
from dsl.training import initializers as kinds
from tests.layers.harness import keras_model, run_keras, run_torch, torch_module

pytestmark = [pytest.mark.torch, pytest.mark.tensorflow]

VECTOR = TensorType((5,))
SEQUENCE = TensorType((3, 4))
SIGNAL_TYPE = TensorType((4, 3), axes=SIGNAL)
IMAGE = TensorType((4, 3, 5))
VOLUME = TensorType((4, 2, 3, 2))
CHANNELS_LAST = TensorType((3, 5, 4), axes=("height", "width", "channels"))
FIVE = TensorType((4, 2, 1, 3, 2), axes=("channels", None, "depth", "height", "width"))
RUNS = [run_torch, run_keras]
MASKED = [
    (SpatialDropout.make(0.25), IMAGE, (2, 3)),
    (SpatialDropout.make(0.25), SEQUENCE, (1,)),
    (SpatialDropout.make(0.25), SIGNAL_TYPE, (2,)),
    (SpatialDropout.make(0.25), VOLUME, (2, 3, 4)),
    (SpatialDropout.make(0.25), CHANNELS_LAST, (1, 2)),
    (SpatialDropout.make(0.25), FIVE, (2, 3, 4, 5)),
    (StochasticDepth.make(0.25), IMAGE, (1, 2, 3)),
    (StochasticDepth.make(0.25), VECTOR, (1,)),
    (Dropout.make(0.25), VECTOR, ()),
]


@pytest.mark.parametrize("run", RUNS, ids=["torch", "keras"])
@pytest.mark.parametrize(
    ("layer", "type", "shared"), MASKED, ids=[f"{row[0]} on {row[1]}" for row in MASKED]
)
def test_a_quarter_is_zero_and_the_rest_scaled(run, layer, type, shared):
    x = np.ones((400, *type.shape))
    y = run(layer, [x], {}, [type], training=True).outputs[0]
    assert set(np.round(np.unique(y), 9)) <= {0.0, round(4 / 3, 9)}
    first = y[tuple(slice(0, 1) if axis in shared else slice(None) for axis in range(y.ndim))]
    np.testing.assert_array_equal(y, np.broadcast_to(first, y.shape))  # one draw for all of these
    # mean of n draws of variance p (1 - p): within five deviations
    assert abs((first == 0).mean() - 0.25) < 5 * (0.25 * 0.75 / first.size) ** 0.5
    if first.size > 1000:  # neighbours are drawn on their own
        assert (first.reshape(400, -1)[:, 0] != first.reshape(400, -1)[:, 1]).any()


@pytest.mark.parametrize("run", RUNS, ids=["torch", "keras"])
def test_batch_mode_draws_once(run):
    layer = StochasticDepth.make(0.5, "batch")
    runs = [run(layer, [np.ones((6, 3))], {}, [TensorType((3,))], training=True) for _ in range(20)]
    found = {tuple(np.unique(each.outputs[0])) for each in runs}
    assert found == {(0.0,), (2.0,)}


@pytest.mark.parametrize("run", RUNS, ids=["torch", "keras"])
def test_alpha_dropout_keeps_mean_and_variance(run):
    x = np.random.default_rng(0).normal(size=(4000, 5))
    y = run(AlphaDropout.make(0.3), [x], {}, [VECTOR], training=True).outputs[0]
    assert abs(y.mean()) < 0.04
    assert abs(y.var() - 1) < 0.05
    a = (0.7 * (1 + 0.3 * 1.7580993408**2)) ** -0.5
    low = -1.7580993408 * a * 0.7
    assert abs(np.isclose(y, low, rtol=1e-6).mean() - 0.3) < 0.02


def torch_value(layer):
    return torch_module(layer, [])[0].layer.detach().numpy()


def keras_value(layer):
    return np.array(keras_model(layer, [])[0].layer.value)


DRAWN = [
    (kinds.Zeros.make(), 0.0, 0.0, (0.0, 0.0)),
    (kinds.Ones.make(), 1.0, 0.0, (1.0, 1.0)),
    (kinds.Constant.make(0.5), 0.5, 0.0, (0.5, 0.5)),
    (kinds.Normal.make(0.02), 0.0, 0.02, (-0.2, 0.2)),
    (kinds.Normal.make(2, 5), 5.0, 2.0, (-15, 25)),
    (kinds.TruncatedNormal.make(2, 1), 1.0, 2 * 0.8796, (-3, 5)),
    (kinds.Uniform.make(-3, 1), -1.0, 4 / math.sqrt(12), (-3, 1)),
    (
        kinds.XavierUniform.make(),
        0.0,
        math.sqrt(2 / 160),
        (-math.sqrt(6 / 160), math.sqrt(6 / 160)),
    ),
    (kinds.XavierNormal.make(3), 0.0, 3 * math.sqrt(2 / 160), (-2, 2)),
    (kinds.KaimingUniform.make(), 0.0, math.sqrt(2 / 60), (-1, 1)),
    (kinds.KaimingNormal.make(0.5, "fan_out"), 0.0, math.sqrt(2 / 1.25 / 100), (-1, 1)),
    (kinds.Orthogonal.make(2), 0.0, 2 / 10, (-2, 2)),
]


@pytest.mark.parametrize("value", [torch_value, keras_value], ids=["torch", "keras"])
@pytest.mark.parametrize(
    ("init", "mean", "std", "bounds"), DRAWN, ids=[str(row[0]) for row in DRAWN]
)
def test_both_backends_start_alike(value, init, mean, std, bounds):
    array = value(Parameter.make((100, 60), init=init))
    assert array.shape == (100, 60)
    assert abs(array.mean() - mean) <= 5 * std / math.sqrt(6000) + 1e-7
    assert array.std() == pytest.approx(std, rel=0.06, abs=1e-7)
    assert array.min() >= bounds[0] - 1e-6
    assert array.max() <= bounds[1] + 1e-6
    if isinstance(init, kinds.Orthogonal):
        np.testing.assert_allclose(array.T @ array, 4 * np.eye(60), atol=1e-4)


@pytest.mark.parametrize("value", [torch_value, keras_value], ids=["torch", "keras"])
def test_two_of_one_kind_differ(value):
    layer = Parameter.make((5,), init=kinds.Normal.make())
    assert not np.array_equal(value(layer), value(layer))
