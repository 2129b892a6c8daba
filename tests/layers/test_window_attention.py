"""Windows of images: shapes, numbers worked out by hand, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dsl.layers.base import LayerError
from dsl.layers.window_attention import (
    LogRelativePosition2d,
    RelativePositionBias2d,
    RelativePositionIndex2d,
    ShiftedWindowMask,
    WindowMerge,
    WindowPartition,
)
from dsl.shapes.dim import symbol
from dsl.shapes.types import TensorType
from tests.layers.harness import cases, pairwise, reference

IMAGE = TensorType((3, 4, 8))
PIXELS = TensorType((4, 8, 3), axes=("height", "width", "channels"))
WINDOWS = TensorType((8, 4, 3), axes=("windows", "time", "features"))
LEARNED = TensorType((4, 4, 3), axes=("height", "width", "features"), batched=False)

CASES = [
    *cases(WindowPartition, [{"window": 2}, {"window": 4}, {"window": 1}], IMAGE),
    *cases(WindowPartition, [{"window": 2}, {"window": 4}], PIXELS),
    *cases(WindowMerge, [{"height": 4, "width": 8}, {"height": 8, "width": 4},
        {"height": 16, "width": 2}, {"height": 2, "width": 16}], WINDOWS),
    *cases(ShiftedWindowMask, pairwise(lambda row: row["shift"] >= row["window"],
        window=[2, 4], shift=[0, 1, 2, 3]), PIXELS),
    *cases(ShiftedWindowMask, [{"window": 2, "shift": 1}], IMAGE),
    *cases(ShiftedWindowMask, [{"window": 4, "shift": 3}],
        TensorType((4, 4, 1), axes=("height", "width", "features"))),
    *cases(RelativePositionBias2d, pairwise(heads=[1, 3], window=[1, 2, 3],
        class_token=[False, True])),
    *cases(RelativePositionIndex2d, [{"window": 1}, {"window": 3}]),
    *cases(LogRelativePosition2d, [{"window": 2}, {"window": 4}]),
]  # fmt: skip


def test_windows_and_back():
    x = np.arange(16.0).reshape(1, 4, 4, 1)
    pixels = TensorType((4, 4, 1), axes=("height", "width", "features"))
    cut = reference(WindowPartition.make(2), [x], {}, [pixels]).outputs[0]
    np.testing.assert_array_equal(
        cut[0, :, :, 0], [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]
    )
    windows = WindowPartition.make(2).infer(pixels)
    assert windows == TensorType((4, 4, 1), axes=("windows", "time", "features"))
    back = reference(WindowMerge.make(4, 4), [cut], {}, [windows]).outputs[0]
    np.testing.assert_array_equal(back, x)


def test_an_image_is_read_channels_first():
    assert WindowPartition.make(2).infer(IMAGE).shape == (8, 4, 3)
    assert WindowPartition.make(4).infer(PIXELS).shape == (2, 16, 3)
    assert ShiftedWindowMask.make(2, 1).infer(IMAGE).shape == (8, 4, 4)


def test_a_shift_separates_what_was_apart():
    """A row of two windows of 2 x 2, moved by 1: the last column, and the last row, are foreign."""
    image = TensorType((1, 2, 4))
    layer = ShiftedWindowMask.make(2, 1)
    mask = reference(layer, [np.zeros((1, 1, 2, 4))], {}, [image]).outputs[0]
    rows = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]], bool)
    np.testing.assert_array_equal(mask, [rows, np.eye(4, dtype=bool)])
    assert layer.infer(image) == TensorType((2, 4, 4), "bool", ("windows", None, None), False)
    whole = reference(ShiftedWindowMask.make(2, 0), [np.zeros((1, 1, 2, 4))], {}, [image])
    assert whole.outputs[0].all()


def test_distances_by_hand():
    """Pixels of a window of 2 x 2 have 9 distances; no distance is number 4, the middle one."""
    index = reference(RelativePositionIndex2d.make(2), [], {}, []).outputs[0]
    np.testing.assert_array_equal(index, [[4, 3, 1, 0], [5, 4, 2, 1], [7, 6, 4, 3], [8, 7, 5, 4]])
    layer = RelativePositionBias2d.make(heads=2, window=2)
    (weight,) = layer.weights()
    assert (weight.role, weight.shape, weight.group) == ("weight", (9, 2), "bias")
    table = np.arange(18.0).reshape(9, 2)
    bias = reference(layer, [], {"weight": table}, []).outputs[0]
    assert bias.shape == layer.infer().shape == (2, 4, 4)
    assert (bias[0, 0, 3], bias[1, 3, 0]) == (table[0, 0], table[8, 1])


def test_a_class_token_stands_in_front():
    layer = RelativePositionBias2d.make(heads=1, window=1, class_token=True)
    table = np.array([[1.0], [2.0], [3.0], [4.0]])  # pixel to itself, seen, seeing, itself
    bias = reference(layer, [], {"weight": table}, []).outputs[0]
    assert layer.weights()[0].shape == table.shape
    np.testing.assert_array_equal(bias, [[[4.0, 2.0], [3.0, 1.0]]])
    assert layer.infer().shape == bias.shape


def test_logarithms_by_hand():
    """In a window of 3, distances of 1 and 2 pixels become log2(5) / 3 and log2(9) / 3."""
    near, far = math.log2(5) / 3, math.log2(9) / 3
    rows = reference(LogRelativePosition2d.make(3), [], {}, []).outputs[0]
    np.testing.assert_allclose(rows[0], [-far, -far])
    np.testing.assert_allclose(rows[12], [0, 0])
    np.testing.assert_allclose(rows[13], [0, near])
    np.testing.assert_allclose(rows[17], [near, 0])
    assert rows.shape == LogRelativePosition2d.make(3).infer().shape


@pytest.mark.parametrize(
    ("layer", "type", "code"),
    [
        (WindowPartition.make(3), PIXELS, "MSL308"),
        (WindowPartition.make(2), TensorType((4, 3)), "MSL302"),
        (WindowPartition.make(2), WINDOWS, "MSL302"),
        (WindowPartition.make(2), LEARNED, "MSL321"),
        (WindowPartition.make(2), TensorType((3, 4, 4), "int64"), "MSL303"),
        (WindowPartition.make(2), TensorType((3, symbol("rows"), 4)), "MSL309"),
        (WindowMerge.make(4, 8), IMAGE, "MSL302"),
        (WindowMerge.make(4, 8), WINDOWS.with_dim(1, 5), "MSL310"),
        (WindowMerge.make(4, 6), WINDOWS, "MSL310"),
        (WindowMerge.make(3, 8), WINDOWS, "MSL308"),
        (ShiftedWindowMask.make(2, 2), PIXELS, "MSL311"),
        (ShiftedWindowMask.make(3, 1), PIXELS, "MSL308"),
    ],
)
def test_refuses(layer, type, code):
    with pytest.raises(LayerError) as caught:
        layer.infer(type)
    assert caught.value.code == code
