"""Pooling: shapes, refusals, and numbers worked out by hand."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from dsl.kinds.kind import KindError
from dsl.layers.base import LayerError
from dsl.layers.pooling import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
)
from dsl.shapes.dim import symbol
from dsl.shapes.types import SIGNAL, TensorType
from tests.layers.harness import cases, pairwise, reference

SIGNAL_3 = TensorType((3, 11), axes=SIGNAL)
IMAGE_3 = TensorType((3, 9, 10))
VOLUME_2 = TensorType((2, 5, 6, 7))
OPEN = TensorType((3, symbol("time")), axes=SIGNAL)


def refused(row):
    """Whether the padding is over half of the window, or both it and `ceil_mode` round up."""
    if isinstance(row["padding"], str):
        return row["padding"] == "same" and row["ceil_mode"]
    smallest = (
        min(row["kernel_size"]) if isinstance(row["kernel_size"], tuple) else row["kernel_size"]
    )
    most = max(row["padding"]) if isinstance(row["padding"], tuple) else row["padding"]
    return most > (row.get("dilation", 1) * (smallest - 1) + 1) // 2


WINDOW = {
    "kernel_size": [2, 3],
    "stride": [None, 1, 2, 4],
    "padding": [0, 1, "same", "valid"],
    "ceil_mode": [False, True],
}
UNEVEN = WINDOW | {
    "kernel_size": [2, (3, 2), 3],
    "stride": [None, 1, (2, 1), 4],
    "padding": [0, (1, 0), "same", "valid"],
}
MAX = {"dilation": [1, 2]}
MEAN = {"count_include_pad": [True, False]}
# TensorFlow pools volumes in float32 only
NO_FLOAT64 = {"keras_dtype": "float32"}

CASES = [
    *cases(MaxPool1d, pairwise(refused, **WINDOW, **MAX), SIGNAL_3),
    *cases(MaxPool2d, pairwise(refused, **UNEVEN, **MAX), IMAGE_3),
    *cases(MaxPool3d, pairwise(refused, **WINDOW, **MAX), VOLUME_2, **NO_FLOAT64),
    *cases(AvgPool1d, pairwise(refused, **WINDOW, **MEAN), SIGNAL_3),
    *cases(AvgPool2d, pairwise(refused, **UNEVEN, **MEAN), IMAGE_3),
    *cases(AvgPool3d, pairwise(refused, **WINDOW, **MEAN), VOLUME_2, **NO_FLOAT64),
    *cases(MaxPool1d, [{"kernel_size": 2}], TensorType((3, 8))),
    *cases(
        MaxPool1d,
        pairwise(
            kernel_size=[3], stride=[2], padding=[0, 1], ceil_mode=[True, False], dilation=[1, 2]
        ),
        OPEN,
        sizes={"time": 9},
    ),
    *cases(
        AvgPool1d,
        pairwise(kernel_size=[3], stride=[2], padding=[0, 1], ceil_mode=[True, False]),
        OPEN,
        sizes={"time": 9},
    ),
    *cases(
        AvgPool1d,
        [{"kernel_size": 3, "padding": "same", "count_include_pad": False}],
        OPEN,
        sizes={"time": 8},
    ),
]
for one, two, three in (
    (AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d),
    (AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveMaxPool3d),
):
    CASES += cases(one, pairwise(output_size=[1, 4, 11, 13]), SIGNAL_3)
    CASES += cases(two, pairwise(output_size=[1, 3, (4, 7), (9, 10), (2, 12)]), IMAGE_3)
    CASES += cases(three, pairwise(output_size=[1, (2, 4, 3)]), VOLUME_2, **NO_FLOAT64)


def masked(shape, channels, rows, random):
    """Values, and masks that are true in front, of the last row nowhere."""
    mask = np.arange(shape[0]) < np.array([shape[0], 3, 1, 0])[:rows, None]
    mask = np.broadcast_to(mask.reshape(mask.shape + (1,) * (len(shape) - 1)), (rows, *shape))
    values = random.normal(size=(rows, *shape, 3))
    return [np.moveaxis(values, -1, channels), np.array(mask)]


for kind, rows in ((GlobalAvgPool, 4), (GlobalMaxPool, 3)):  # the largest of nothing is infinite
    for x, shape, channels in (
        (TensorType((5, 3)), (5,), -1),
        (TensorType((3, 5), axes=SIGNAL), (5,), 1),
        (TensorType((3, 4, 2)), (4, 2), 1),
    ):
        made = functools.partial(masked, shape, channels, rows)
        CASES += cases(kind, [{}], x, TensorType(shape, "bool"), inputs=made)
for kind in (GlobalAvgPool, GlobalMaxPool):
    for x in (SIGNAL_3, IMAGE_3, VOLUME_2, TensorType((7, 4))):
        CASES += cases(kind, [{}], x)
    CASES += cases(kind, [{}], OPEN, sizes={"time": 5})
    CASES += cases(kind, [{}], TensorType((symbol("time"), 4)), sizes={"time": 5})


@pytest.mark.parametrize(
    ("layer", "x", "y"),
    [
        (MaxPool2d.make(2), (3, 9, 8), (3, 4, 4)),
        (MaxPool2d.make(2, ceil_mode=True), (3, 9, 8), (3, 5, 4)),
        (MaxPool2d.make(3, stride=2, padding=1), (64, 112, 112), (64, 56, 56)),
        (MaxPool2d.make(3, padding="same"), (3, 10, 9), (3, 4, 3)),
        (MaxPool2d.make(2, stride=3, ceil_mode=True), (3, 9, 10), (3, 3, 4)),
        (MaxPool1d.make(3, stride=1, dilation=2), (3, 9), (3, 5)),
        (AvgPool3d.make((1, 2, 3)), (3, 4, 4, 6), (3, 4, 2, 2)),
        (AdaptiveAvgPool2d.make((7, 1)), (3, 9, 8), (3, 7, 1)),
        (GlobalAvgPool.make(), (64, 7, 7), (64,)),
        (GlobalMaxPool.make(), (12, 5), (5,)),
    ],
    ids=str,
)
def test_shapes(layer, x, y):
    assert layer.infer(TensorType(x)).shape == y


def test_global_pooling_keeps_channels_or_features():
    assert GlobalAvgPool.make().infer(SIGNAL_3).shape == (3,)
    y = GlobalAvgPool.make().infer(TensorType((symbol("time"), 5)))
    assert (y.shape, y.axes) == ((5,), ("features",))


def test_symbolic_sizes():
    x = TensorType((3, symbol("time")), axes=SIGNAL)
    assert str(MaxPool1d.make(2).infer(x).shape[1]) == "(time // 2)"
    assert str(MaxPool1d.make(2, padding="same").infer(x).shape[1]) == "((time + 1) // 2)"
    with pytest.raises(LayerError) as caught:
        MaxPool1d.make(2, stride=4, ceil_mode=True).infer(x)
    assert caught.value.code == "MSL309"


def one_channel(values):
    return np.array(values, dtype=float)[None, None]


def run(layer, x):
    kind = TensorType(np.shape(x)[1:], axes=SIGNAL if np.ndim(x) == 3 else ())
    return reference(layer, [x], {}, [kind]).outputs[0][0, 0]


def test_largest_by_hand():
    x = one_channel([[1, 5, 2], [9, 3, 4], [0, 8, 7]])
    np.testing.assert_array_equal(run(MaxPool2d.make(2, stride=1), x), [[9, 5], [9, 8]])
    np.testing.assert_array_equal(run(MaxPool2d.make(2, ceil_mode=True), x), [[9, 4], [8, 7]])
    # windows 0 2 of the rows and columns of 0 .. 2
    np.testing.assert_array_equal(run(MaxPool2d.make(2, dilation=2), x), [[7]])
    # added cells are never the largest
    np.testing.assert_array_equal(run(MaxPool1d.make(2, padding=1), -one_channel([1, 2])), [-1, -2])


def test_mean_by_hand():
    x = one_channel([6.0, 12, 18, 24])
    # windows (0, 6, 12) (18, 24, 0)
    np.testing.assert_array_equal(run(AvgPool1d.make(3, padding=1), x), [6, 14])
    y = run(AvgPool1d.make(3, padding=1, count_include_pad=False), x)
    np.testing.assert_array_equal(y, [9, 21])
    # windows (6, 12, 18) (24): what sticks out does not count
    np.testing.assert_array_equal(run(AvgPool1d.make(3, ceil_mode=True), x), [12, 24])
    # with padding 1: (0, 6, 12) (12, 18, 24) (24, 0 added, one beyond)
    y = run(AvgPool1d.make(3, stride=2, padding=1, ceil_mode=True), x)
    np.testing.assert_array_equal(y, [6, 18, 12])


def test_same_by_hand():
    x = one_channel([6.0, 12, 18, 24])
    # three added cells for four windows of four: one in front, two behind
    y = run(AvgPool1d.make(4, stride=1, padding="same"), x)
    np.testing.assert_array_equal(y, [9, 15, 13.5, 10.5])
    np.testing.assert_array_equal(run(MaxPool1d.make(3, padding="same"), x), [12, 24])


def test_adaptive_by_hand():
    x = one_channel([1.0, 2, 3, 4, 5])
    # windows 0 .. 2, 1 .. 4, 3 .. 5 (ends not included)
    np.testing.assert_array_equal(run(AdaptiveAvgPool1d.make(3), x), [1.5, 3, 4.5])
    np.testing.assert_array_equal(run(AdaptiveMaxPool1d.make(3), x), [2, 4, 5])


def test_global_by_hand():
    x = np.array([[[1.0, 2, 6], [4, 5, 0]]])
    outputs = reference(GlobalAvgPool.make(), [x], {}, [TensorType((2, 3), axes=SIGNAL)]).outputs
    np.testing.assert_array_equal(outputs[0], [[3, 3]])
    outputs = reference(GlobalMaxPool.make(), [x], {}, [TensorType((2, 3))]).outputs
    np.testing.assert_array_equal(outputs[0], [[4, 5, 6]])


@pytest.mark.parametrize(
    ("layer", "x", "code"),
    [
        (MaxPool2d.make(2), TensorType((9, 9)), "MSL302"),
        (MaxPool2d.make(2), TensorType((3, 9, 9), "int64"), "MSL303"),
        (AvgPool2d.make(5), TensorType((3, 4, 9)), "MSL304"),
        (AdaptiveAvgPool1d.make(2), OPEN, "MSL309"),
        (GlobalAvgPool.make(), TensorType((3,)), "MSL302"),
        (GlobalAvgPool.make(), TensorType((3, 2, 2), "bool"), "MSL303"),
        (GlobalMaxPool.make(), TensorType((3, 2, 2), batched=False), "MSL321"),
    ],
    ids=str,
)
def test_refuses(layer, x, code):
    with pytest.raises(LayerError) as caught:
        layer.infer(x)
    assert caught.value.code == code


def test_arguments_are_held_against_each_other():
    with pytest.raises(KindError, match="more than half"):
        MaxPool2d.make(2, padding=2)
    with pytest.raises(KindError, match="rounds up by itself"):
        AvgPool2d.make(2, padding="same", ceil_mode=True)
    MaxPool2d.make(2, padding=1)
