"""Activations: shapes, weights, costs and numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dsl.kinds.kind import KindError
from dsl.kinds.values import AxisName
from dsl.layers import activation as kinds
from dsl.layers.base import LayerError
from dsl.shapes.dim import symbol
from dsl.shapes.types import SIGNAL, TensorType
from tests.layers.harness import cases, pairwise, reference

VECTOR = TensorType((7,))
IMAGE = TensorType((4, 3, 5))
SIGNAL_TYPE = TensorType((4, 3), axes=SIGNAL)
CHANNELS_LAST = TensorType((3, 5, 4), axes=("height", "width", "channels"))
SYMBOLIC = TensorType((symbol("time"), 4))
PLAIN = [
    kinds.ReLU, kinds.ReLU6, kinds.SELU, kinds.SiLU, kinds.Mish, kinds.Sigmoid, kinds.Tanh,
    kinds.Softsign, kinds.Tanhshrink, kinds.LogSigmoid, kinds.Hardsigmoid, kinds.Hardswish,
]  # fmt: skip
ALONG_AXIS = [kinds.Softmax, kinds.LogSoftmax, kinds.Softmin, kinds.GLU]


def wide(random: np.random.Generator) -> list[np.ndarray]:
    """Numbers on both sides of every bend."""
    return [random.uniform(-9, 9, (3, 40))]


def wide_cases(kind, rows):
    return cases(kind, rows, TensorType((40,)), inputs=wide)


CASES = [case for kind in PLAIN for case in wide_cases(kind, [{}])]
CASES += [case for kind in PLAIN[:2] for case in cases(kind, [{}], IMAGE)]
CASES += wide_cases(kinds.LeakyReLU, pairwise(negative_slope=[0.01, 0.3, -0.5, 2.0]))
CASES += wide_cases(kinds.ELU, pairwise(alpha=[1.0, 0.5, 0.0, 2.0]))
CASES += wide_cases(kinds.CELU, pairwise(alpha=[1.0, 0.5, 2.0]))
CASES += wide_cases(kinds.GELU, pairwise(approximate=["none", "tanh"]))
CASES += wide_cases(kinds.Softplus, pairwise(beta=[1.0, 0.5, 3.0], threshold=[20.0, 1.0, -1.0]))
CASES += wide_cases(kinds.Softshrink, pairwise(lambd=[0.5, 0.0, 2.0]))
CASES += wide_cases(kinds.Hardshrink, pairwise(lambd=[0.5, 0.0, 2.0]))
CASES += wide_cases(kinds.Threshold, pairwise(threshold=[0.5, -1.0], value=[0.0, 7.0]))
CASES += wide_cases(kinds.Hardtanh, pairwise(min_val=[-1.0, 0.5], max_val=[1.0, 3.0]))
CASES += wide_cases(
    kinds.Clamp,
    pairwise(lambda row: set(row.values()) == {None}, min=[-1.0, None], max=[2.0, None]),
)
CASES += cases(kinds.PReLU, pairwise(num_parameters=[1, 4], init=[0.25, 0.5]), IMAGE)
for type in (SIGNAL_TYPE, CHANNELS_LAST, TensorType((3, 4)), TensorType((4,))):
    CASES += cases(kinds.PReLU, pairwise(num_parameters=[1, 4]), type)
CASES += cases(kinds.PReLU, [{}, {"num_parameters": 4}], SYMBOLIC, sizes={"time": 3})
CASES += cases(kinds.PReLU, [{}], TensorType(())) + cases(
    kinds.PReLU, [{}], TensorType((2, 3), batched=False)
)
for kind in ALONG_AXIS:
    for type in (TensorType((6,)), TensorType((3, 4)), IMAGE, CHANNELS_LAST):
        CASES += cases(kind, [{}], type)
    CASES += cases(kind, [{"dim": 0}, {"dim": AxisName("channels")}, {"dim": -3}], IMAGE)
    CASES += cases(kind, [{}], SYMBOLIC, sizes={"time": 3})
    CASES += cases(kind, [{}, {"dim": 0}], TensorType((2, 4), batched=False))
CASES += cases(kinds.Softmax, [{"dim": 1}, {"dim": AxisName("width")}, {"dim": -1}], IMAGE)

E = math.e
BY_HAND = [
    (kinds.ReLU.make(), [-2.0, 3.0], [0.0, 3.0]),
    (kinds.ReLU6.make(), [-2.0, 3.0, 8.0], [0.0, 3.0, 6.0]),
    (kinds.LeakyReLU.make(), [-2.0, 3.0], [-0.02, 3.0]),
    (kinds.LeakyReLU.make(0.5), [-2.0, 3.0], [-1.0, 3.0]),
    (kinds.ELU.make(2), [-1.0, 3.0], [2 / E - 2, 3.0]),
    (kinds.SELU.make(), [1.0, -1.0], [1.05070098, -1.11133074]),
    (kinds.CELU.make(2), [-2.0, 3.0], [2 / E - 2, 3.0]),
    (kinds.GELU.make(), [0.0, 1.0, -1.0], [0.0, 0.84134475, -0.15865525]),
    (kinds.GELU.make("tanh"), [1.0], [0.5 * (1 + math.tanh(0.7978845608 * 1.044715))]),
    (kinds.SiLU.make(), [1.0, -1.0], [E / (1 + E), -1 / (1 + E)]),
    (kinds.Mish.make(), [0.0, 1.0], [0.0, math.tanh(math.log(1 + E))]),
    (kinds.Sigmoid.make(), [0.0, 1.0], [0.5, E / (1 + E)]),
    (kinds.Tanh.make(), [0.0, 1.0], [0.0, (E - 1 / E) / (E + 1 / E)]),
    (kinds.Softplus.make(), [0.0, 1.0], [math.log(2), math.log(1 + E)]),
    (kinds.Softplus.make(2, 1), [0.0, 0.5, 1.0], [math.log(2) / 2, math.log(1 + E) / 2, 1.0]),
    (kinds.Softsign.make(), [-1.0, 3.0], [-0.5, 0.75]),
    (kinds.Softshrink.make(), [-2.0, 0.4, 1.0], [-1.5, 0.0, 0.5]),
    (kinds.Hardshrink.make(), [-2.0, 0.4, 1.0], [-2.0, 0.0, 1.0]),
    (kinds.Tanhshrink.make(), [1.0], [1 - math.tanh(1)]),
    (kinds.Threshold.make(1, 9), [0.0, 1.0, 2.0], [9.0, 9.0, 2.0]),
    (kinds.LogSigmoid.make(), [0.0], [-math.log(2)]),
    (kinds.Hardsigmoid.make(), [-4.0, 0.0, 1.0, 4.0], [0.0, 0.5, 2 / 3, 1.0]),
    (kinds.Hardswish.make(), [-4.0, -1.0, 1.0, 4.0], [0.0, -1 / 3, 2 / 3, 4.0]),
    (kinds.Hardtanh.make(-0.5, 2), [-4.0, 1.0, 4.0], [-0.5, 1.0, 2.0]),
    (kinds.Clamp.make(max=2), [-4.0, 1.0, 4.0], [-4.0, 1.0, 2.0]),
    (kinds.Clamp.make(-0.5, 2), [-4.0, 1.0, 4.0], [-0.5, 1.0, 2.0]),
    (kinds.Softmax.make(), [0.0, math.log(3)], [0.25, 0.75]),
    (kinds.LogSoftmax.make(), [0.0, math.log(3)], [math.log(0.25), math.log(0.75)]),
    (kinds.Softmin.make(), [0.0, math.log(3)], [0.75, 0.25]),
    (kinds.GLU.make(), [3.0, 5.0, 0.0, math.log(3)], [1.5, 3.75]),
]


@pytest.mark.parametrize(("layer", "x", "y"), BY_HAND, ids=[str(row[0]) for row in BY_HAND])
def test_numbers_by_hand(layer, x, y):
    run = reference(layer, [np.array([x])], {}, [TensorType((len(x),))])
    np.testing.assert_allclose(run.outputs[0], [y], rtol=1e-7)


def test_prelu_by_hand():
    x = np.array([[[-1.0, 2.0], [-4.0, 3.0]]])
    weights = {"weight": np.array([0.5, 0.25])}
    run = reference(kinds.PReLU.make(2), [x], weights, [TensorType((2, 2), axes=SIGNAL)])
    np.testing.assert_array_equal(run.outputs[0], [[[-0.5, 2.0], [-1.0, 3.0]]])
    run = reference(kinds.PReLU.make(2), [x], weights, [TensorType((2, 2))])  # features are last
    np.testing.assert_array_equal(run.outputs[0], [[[-0.5, 2.0], [-2.0, 3.0]]])


def test_softmax_takes_channels_where_named():
    x = np.zeros((1, 2, 1, 3))
    for type, share in ((TensorType((2, 1, 3)), 1 / 2), (TensorType((2, 1, 3), axes="abc"), 1 / 3)):
        run = reference(kinds.Softmax.make(), [x], {}, [type])
        np.testing.assert_allclose(run.outputs[0], share)


def test_shapes_weights_and_costs():
    assert kinds.ReLU.make().infer(IMAGE) == IMAGE
    assert kinds.GLU.make().infer(IMAGE) == IMAGE.with_dim(0, 2)
    assert kinds.GLU.make(dim=-1).infer(VECTOR.with_dim(0, 6)) == VECTOR.with_dim(0, 3)
    (weight,) = kinds.PReLU.make(4, 0.5).weights(IMAGE)
    assert (weight.role, weight.shape, weight.init.scheme, weight.init.value, weight.group) == (
        "weight", (4,), "constant", 0.5, "norm",
    )  # fmt: skip
    assert kinds.ReLU.make().weights(IMAGE) == ()
    assert kinds.ReLU.make().macs((IMAGE,), (IMAGE,)) == 0
    assert kinds.ReLU.make().elementwise((IMAGE,), (IMAGE,)) == 60
    assert kinds.GELU.make().elementwise((SYMBOLIC,), (SYMBOLIC,)) == 20 * symbol("time")


@pytest.mark.parametrize(
    ("layer", "type", "code"),
    [
        (kinds.ReLU.make(), TensorType((4,), "int64"), "MSL303"),
        (kinds.Softmax.make(), TensorType(()), "MSL302"),
        (kinds.Softmax.make(3), IMAGE, "MSL307"),
        (kinds.Softmax.make(AxisName("depth")), IMAGE, "MSL307"),
        (kinds.GLU.make(), VECTOR, "MSL308"),
        (kinds.GLU.make(0), SYMBOLIC, "MSL309"),
        (kinds.PReLU.make(3), IMAGE, "MSL334"),
        (kinds.PReLU.make(4), TensorType((4,), batched=False), "MSL321"),
    ],
)
def test_refuses(layer, type, code):
    with pytest.raises(LayerError) as caught:
        layer.infer(type)
    assert caught.value.code == code


def test_hardtanh_needs_room():
    with pytest.raises(KindError) as caught:
        kinds.Hardtanh.make(2)
    assert caught.value.arg == "min_val"


@pytest.mark.parametrize(("values", "arg"), [({}, "min"), ({"min": 2, "max": 1}, "max")])
def test_clamp_needs_bounds(values, arg):
    with pytest.raises(KindError) as caught:
        kinds.Clamp.make(**values)
    assert caught.value.arg == arg
