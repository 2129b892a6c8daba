"""Patches as columns and back: shapes, numbers by hand, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from dsl.layers.base import LayerError
from dsl.layers.patches import Fold, Unfold
from dsl.shapes.types import SIGNAL, TensorType
from tests.layers.harness import Case, cases, pairwise, reference

IMAGE_TYPE = TensorType((3, 7, 6))
WINDOWS = pairwise(
    kernel_size=[2, (3, 2)], dilation=[1, (1, 2)], padding=[0, (1, 2)], stride=[1, (2, 3)]
)


def columns(row, size):
    """The case of a fold whose input is what the unfold of an image of that size gives."""
    shape = Unfold.make(**row).infer(TensorType((2, *size))).shape
    return Case(Fold, {"output_size": size, **row}, (TensorType(shape, axes=SIGNAL),))


CASES = [
    *cases(Unfold, WINDOWS, IMAGE_TYPE),
    *(columns(row, (7, 6)) for row in WINDOWS),
    columns(WINDOWS[0], (5, 5)),
]


def test_shapes():
    assert Unfold.make(2, stride=2).infer(TensorType((3, 8, 6))).named() == (
        TensorType((12, 12), axes=SIGNAL).named()
    )
    assert Fold.make((8, 6), 2, stride=2).infer(TensorType((12, 12))).shape == (3, 8, 6)


def test_by_hand():
    x, types = [np.arange(6.0).reshape(1, 1, 2, 3)], [TensorType((1, 2, 3))]
    run = reference(Unfold.make(2), x, {}, types)
    np.testing.assert_array_equal(run.outputs[0][0], [[0, 1], [1, 2], [3, 4], [4, 5]])
    back = reference(Fold.make((2, 3), 2), run.outputs, {}, [TensorType((4, 2), axes=SIGNAL)])
    np.testing.assert_array_equal(back.outputs[0][0, 0], [[0, 2, 2], [3, 8, 5]])


@pytest.mark.parametrize(
    ("layer", "type", "code"),
    [
        (Unfold.make(9), IMAGE_TYPE, "MSL304"),
        (Unfold.make(2), TensorType((3, 7)), "MSL302"),
        (Fold.make(4, 2), TensorType((12, 8), axes=SIGNAL), "MSL310"),
        (Fold.make(1, 2), TensorType((12, 8), axes=SIGNAL), "MSL310"),
        (Fold.make(4, 2), TensorType((10, 9), axes=SIGNAL), "MSL308"),
    ],
)
def test_refuses(layer, type, code):
    with pytest.raises(LayerError) as caught:
        layer.infer(type)
    assert caught.value.code == code
