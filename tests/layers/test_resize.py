"""Padding, interpolation, pixel shuffling: shapes, numbers worked out by hand, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from dsl.kinds.kind import KindError
from dsl.kinds.values import AxisName
from dsl.layers.base import LayerError
from dsl.layers.resize import ChannelShuffle, Pad, PixelShuffle, PixelUnshuffle, Upsample
from dsl.shapes.dim import symbol
from dsl.shapes.types import SIGNAL, TensorType
from tests.layers.harness import Case, cases, pairwise, reference

ROWS, COLUMNS, TIME = symbol("rows"), symbol("columns"), symbol("time")
IMAGE_TYPE = TensorType((4, 3, 6))
OPEN_IMAGE = TensorType((4, ROWS, COLUMNS))
SIGNAL_TYPE = TensorType((2, 5), axes=SIGNAL)
VOLUME_TYPE = TensorType((2, 3, 4, 2))
LEARNED = TensorType((4, 3, 5), batched=False)
SIZES = {"rows": 3, "columns": 5, "time": 4}
MODES = ["zeros", "constant", "reflect", "replicate"]

PADS = pairwise(padding=[1, (1, 2, 0, 1)], mode=MODES)
LINEAR = pairwise(
    exclude=lambda row: (row["size"] is None) == (row["scale_factor"] is None),
    size=[None, 4, (7, 3), (6, 12), (1, 2)],
    scale_factor=[None, 1, 2, (3, 2)],
    mode=["nearest", "bilinear"],
)

CUBIC = pairwise(
    size=[4, (7, 3), (6, 12), (1, 2)],
    mode=["bicubic", "bilinear"],
    align_corners=[False, True],
)

CASES = [
    *cases(Pad, PADS, IMAGE_TYPE),
    *cases(Pad, [{"padding": 2, "mode": mode} for mode in MODES], TensorType((TIME, 3)),
        sizes=SIZES),
    *cases(Pad, [{"padding": (1, 2), "mode": mode} for mode in MODES], TensorType((4,))),
    *cases(Pad, [{"padding": (1, 2), "mode": mode, "dim": 0} for mode in MODES], IMAGE_TYPE),
    *cases(Pad, [{"padding": 1, "mode": mode} for mode in MODES], VOLUME_TYPE),
    *cases(Pad, [{"padding": (0, 2), "mode": mode, "dim": 1} for mode in MODES], LEARNED),
    Case(Pad, {"padding": 1, "mode": "constant", "value": -2.5}, (IMAGE_TYPE,)),
    Case(Pad, {"padding": 1, "mode": "constant", "value": 7}, (TensorType((3,), "int64"),)),
    Case(Pad, {"padding": 1, "mode": "constant", "value": 1}, (TensorType((3,), "bool"),)),
    *cases(Upsample, LINEAR, IMAGE_TYPE),
    *cases(Upsample, [{"size": 9, "mode": "linear"}, {"scale_factor": 3, "mode": "linear"},
        {"size": 7}, {"scale_factor": 2}], SIGNAL_TYPE),
    *cases(Upsample, [{"size": (5, 2, 3), "mode": "trilinear"}, {"size": (5, 2, 3)},
        {"scale_factor": 2}], VOLUME_TYPE),
    *cases(Upsample, [{"scale_factor": 2}, {"scale_factor": 3, "mode": "bilinear"},
        {"size": (4, 7)}, {"size": (2 * ROWS, COLUMNS), "mode": "bilinear"}, {"size": (4, 7),
        "mode": "bilinear"}, {"size": (2 * ROWS, COLUMNS)}], OPEN_IMAGE, sizes=SIZES),
    *cases(Upsample, [{"scale_factor": 2, "mode": "bilinear"}, {"size": (4, 4)}], LEARNED),
    *cases(Upsample, CUBIC, IMAGE_TYPE),
    *cases(Upsample, [{"scale_factor": 2, "mode": "bicubic", "align_corners": corners}
        for corners in (False, True)], OPEN_IMAGE, sizes=SIZES),
    Case(Upsample, {"size": 9, "mode": "linear", "align_corners": True}, (SIGNAL_TYPE,)),
    Case(Upsample, {"size": (6, 1, 3), "mode": "trilinear", "align_corners": True}, (VOLUME_TYPE,)),
    Case(Upsample, {"scale_factor": 2, "mode": "bicubic"}, (LEARNED,)),
    *cases(ChannelShuffle, [{"groups": 1}, {"groups": 2}, {"groups": 3}], TensorType((6, 3, 2))),
    *(Case(ChannelShuffle, {"groups": 2}, (x,)) for x in (
        SIGNAL_TYPE, VOLUME_TYPE, LEARNED)),
    Case(ChannelShuffle, {"groups": 2}, (OPEN_IMAGE,), sizes=SIZES),
    *cases(PixelShuffle, [{"upscale_factor": 1}, {"upscale_factor": 2}], TensorType((8, 3, 5))),
    *cases(PixelShuffle, [{"upscale_factor": 2}], OPEN_IMAGE, sizes=SIZES),
    *cases(PixelShuffle, [{"upscale_factor": 2}], LEARNED),
    *cases(PixelUnshuffle, [{"downscale_factor": 3}], TensorType((2, 3, 6))),
    *cases(PixelUnshuffle, [{"downscale_factor": 2}], TensorType((2, 2 * ROWS, 4)), sizes=SIZES),
]  # fmt: skip


def test_pad_shapes():
    assert Pad.make((1, 2, 3, 4)).infer(IMAGE_TYPE).shape == (4, 3 + 3, 6 + 7)
    assert Pad.make((2, 0), dim=AxisName("time")).infer(TensorType((TIME, 3))).shape == (
        TIME + 2,
        3,
    )
    assert Pad.make(1).infer(TensorType((TIME, 3))).shape == (TIME + 2, 3)
    assert Pad.make(1).infer(TensorType((5,))).shape == (7,)


def test_other_shapes():
    assert Upsample.make(scale_factor=(2, 3)).infer(IMAGE_TYPE).shape == (4, 6, 18)
    assert Upsample.make(7).infer(VOLUME_TYPE).shape == (2, 7, 7, 7)
    assert Upsample.make(scale_factor=2).infer(OPEN_IMAGE).shape == (4, 2 * ROWS, 2 * COLUMNS)
    assert PixelShuffle.make(2).infer(IMAGE_TYPE).shape == (1, 6, 12)
    assert PixelUnshuffle.make(3).infer(IMAGE_TYPE).shape == (36, 1, 2)


def test_operations():
    bilinear = Upsample.make(scale_factor=2, mode="bilinear")
    output = bilinear.infer(IMAGE_TYPE)
    assert bilinear.elementwise((IMAGE_TYPE,), (output,)) == 3 * 2 * (4 * 6 * 12)
    assert Upsample.make(scale_factor=2).elementwise((IMAGE_TYPE,), (output,)) == 0
    assert Pad.make(1).elementwise((IMAGE_TYPE,), (Pad.make(1).infer(IMAGE_TYPE),)) == 0


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("zeros", [0, 0, 1, 2, 3, 0]),
        ("constant", [9, 9, 1, 2, 3, 9]),
        ("reflect", [3, 2, 1, 2, 3, 2]),
        ("replicate", [1, 1, 1, 2, 3, 3]),
    ],
)
def test_padding_by_hand(mode, expected):
    value = {"value": 9} if mode == "constant" else {}
    layer = Pad.make((2, 1), mode, **value)
    run = reference(layer, [np.array([[1.0, 2.0, 3.0]])], {}, [TensorType((3,))])
    np.testing.assert_array_equal(run.outputs[0], [expected])


def test_interpolation_by_hand():
    x, types = [np.array([[[0.0, 4.0]]])], [TensorType((1, 2), axes=SIGNAL)]
    # places (i + 0.5) / 2 - 0.5 = -0.25, 0.25, 0.75, 1.25, the outer two held at the edges
    run = reference(Upsample.make(scale_factor=2, mode="linear"), x, {}, types)
    np.testing.assert_allclose(run.outputs[0], [[[0, 1, 3, 4]]])
    # cells floor(i * 2 / 3) = 0, 0, 1
    run = reference(Upsample.make(3), x, {}, types)
    np.testing.assert_array_equal(run.outputs[0], [[[0, 0, 4]]])


def test_smooth_interpolation_by_hand():
    x, types = [np.array([[[0.0, 4.0, 8.0]]])], [TensorType((1, 3), axes=SIGNAL)]
    aligned = Upsample.make(5, mode="linear", align_corners=True)
    np.testing.assert_allclose(reference(aligned, x, {}, types).outputs[0], [[[0, 2, 4, 6, 8]]])
    # half way, the shares of Keys' cubic with a = -0.75 are -3/32, 19/32, 19/32, -3/32
    x, types = [np.array([[[[1.0, 2.0, 3.0, 5.0]]]])], [TensorType((1, 1, 4))]
    cubic = Upsample.make((1, 7), mode="bicubic", align_corners=True)
    found = reference(cubic, x, {}, types).outputs[0][0, 0, 0]
    np.testing.assert_allclose(found[3], (-3 * 1 + 19 * 2 + 19 * 3 - 3 * 5) / 32)


def test_channel_shuffle_by_hand():
    x = np.arange(6.0).reshape(1, 6, 1, 1)
    run = reference(ChannelShuffle.make(2), [x], {}, [TensorType((6, 1, 1))])
    np.testing.assert_array_equal(run.outputs[0].ravel(), [0, 3, 1, 4, 2, 5])


def test_pixel_shuffle_by_hand():
    x = np.arange(4.0).reshape(1, 4, 1, 1)
    run = reference(PixelShuffle.make(2), [x], {}, [TensorType((4, 1, 1))])
    np.testing.assert_array_equal(run.outputs[0], [[[[0, 1], [2, 3]]]])
    back = reference(PixelUnshuffle.make(2), run.outputs, {}, [TensorType((1, 2, 2))])
    np.testing.assert_array_equal(back.outputs[0], x)


@pytest.mark.parametrize(
    ("layer", "type", "code"),
    [
        (Pad.make((1, 2)), IMAGE_TYPE, "MSL310"),
        (Pad.make(1), TensorType(()), "MSL302"),
        (Pad.make(3, "reflect"), IMAGE_TYPE, "MSL353"),
        (Pad.make(1, "reflect"), TensorType((4,), "int64"), "MSL303"),
        (Pad.make(1, "replicate", dim=0), VOLUME_TYPE, "MSL302"),
        (Pad.make(1, "constant", 0.5), TensorType((4,), "int64"), "MSL303"),
        (Upsample.make(scale_factor=2), TensorType((TIME, 4)), "MSL302"),
        (Upsample.make(scale_factor=2, mode="linear"), IMAGE_TYPE, "MSL302"),
        (Upsample.make((4, 4, 4)), IMAGE_TYPE, "MSL310"),
        (Upsample.make((TIME, 4)), IMAGE_TYPE, "MSL309"),
        (Upsample.make(4), TensorType((3, 4, 4), "uint8"), "MSL303"),
        (ChannelShuffle.make(3), IMAGE_TYPE, "MSL308"),
        (ChannelShuffle.make(2), TensorType((4, 3)), "MSL302"),
        (PixelShuffle.make(3), IMAGE_TYPE, "MSL308"),
        (PixelShuffle.make(2), VOLUME_TYPE, "MSL302"),
        (PixelUnshuffle.make(2), IMAGE_TYPE, "MSL308"),
    ],
)
def test_refuses(layer, type, code):
    with pytest.raises(LayerError) as caught:
        layer.infer(type)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Pad, {"padding": 1, "value": 2.0}),
        (Upsample, {}),
        (Upsample, {"size": 4, "scale_factor": 2}),
        (Upsample, {"size": 4, "align_corners": True}),
    ],
)
def test_refuses_together(kind, values):
    with pytest.raises(KindError):
        kind.make(**values)
