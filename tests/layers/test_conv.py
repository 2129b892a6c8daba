"""Convolutions: shapes, weights, costs, refusals, and numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from dsl.kinds.kind import KindError
from dsl.kinds.values import BadValue
from dsl.layers.base import LayerError
from dsl.layers.conv import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from dsl.shapes.dim import symbol
from dsl.shapes.types import SIGNAL, TensorType
from tests.layers.harness import cases, pairwise, reference

SIGNAL_4 = TensorType((4, 11), axes=SIGNAL)
IMAGE_4 = TensorType((4, 9, 8))
VOLUME_4 = TensorType((4, 5, 6, 7))

CONVOLUTIONS = {
    "out_channels": [4, 8],
    "stride": [1, 2, 3],
    "padding": [0, 1, 2, "same", "valid"],
    "dilation": [1, 2],
    "groups": [1, 2, 4],
    "bias": [True, False],
}
UNEVEN = {"stride": [1, 2, (1, 3)], "padding": [0, 1, (2, 0), "same"], "dilation": [1, (2, 1)]}

TRANSPOSED = {
    "out_channels": [4, 8],
    "stride": [1, 2, 3],
    "padding": [0, 1, 2],
    "output_padding": [0, 1, 2],
    "groups": [1, 2, 4],
    "bias": [True, False],
    "dilation": [1, 2],
}
UNEVEN_TRANSPOSED = {
    "stride": [1, 3, (1, 2)],
    "padding": [0, 1, (0, 2)],
    "output_padding": [0, (0, 1)],
}


def each(value):
    """A value for each of two dimensions."""
    return value if isinstance(value, tuple) else (value, value)


def open_at_the_end(row):
    """Whether an output padding is not smaller than the stride or the dilation."""
    extra, stride, dilation = (each(row[key]) for key in ("output_padding", "stride", "dilation"))
    return any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation))


CASES = [
    *cases(Conv1d, pairwise(kernel_size=[1, 3, 4], **CONVOLUTIONS), SIGNAL_4),
    *cases(Conv2d, pairwise(kernel_size=[1, 3, (2, 4)], **CONVOLUTIONS | UNEVEN), IMAGE_4),
    *cases(Conv3d, pairwise(kernel_size=[1, (3, 2, 3)], **CONVOLUTIONS), VOLUME_4),
    *cases(Conv1d, [{"out_channels": 4, "kernel_size": 3, "padding": 1}], TensorType((4, 11))),
    *cases(
        Conv1d,
        pairwise(out_channels=[4], kernel_size=[3], stride=[1, 2], padding=[0, 1, 2, "same"]),
        TensorType((4, symbol("time")), axes=SIGNAL),
        sizes={"time": 10},
    ),
    *cases(
        ConvTranspose1d,
        pairwise(open_at_the_end, kernel_size=[2, 3, 4], **TRANSPOSED),
        SIGNAL_4,
    ),
    *cases(
        ConvTranspose2d,
        pairwise(open_at_the_end, kernel_size=[2, 4, (3, 5)], **TRANSPOSED | UNEVEN_TRANSPOSED),
        IMAGE_4,
    ),
    *cases(
        ConvTranspose3d,
        pairwise(open_at_the_end, kernel_size=[2, (3, 2, 3)], **TRANSPOSED),
        VOLUME_4,
    ),
    *cases(
        ConvTranspose1d,
        pairwise(out_channels=[4], kernel_size=[3], stride=[1, 2], groups=[1, 2], padding=[0, 1]),
        TensorType((4, symbol("time")), axes=SIGNAL),
        sizes={"time": 5},
    ),
    # one group and no dilation: Keras' own layer, cut by hand
    *cases(
        ConvTranspose2d,
        pairwise(
            open_at_the_end,
            out_channels=[4],
            kernel_size=[2, 4, (3, 5)],
            dilation=[1],
            groups=[1],
            **UNEVEN_TRANSPOSED,
        ),
        IMAGE_4,
    ),
]


@pytest.mark.parametrize(
    ("layer", "x", "y"),
    [
        (Conv2d.make(64, 7, stride=2, padding=3), (3, 224, 224), (64, 112, 112)),
        (Conv2d.make(8, 3), (3, 9, 8), (8, 7, 6)),
        (Conv2d.make(8, (2, 4), stride=3, padding="same"), (3, 10, 9), (8, 4, 3)),
        (Conv2d.make(8, 3, padding=2, dilation=2), (3, 9, 8), (8, 9, 8)),
        (Conv1d.make(8, 5, stride=2), (3, 10), (8, 3)),
        (Conv3d.make(8, 3, padding="valid"), (3, 5, 6, 7), (8, 3, 4, 5)),
        (ConvTranspose2d.make(8, 2, stride=2), (3, 5, 6), (8, 10, 12)),
        (ConvTranspose2d.make(8, 3, 2, 1, output_padding=1), (3, 5, 6), (8, 10, 12)),
        (ConvTranspose1d.make(8, 3, dilation=4), (3, 5), (8, 13)),
        (ConvTranspose3d.make(8, 3, stride=3, padding=1), (3, 2, 3, 4), (8, 4, 7, 10)),
    ],
    ids=str,
)
def test_shapes(layer, x, y):
    assert layer.infer(TensorType(x)).shape == y


def test_a_sequence_is_read_as_channels_and_time():
    y = Conv1d.make(8, 3).infer(TensorType((16, symbol("time"))))
    assert y.axes == SIGNAL
    assert str(y.shape[1]) == "time - 2"


def test_weights_and_macs():
    layer = Conv2d.make(8, (3, 5), groups=2)
    x = TensorType((4, 9, 8))
    assert [(w.role, w.shape, w.group) for w in layer.weights(x)] == [
        ("weight", (8, 2, 3, 5), "weight"),
        ("bias", (8,), "bias"),
    ]
    assert layer.weights(x)[0].init.value == pytest.approx(1 / 30**0.5)
    # 7 x 4 pixels of 8 channels, each over 2 channels of 3 x 5 pixels
    assert layer.macs((x,), (layer.infer(x),)) == 7 * 4 * 8 * 2 * 3 * 5
    assert len(Conv2d.make(8, 3, bias=False).weights(x)) == 1


def test_weights_and_macs_of_the_transpose():
    layer = ConvTranspose2d.make(6, 2, stride=2, groups=2)
    x = TensorType((4, 5, 7))
    assert [w.shape for w in layer.weights(x)] == [(4, 3, 2, 2), (6,)]
    assert layer.weights(x)[0].init.value == pytest.approx(1 / 12**0.5)
    # each of 4 x 5 x 7 values reaches 3 channels of 2 x 2 pixels
    assert layer.macs((x,), (layer.infer(x),)) == 4 * 5 * 7 * 3 * 2 * 2


def one_channel(values):
    return np.array(values, dtype=float)[None, None]


def run(layer, x, **weights):
    kind = TensorType(np.shape(x)[1:], axes=SIGNAL if np.ndim(x) == 3 else ())
    weights = {role: np.array(value, dtype=float) for role, value in weights.items()}
    return reference(layer, [x], weights, [kind]).outputs[0]


def test_convolution_by_hand():
    x = one_channel([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    layer = Conv2d.make(1, 2)
    y = run(layer, x, weight=[[[[1, 0], [0, -2]]]], bias=[10])
    # 1 - 2 * 5 + 10, 2 - 2 * 6 + 10, 4 - 2 * 8 + 10, 5 - 2 * 9 + 10
    np.testing.assert_array_equal(y[0, 0], [[1, 0], [-2, -3]])


def test_same_adds_the_odd_cell_at_the_end():
    layer = Conv1d.make(1, 2, stride=2, padding="same", bias=False)
    y = run(layer, one_channel([1, 2, 3, 4, 5]), weight=[[[1, 10]]])
    # windows (1, 2) (3, 4) (5, 0)
    np.testing.assert_array_equal(y[0, 0], [21, 43, 5])


def test_dilation_and_groups_by_hand():
    layer = Conv1d.make(2, 2, dilation=2, groups=2, bias=False)
    y = run(layer, np.array([[[1.0, 2, 3, 4], [5, 6, 7, 8]]]), weight=[[[1, 1]], [[1, -1]]])
    # first channel 1 + 3, 2 + 4; second 5 - 7, 6 - 8
    np.testing.assert_array_equal(y[0], [[4, 6], [-2, -2]])


def test_transpose_by_hand():
    layer = ConvTranspose1d.make(1, 3, stride=2, padding=1, output_padding=1)
    y = run(layer, one_channel([1, 2]), weight=[[[1, 10, 100]]], bias=[1000])
    # 1 * (1, 10, 100) at 0 and 2 * (1, 10, 100) at 2: 1, 10, 102, 20, 200; the first is cut off
    np.testing.assert_array_equal(y[0, 0], [1010, 1102, 1020, 1200])


@pytest.mark.parametrize(
    ("layer", "x", "code", "arg"),
    [
        (Conv2d.make(4, 3), TensorType((3, 9)), "MSL302", ""),
        (Conv2d.make(4, 3), TensorType((3, 9, 9, 9)), "MSL302", ""),
        (
            Conv2d.make(4, 3),
            TensorType((9, 9, 3), axes=("height", "width", "channels")),
            "MSL302",
            "",
        ),
        (Conv2d.make(4, 3), TensorType((3, 9, 9), "uint8"), "MSL303", ""),
        (Conv2d.make(4, 5), TensorType((3, 9, 4)), "MSL304", "kernel_size"),
        (Conv2d.make(4, 3, dilation=4), TensorType((3, 9, 8)), "MSL304", "kernel_size"),
        (Conv2d.make(4, 3, groups=2), TensorType((3, 9, 9)), "MSL305", "groups"),
        (Conv2d.make(3, 3, groups=2), TensorType((4, 9, 9)), "MSL305", "groups"),
        (Conv1d.make(4, 3), TensorType((symbol("time"), 8)), "MSL309", ""),
        (ConvTranspose2d.make(4, 1, padding=3), TensorType((3, 6, 6)), "MSL320", "padding"),
        (Conv2d.make(4, 3), TensorType((3, 9, 9), batched=False), "MSL321", ""),
    ],
    ids=str,
)
def test_refuses(layer, x, code, arg):
    with pytest.raises(LayerError) as caught:
        layer.infer(x)
    assert (caught.value.code, caught.value.arg) == (code, arg)


def test_near_misses_pass():
    assert Conv2d.make(4, 5).infer(TensorType((3, 5, 5))).shape == (4, 1, 1)
    assert Conv2d.make(4, 5, padding=1).infer(TensorType((3, 3, 3))).shape == (4, 1, 1)
    assert Conv2d.make(4, 9, padding="same").infer(TensorType((3, 2, 2))).shape == (4, 2, 2)
    assert ConvTranspose2d.make(4, 1, padding=2).infer(TensorType((3, 5, 5))).shape == (4, 1, 1)


def test_arguments_are_held_against_each_other():
    with pytest.raises(KindError, match="not smaller than the stride 2"):
        ConvTranspose2d.make(4, 3, stride=2, output_padding=2)
    ConvTranspose2d.make(4, 3, stride=2, output_padding=2, dilation=3)
    with pytest.raises(BadValue):
        Conv2d.make(4, 3, padding="full")
    with pytest.raises(BadValue):
        Conv2d.make(4, [3, 3, 3])
    with pytest.raises(BadValue):
        Conv2d.make(4, 3, strides=2)
