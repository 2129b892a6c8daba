"""Elementary functions of each element."""

from __future__ import annotations

import numpy as np
import pytest

from dsl.layers.base import LayerError
from dsl.layers.pointwise import Abs, Exp, Log, Power, Rsqrt, Sqrt
from dsl.shapes.types import TensorType
from tests.layers.harness import Case, cases, reference

IMAGE_TYPE = TensorType((3, 2, 4))
VECTOR_TYPE = TensorType((5,))


def positive(random):
    return [random.uniform(0.5, 3.0, size=(2, 5))]


CASES = [
    Case(Abs, {}, (IMAGE_TYPE,)),
    Case(Exp, {}, (IMAGE_TYPE,)),
    *(Case(kind, {}, (VECTOR_TYPE,), inputs=positive) for kind in (Log, Sqrt, Rsqrt)),
    *cases(Power, [{"exponent": 2}, {"exponent": 3}], IMAGE_TYPE),
    *cases(Power, [{"exponent": 0.5}, {"exponent": -1.5}], VECTOR_TYPE, inputs=positive),
]


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (Abs.make(), 4),
        (Exp.make(), np.e**4),
        (Log.make(), np.log(4)),
        (Sqrt.make(), 2),
        (Rsqrt.make(), 0.5),
        (Power.make(1.5), 8),
    ],
)
def test_by_hand(layer, expected):
    x = -4.0 if isinstance(layer, Abs) else 4.0
    run = reference(layer, [np.array([[x]])], {}, [TensorType((1,))])
    np.testing.assert_allclose(run.outputs[0], [[expected]])


def test_integers_are_refused():
    with pytest.raises(LayerError) as caught:
        Sqrt.make().infer(TensorType((3,), "int64"))
    assert caught.value.code == "MSL303"
