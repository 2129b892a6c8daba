"""Reshaping: shapes, axis names and numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from dsl.kinds.values import AxisName, BadValue
from dsl.layers.base import LayerError
from dsl.layers.reshape import (
    Flatten,
    Permute,
    Reshape,
    Roll,
    Squeeze,
    ToImage,
    ToSequence,
    Transpose,
    Unflatten,
    Unsqueeze,
)
from dsl.shapes.dim import symbol
from dsl.shapes.types import IMAGE, SEQUENCE, SIGNAL, VECTOR, TensorType
from tests.layers.harness import cases, reference

TIME, ROWS, COLUMNS = symbol("time"), symbol("rows"), symbol("columns")
IMAGE_TYPE = TensorType((4, 3, 5))
VOLUME_TYPE = TensorType((2, 3, 4, 5))
SIGNAL_TYPE = TensorType((4, 6), axes=SIGNAL)
OPEN = TensorType((TIME, 12))
OPEN_IMAGE = TensorType((4, ROWS, COLUMNS))
LEARNED = TensorType((3, 4), batched=False)
SIZES = {"time": 5, "rows": 3, "columns": 2}

CASES = [
    *cases(Flatten, [{}, {"start_dim": 1}, {"start_dim": 0, "end_dim": 1}], IMAGE_TYPE),
    *cases(Flatten, [{"start_dim": 1, "end_dim": 2}, {"end_dim": -2}], VOLUME_TYPE),
    *cases(Flatten, [{}, {"start_dim": -1}], OPEN, sizes=SIZES),
    *cases(Flatten, [{}, {"start_dim": 1}], OPEN_IMAGE, sizes=SIZES),
    *cases(Flatten, [{}], LEARNED),
    *cases(Reshape, [{"shape": (-1, 6)}, {"shape": (5, 2, 6)}, {"shape": (60,)}], IMAGE_TYPE),
    *cases(Reshape, [{"shape": (12, 5), "axes": ("time", "features")}], IMAGE_TYPE),
    *cases(Reshape, [{"shape": (TIME, 3, 4)}, {"shape": (-1, 4)}, {"shape": (-1,)}], OPEN,
        sizes=SIZES),
    *cases(Reshape, [{"shape": (2, 2, ROWS, COLUMNS)}], OPEN_IMAGE, sizes=SIZES),
    *cases(Reshape, [{"shape": (2, 6)}, {"shape": (2, -1)}], LEARNED),
    *cases(Unflatten, [{"dim": 0, "unflattened_size": (2, 2)},
        {"dim": 2, "unflattened_size": (5,)}, {"dim": -1, "unflattened_size": (1, -1)}],
        IMAGE_TYPE),
    *cases(Unflatten, [{"dim": 1, "unflattened_size": (3, -1)},
        {"dim": 0, "unflattened_size": (1, -1)}, {"dim": 1, "unflattened_size": (2, 3, 2)}], OPEN,
        sizes=SIZES),
    *cases(Unflatten, [{"dim": 1, "unflattened_size": (2, 6)}], TensorType((3, 12))),
    *cases(Unflatten, [{"dim": 1, "unflattened_size": (-1, 2)}], LEARNED),
    *cases(Permute, [{"dims": (1, 2, 0)}, {"dims": (2, 0, 1)}, {"dims": (0, 1, 2)}], IMAGE_TYPE),
    *cases(Permute, [{"dims": (1, 0)}], SIGNAL_TYPE),
    *cases(Permute, [{"dims": (3, 0, 2, 1)}, {"dims": (0, 3, 1, 2)}], VOLUME_TYPE),
    *cases(Transpose, [{"dim0": 0, "dim1": -1}, {"dim0": 1, "dim1": 2}], IMAGE_TYPE),
    *cases(Transpose, [{"dim0": 0, "dim1": 1}], OPEN, sizes=SIZES),
    *cases(Transpose, [{"dim0": 0, "dim1": 1}], LEARNED),
    *cases(ToSequence, [{}], IMAGE_TYPE),
    *cases(ToSequence, [{}], VOLUME_TYPE),
    *cases(ToSequence, [{}], SIGNAL_TYPE),
    *cases(ToSequence, [{}], OPEN_IMAGE, sizes=SIZES),
    *cases(ToImage, [{"height": 3, "width": 2}], TensorType((6, 4))),
    *cases(ToImage, [{"height": TIME, "width": 3}], TensorType((3 * TIME, 4)), sizes=SIZES),
    *cases(Roll, [{"shifts": 1, "dims": 0}, {"shifts": (-1, 2), "dims": (1, -1)},
        {"shifts": (7,), "dims": (2,)}], IMAGE_TYPE),
    *cases(Roll, [{"shifts": -2, "dims": 0}], OPEN, sizes=SIZES),
    *cases(Roll, [{"shifts": 1, "dims": 1}], LEARNED),
    *cases(Unsqueeze, [{"dim": 0}, {"dim": 2}, {"dim": -1}], IMAGE_TYPE),
    *cases(Unsqueeze, [{"dim": 0}], TensorType((3, 4), axes=("height", "width"))),
    *cases(Squeeze, [{"dim": 0}], TensorType((1, 3, 4))),
    *cases(Squeeze, [{"dim": 2}], TensorType((2, 3, 1))),
]  # fmt: skip


def names(*words: str) -> tuple[AxisName, ...]:
    """Axis names, as a spec gives them."""
    return tuple(map(AxisName, words))


@pytest.mark.parametrize(
    ("layer", "shape", "axes"),
    [
        (Flatten.make(), (60,), VECTOR),
        (Flatten.make(1), (4, 15), SIGNAL),
        (Flatten.make(0, 1), (12, 5), (None, "width")),
        (Flatten.make(*names("height", "width")), (4, 15), SIGNAL),
        (Reshape.make((-1, 6)), (10, 6), SEQUENCE),
        (Reshape.make((5, -1), axes=("channels", "time")), (5, 12), SIGNAL),
        (Permute.make((1, 2, 0)), (3, 5, 4), ("height", "width", "channels")),
        (Permute.make(names("width", "channels", "height")), (5, 4, 3),
            ("width", "channels", "height")),
        (Transpose.make(0, 1), (3, 4, 5), ("height", "channels", "width")),
        (ToSequence.make(), (15, 4), SEQUENCE),
        (Unsqueeze.make(0), (1, 4, 3, 5), (None, *IMAGE)),
        (Unsqueeze.make(-1), (4, 3, 5, 1), (*IMAGE, None)),
    ],
)  # fmt: skip
def test_shapes_and_axis_names(layer, shape, axes):
    assert layer.infer(IMAGE_TYPE) == TensorType(shape, axes=axes)
    assert layer.weights(IMAGE_TYPE) == ()
    assert layer.elementwise((IMAGE_TYPE,), (layer.infer(IMAGE_TYPE),)) == 0


def test_symbols_are_carried():
    assert Flatten.make().infer(OPEN).shape == (12 * TIME,)
    assert Reshape.make((-1, 4)).infer(OPEN).shape == (3 * TIME, 4)
    assert Reshape.make((TIME, -1, 3)).infer(OPEN).shape == (TIME, 4, 3)
    assert ToSequence.make().infer(OPEN_IMAGE).shape == (ROWS * COLUMNS, 4)


def test_parts_of_features_end_in_features():
    words = TensorType((TIME, 12))
    split = Unflatten.make(AxisName("features"), (3, -1)).infer(words)
    assert split == TensorType((TIME, 3, 4), axes=("time", None, "features"))
    assert Unflatten.make(0, (2, 2)).infer(IMAGE_TYPE).axes == (None, None, "height", "width")


def test_names_of_usual_ranks_return():
    assert Unsqueeze.make(0).infer(TensorType((5,))).axes == SEQUENCE
    assert Unsqueeze.make(0).infer(TensorType((3, 5), axes=("height", "width"))).axes == IMAGE
    tokens = TensorType((TIME, 3), "int64")
    assert Flatten.make().infer(tokens).axes == ("time",)


def test_numbers_by_hand():
    x = np.arange(8.0).reshape(
        1, 2, 2, 2
    )  # channel 0 is [[0, 1], [2, 3]], channel 1 [[4, 5], [6, 7]]
    image = [TensorType((2, 2, 2))]
    flat = reference(Flatten.make(), [x], {}, image).outputs[0]
    np.testing.assert_array_equal(flat, [[0, 1, 2, 3, 4, 5, 6, 7]])
    pixels = reference(ToSequence.make(), [x], {}, image).outputs[0]
    np.testing.assert_array_equal(pixels, [[[0, 4], [1, 5], [2, 6], [3, 7]]])
    back = reference(ToImage.make(2, 2), [pixels], {}, [TensorType((4, 2))]).outputs[0]
    np.testing.assert_array_equal(back, x)
    moved = reference(Roll.make((1, -1), names("channels", "width")), [x], {}, image).outputs[0]
    np.testing.assert_array_equal(moved, [[[[5, 4], [7, 6]], [[1, 0], [3, 2]]]])
    turned = reference(Transpose.make(0, 2), [x], {}, image).outputs[0]
    np.testing.assert_array_equal(turned[0, 1], [[1, 5], [3, 7]])


@pytest.mark.parametrize(
    ("layer", "type", "code"),
    [
        (Flatten.make(), TensorType(()), "MSL302"),
        (Flatten.make(2, 1), IMAGE_TYPE, "MSL351"),
        (Flatten.make(3), IMAGE_TYPE, "MSL307"),
        (Reshape.make((7, -1)), IMAGE_TYPE, "MSL310"),
        (Reshape.make((4, 14)), IMAGE_TYPE, "MSL310"),
        (Reshape.make((2, -1)), TensorType((TIME, 3)), "MSL310"),
        (Reshape.make((-1, ROWS)), TensorType((2 * ROWS, 3 * COLUMNS)), "MSL309"),
        (Unflatten.make(0, (2, 3)), IMAGE_TYPE, "MSL310"),
        (Unflatten.make(0, (3, -1)), IMAGE_TYPE, "MSL310"),
        (Unflatten.make(3, (2, -1)), IMAGE_TYPE, "MSL307"),
        (Permute.make((0, 1)), IMAGE_TYPE, "MSL352"),
        (Permute.make((0, 1, 1)), IMAGE_TYPE, "MSL352"),
        (Permute.make(names("time", "width", "height")), IMAGE_TYPE, "MSL307"),
        (Transpose.make(0, 3), IMAGE_TYPE, "MSL307"),
        (ToSequence.make(), TensorType((6, 4)), "MSL302"),
        (ToImage.make(2, 2), IMAGE_TYPE, "MSL302"),
        (ToImage.make(2, 4), TensorType((6, 4)), "MSL310"),
        (ToImage.make(2, 3), TensorType((TIME, 4)), "MSL310"),
        (Roll.make(1, 3), IMAGE_TYPE, "MSL307"),
        (Roll.make((1, 2), (0, -3)), IMAGE_TYPE, "MSL352"),
        (Unsqueeze.make(4), IMAGE_TYPE, "MSL307"),
        (Squeeze.make(0), IMAGE_TYPE, "MSL310"),
    ],
)
def test_refuses(layer, type, code):
    with pytest.raises(LayerError) as caught:
        layer.infer(type)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "values",
    [
        {"shape": (0, 3)},
        {"shape": (-2, 3)},
        {"shape": (4, 3), "axes": ("batch", "time")},
    ],
)
def test_refuses_values(values):
    with pytest.raises(BadValue):
        Reshape.make(**values)


@pytest.mark.parametrize(
    ("values", "arg"),
    [
        ({"shape": (-1, -1)}, "shape"),
        ({"shape": (4, 3), "axes": ("time",)}, "axes"),
        ({"shape": (4, 3), "axes": ("time", "time")}, "axes"),
    ],
)
def test_refuses_together(values, arg):
    from dsl.kinds.kind import KindError

    with pytest.raises(KindError) as caught:
        Reshape.make(**values)
    assert caught.value.arg == arg


def test_each_shift_has_its_dimension():
    from dsl.kinds.kind import KindError

    with pytest.raises(KindError) as caught:
        Roll.make((1, 2), 0)
    assert caught.value.arg == "dims"


def test_one_part_is_what_is_left():
    from dsl.kinds.kind import KindError

    with pytest.raises(KindError) as caught:
        Unflatten.make(0, (-1, -1))
    assert caught.value.arg == "unflattened_size"
