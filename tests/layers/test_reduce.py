"""Reductions: shapes, names, costs and numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from dsl.kinds.values import AxisName, BadValue
from dsl.layers.base import LayerError
from dsl.layers.reduce import Max, Mean, Min, Sum
from dsl.shapes.dim import symbol
from dsl.shapes.types import SIGNAL, TensorType
from tests.layers.harness import cases, pairwise, reference

IMAGE = TensorType((4, 3, 5))
SEQUENCE = TensorType((3, 5))
SYMBOLIC = TensorType((symbol("time"), 5))
MIXED = TensorType((2, 3, 4, 5), axes=("depth", "channels", "height", "width"))
SPATIAL = (AxisName("height"), AxisName("width"))
DIMS = [None, 0, 1, -1, -3, AxisName("channels"), SPATIAL, (0, -1), (2, 0, 1)]

CASES = [case for kind in (Mean, Sum, Max, Min) for case in cases(
    kind, pairwise(dim=DIMS, keepdim=[False, True]), IMAGE
)]  # fmt: skip
CASES += cases(Mean, pairwise(dim=[0, 2], keepdim=[False, True]), MIXED)
CASES += cases(
    Mean,
    [{"dim": AxisName("time"), "keepdim": keep} for keep in (False, True)],
    SYMBOLIC,
    sizes={"time": 3},
)
CASES += cases(Mean, [{"dim": 0}, {"dim": AxisName("time")}], TensorType((3, 5), axes=SIGNAL))
CASES += cases(Sum, [{}, {"dim": 0}], TensorType((5,), "int64"))
CASES += cases(Sum, [{}], TensorType(()))
CASES += cases(Sum, [{}, {"dim": 0}, {"dim": -1}], TensorType((3, 5), batched=False))


def test_numbers_by_hand():
    x = np.array([[[1.0, 2.0], [3.0, 6.0]]])
    types = [TensorType((2, 2))]
    for layer, expected in (
        (Mean.make(), [3.0]),
        (Mean.make(0), [[2.0, 4.0]]),
        (Sum.make(AxisName("features")), [[3.0, 9.0]]),
        (Max.make(0, keepdim=True), [[[3.0, 6.0]]]),
        (Min.make((0, 1)), [1.0]),
    ):
        np.testing.assert_array_equal(reference(layer, [x], {}, types).outputs[0], expected)


def test_shapes_and_names():
    assert Mean.make().infer(IMAGE) == TensorType(())
    assert Mean.make(SPATIAL).infer(IMAGE) == TensorType((4,), axes=("features",))
    assert Mean.make(SPATIAL, True).infer(IMAGE) == TensorType((4, 1, 1))
    assert Mean.make(1).infer(IMAGE) == TensorType((4, 5), axes=("channels", "width"))
    assert Mean.make(0).infer(MIXED) == TensorType((3, 4, 5))
    assert Mean.make(AxisName("time")).infer(SYMBOLIC) == TensorType((5,))
    assert Sum.make(-1).infer(SYMBOLIC).shape == (symbol("time"),)
    assert Sum.make().infer(TensorType((3,), batched=False)) == TensorType((), batched=False)
    assert Sum.make().infer(TensorType((3,), "int64")).dtype == "int64"


def test_costs():
    assert Mean.make().elementwise((IMAGE,), (TensorType(()),)) == 60
    assert Mean.make().macs((IMAGE,), (TensorType(()),)) == 0
    assert Mean.make().weights(IMAGE) == ()


@pytest.mark.parametrize(
    ("layer", "type", "code"),
    [
        (Mean.make(), TensorType((4,), "int64"), "MSL303"),
        (Sum.make(), TensorType((4,), "bool"), "MSL303"),
        (Mean.make(3), IMAGE, "MSL307"),
        (Mean.make(AxisName("depth")), IMAGE, "MSL307"),
        (Mean.make((0, -3)), IMAGE, "MSL307"),
    ],
)
def test_refuses(layer, type, code):
    with pytest.raises(LayerError) as caught:
        layer.infer(type)
    assert caught.value.code == code


def test_no_axes_are_no_list():
    with pytest.raises(BadValue):
        Mean.make(())
