"""`Parameter` and the initializers: weights, and how they start by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dsl.kinds.kind import KindError
from dsl.layers.parameter import Parameter
from dsl.shapes.types import TensorType
from dsl.training import initializers as kinds
from tests.layers.harness import cases, pairwise, reference

CASES = cases(
    Parameter,
    pairwise(shape=[(1, 6), (), (4,), (4, 2, 3)], init=[None, kinds.Normal.make(0.02)]),
)


def test_type_weights_and_value():
    layer = Parameter.make((2, 3), init=kinds.Normal.make(0.5, 1.0))
    assert layer.infer() == TensorType((2, 3), batched=False)
    (weight,) = layer.weights()
    assert (weight.role, weight.shape, weight.group) == ("", (2, 3), "weight")
    assert (weight.init.scheme, weight.init.value, weight.init.mean) == ("normal", 0.5, 1.0)
    assert Parameter.make((2,)).weights()[0].init.scheme == "zeros"
    assert layer.macs((), (layer.infer(),)) == layer.elementwise((), (layer.infer(),)) == 0
    value = np.array([1.0, 2.0])
    assert reference(Parameter.make((2,)), [], {"": value}, []).outputs[0] is value


@pytest.mark.parametrize(
    ("init", "shape", "expected"),
    [
        (kinds.Zeros.make(), (3,), ("zeros", 0, 0)),
        (kinds.Ones.make(), (3,), ("ones", 0, 0)),
        (kinds.Constant.make(2), (3,), ("constant", 2, 0)),
        (kinds.Normal.make(), (3,), ("normal", 1, 0)),
        (kinds.TruncatedNormal.make(0.1, 1), (3,), ("truncated_normal", 0.1, 1)),
        (kinds.Uniform.make(), (3,), ("uniform", 0.5, 0.5)),
        (kinds.Uniform.make(-3, 1), (3,), ("uniform", 2, -1)),
        # fan_in 4 * 3, fan_out 2 * 3: sqrt(6 / 18) and sqrt(2 / 18)
        (kinds.XavierUniform.make(2), (2, 4, 3), ("uniform", 2 * math.sqrt(1 / 3), 0)),
        (kinds.XavierNormal.make(), (2, 4, 3), ("normal", 1 / 3, 0)),
        # sqrt(2) * sqrt(3 / 12) and sqrt(2) / sqrt(6)
        (kinds.KaimingUniform.make(), (2, 4, 3), ("uniform", math.sqrt(0.5), 0)),
        (kinds.KaimingNormal.make(mode="fan_out"), (2, 4, 3), ("normal", math.sqrt(1 / 3), 0)),
        (kinds.KaimingNormal.make(1), (2, 4), ("normal", 0.5, 0)),
        (kinds.KaimingNormal.make(nonlinearity="tanh"), (2, 4), ("normal", 5 / 6, 0)),
        (kinds.Orthogonal.make(2), (2, 4), ("orthogonal", 2, 0)),
    ],
    ids=str,
)
def test_starts_by_hand(init, shape, expected):
    start = init.start(shape)
    assert (start.scheme, start.value, start.mean) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("kind", "values", "arg"),
    [
        (kinds.Uniform, {"low": 1, "high": 1}, "high"),
        (Parameter, {"shape": (3,), "init": kinds.XavierUniform.make()}, "init"),
        (Parameter, {"shape": (3, 2, 1), "init": kinds.Orthogonal.make()}, "init"),
    ],
)
def test_refuses(kind, values, arg):
    with pytest.raises(KindError) as caught:
        kind.make(**values)
    assert caught.value.arg == arg
