"""Normalisation: shapes, weights, costs and numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from dsl.layers.base import LayerError
from dsl.layers.normalization import (
    BatchNorm,
    GroupNorm,
    InstanceNorm,
    L2Normalize,
    LayerNorm,
    RMSNorm,
)
from dsl.shapes.dim import symbol
from dsl.shapes.types import SIGNAL, TensorType
from tests.layers.harness import cases, pairwise, reference

VECTOR = TensorType((5,))
SEQUENCE = TensorType((3, 4))
SIGNAL_TYPE = TensorType((4, 3), axes=SIGNAL)
IMAGE = TensorType((4, 3, 5))
VOLUME = TensorType((4, 2, 3, 2))
CHANNELS_LAST = TensorType((3, 5, 4), axes=("height", "width", "channels"))
FIVE = TensorType((4, 2, 1, 3, 2), axes=("channels", None, "depth", "height", "width"))
ONE = TensorType((5,), axes=("time",))
SYMBOLIC = TensorType((symbol("time"), 4))
RANKS = [SEQUENCE, SIGNAL_TYPE, IMAGE, VOLUME, CHANNELS_LAST, FIVE]
LEARNED = TensorType((3, 4), batched=False)

CASES = cases(
    BatchNorm, pairwise(eps=[1e-5, 0.1], momentum=[0.1, 0.3], affine=[True, False]), IMAGE
)
CASES += cases(BatchNorm, [{"scale": False}, {"scale": False, "affine": False}], IMAGE)
CASES += cases(BatchNorm, [{"scale": False, "momentum": 0.3}], VECTOR, batch=3)
for type in [VECTOR, ONE, *RANKS]:
    CASES += cases(BatchNorm, [{"momentum": 0.3}], type, batch=3)
CASES += cases(BatchNorm, [{}], SYMBOLIC, sizes={"time": 5})
for type in RANKS:
    CASES += cases(GroupNorm, [{"num_groups": 2}], type)
CASES += cases(
    GroupNorm, pairwise(num_groups=[1, 2, 4], eps=[1e-5, 0.1], affine=[True, False]), IMAGE
)
CASES += cases(GroupNorm, [{"num_groups": 2}], TensorType((10,)))
CASES += cases(GroupNorm, [{"num_groups": 2}], SYMBOLIC, sizes={"time": 5})
CASES += cases(InstanceNorm, pairwise(eps=[1e-5, 0.1], affine=[True, False]), IMAGE)
for type in RANKS:
    CASES += cases(InstanceNorm, [{"affine": True}, {}], type)
CASES += cases(
    LayerNorm,
    pairwise(eps=[1e-5, 0.1], elementwise_affine=[True, False], bias=[True, False], dims=[1, 2, 3]),
    TensorType((2, 3, 4), axes=(None, "time", "features")),
)
CASES += cases(LayerNorm, [{}], VECTOR) + cases(LayerNorm, [{}], SYMBOLIC, sizes={"time": 3})
CASES += cases(LayerNorm, [{"dims": 1}, {"dims": 2}, {"dims": 3}], IMAGE)
CASES += cases(LayerNorm, [{}], CHANNELS_LAST) + cases(LayerNorm, [{}], LEARNED)
CASES += cases(
    RMSNorm,
    pairwise(eps=[1e-6, 0.1], elementwise_affine=[True, False], dims=[1, 2, 3]),
    TensorType((2, 3, 4), axes=(None, "time", "features")),
)
CASES += cases(RMSNorm, [{}], SIGNAL_TYPE) + cases(RMSNorm, [{"dims": 3}, {"dims": 1}], IMAGE)
CASES += cases(RMSNorm, [{}], LEARNED) + cases(RMSNorm, [{}], SYMBOLIC, sizes={"time": 3})
CASES += cases(L2Normalize, pairwise(dim=[0, 1, -1], eps=[1e-12, 0.5, 20.0]), IMAGE)
CASES += cases(L2Normalize, [{}], LEARNED) + cases(L2Normalize, [{}], SYMBOLIC, sizes={"time": 3})


def test_batch_norm_by_hand():
    # channel 0 holds 1 and 3: mean 2, variance 1, unbiased 2; eps 3 makes the root 2
    x = np.array([[1.0, 10.0], [3.0, 10.0]])
    weights = {
        "weight": np.array([4.0, 1.0]),
        "bias": np.array([1.0, 5.0]),
        "running_mean": np.array([0.0, 10.0]),
        "running_var": np.array([1.0, 6.0]),
    }
    layer, types = BatchNorm.make(eps=3, momentum=0.25), [TensorType((2,))]
    run = reference(layer, [x], weights, types, training=True)
    np.testing.assert_allclose(run.outputs[0], [[-1.0, 5.0], [3.0, 5.0]])
    np.testing.assert_allclose(run.buffers["running_mean"], [0.5, 10.0])  # 0.75 * 0 + 0.25 * 2
    np.testing.assert_allclose(run.buffers["running_var"], [1.25, 4.5])  # 0.75 * 1 + 0.25 * 2
    run = reference(layer, [x], weights, types)
    np.testing.assert_allclose(run.outputs[0], [[3.0, 5.0], [7.0, 5.0]])  # root of 1 + 3 is 2
    np.testing.assert_allclose(run.buffers["running_mean"], [0.0, 10.0])


def test_batch_norm_acts_on_channels_of_an_image_and_features_of_a_sequence():
    image = np.zeros((1, 2, 1, 2))
    image[0, 0] = [[1.0, 3.0]]
    weights = {"running_mean": np.zeros(2), "running_var": np.ones(2)}
    layer = BatchNorm.make(eps=3, affine=False)
    run = reference(layer, [image], weights, [TensorType((2, 1, 2))], training=True)
    np.testing.assert_allclose(run.outputs[0], [[[[-0.5, 0.5]], [[0.0, 0.0]]]])
    sequence = np.array([[[1.0, 7.0], [3.0, 7.0]]])
    run = reference(layer, [sequence], weights, [TensorType((2, 2))], training=True)
    np.testing.assert_allclose(run.outputs[0], [[[-0.5, 0.0], [0.5, 0.0]]])


def test_group_and_instance_norm_by_hand():
    x = np.array([[[1.0, 1.0], [3.0, 3.0], [0.0, 2.0], [0.0, 2.0]]])  # [1, C=4, T=2]
    types = [TensorType((4, 2), axes=SIGNAL)]
    # two groups: mean 2 and 1, both of variance 1
    run = reference(GroupNorm.make(2, eps=3, affine=False), [x], {}, types)
    half = np.array([[[-1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [-1.0, 1.0]]]) / 2
    np.testing.assert_allclose(run.outputs[0], half)
    run = reference(InstanceNorm.make(eps=3), [x], {}, types)
    np.testing.assert_allclose(run.outputs[0][0, :2], 0)
    np.testing.assert_allclose(run.outputs[0][0, 2:], [[-0.5, 0.5], [-0.5, 0.5]])


def test_layer_and_rms_norm_by_hand():
    weights = {"weight": np.array([2.0, 4.0]), "bias": np.array([0.0, 1.0])}
    run = reference(LayerNorm.make(eps=3), [np.array([[1.0, 3.0]])], weights, [TensorType((2,))])
    np.testing.assert_allclose(run.outputs[0], [[-1.0, 3.0]])
    # mean square (1 + 49) / 2 = 25
    run = reference(
        RMSNorm.make(eps=11), [np.array([[1.0, 7.0]])], {"weight": np.array([6.0, 6.0])},
        [TensorType((2,))],
    )  # fmt: skip
    np.testing.assert_allclose(run.outputs[0], [[1.0, 7.0]])


def test_l2_normalize_by_hand():
    x = np.array([[3.0, 4.0]])
    run = reference(L2Normalize.make(), [x], {}, [TensorType((2,))])
    np.testing.assert_allclose(run.outputs[0], [[0.6, 0.8]])
    run = reference(L2Normalize.make(eps=10), [x], {}, [TensorType((2,))])
    np.testing.assert_allclose(run.outputs[0], [[0.3, 0.4]])


def roles(layer, *types):
    return [(w.role, w.shape, w.init.scheme, w.group) for w in layer.weights(*types)]


def test_weights():
    assert roles(BatchNorm.make(), IMAGE) == [
        ("weight", (4,), "ones", "norm"),
        ("bias", (4,), "zeros", "norm"),
        ("running_mean", (4,), "zeros", "buffer"),
        ("running_var", (4,), "ones", "buffer"),
    ]
    assert len(roles(BatchNorm.make(affine=False), IMAGE)) == 2
    assert [role for role, *_ in roles(BatchNorm.make(scale=False), IMAGE)][:1] == ["bias"]
    assert [role for role, *_ in roles(LayerNorm.make(bias=False), VECTOR)] == ["weight"]
    assert roles(LayerNorm.make(elementwise_affine=False), VECTOR) == []
    assert roles(LayerNorm.make(dims=3), IMAGE)[0][1] == (4, 3, 5)
    assert roles(RMSNorm.make(), VECTOR) == [("weight", (5,), "ones", "norm")]
    assert roles(InstanceNorm.make(), IMAGE) == []
    assert roles(GroupNorm.make(2), CHANNELS_LAST)[0][1] == (4,)


def test_costs():
    for layer, each in (
        (BatchNorm.make(), 2),
        (GroupNorm.make(2), 7),
        (InstanceNorm.make(), 5),
        (LayerNorm.make(dims=3, bias=False), 6),
        (RMSNorm.make(dims=3), 4),
    ):
        assert layer.infer(IMAGE) == IMAGE
        assert layer.macs((IMAGE,), (IMAGE,)) == 0
        assert layer.elementwise((IMAGE,), (IMAGE,)) == each * 60


@pytest.mark.parametrize(
    ("layer", "type", "code"),
    [
        (BatchNorm.make(), TensorType((4,), "int64"), "MSL303"),
        (BatchNorm.make(), TensorType((4, 5), axes=("height", "width")), "MSL330"),
        (BatchNorm.make(), TensorType(()), "MSL302"),
        (BatchNorm.make(), TensorType((symbol("n"),)), "MSL309"),
        (BatchNorm.make(), LEARNED, "MSL321"),
        (GroupNorm.make(3), IMAGE, "MSL305"),
        (InstanceNorm.make(), VECTOR, "MSL331"),
        (InstanceNorm.make(), TensorType((4, 1, 1)), "MSL331"),
        (LayerNorm.make(), IMAGE, "MSL332"),
        (LayerNorm.make(), TensorType(()), "MSL302"),
        (LayerNorm.make(dims=3), SEQUENCE, "MSL302"),
        (LayerNorm.make(), TensorType((4, symbol("time")), axes=SIGNAL), "MSL309"),
        (RMSNorm.make(), VOLUME, "MSL332"),
    ],
)
def test_refuses(layer, type, code):
    with pytest.raises(LayerError) as caught:
        layer.infer(type)
    assert caught.value.code == code
