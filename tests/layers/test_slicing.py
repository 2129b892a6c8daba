"""Parts of a value: shapes, numbers worked out by hand, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from dsl.kinds.values import AxisName, BadValue
from dsl.layers.base import LayerError
from dsl.layers.slicing import Gather, Select, Slice, Split
from dsl.shapes.dim import symbol
from dsl.shapes.types import TensorType
from tests.layers.harness import cases, pairwise, reference

TIME = symbol("time")
IMAGE_TYPE = TensorType((4, 3, 6))
FRAMES = TensorType((3, 2, 4, 5), axes=("time", "channels", "height", "width"))
OPEN = TensorType((TIME, 6))
LEARNED = TensorType((3, 4), batched=False)
PLACES = TensorType((5,), "int64")
GRID = TensorType((2, 3), "int64")
SIZES = {"time": 5}

CASES = [
    *cases(Select, pairwise(index=[0, -1, 2], dim=[0, 1, 2]), IMAGE_TYPE),
    *cases(Select, [{"index": 1, "dim": 0}], FRAMES),
    *cases(Select, [{"index": -1, "dim": 0}], OPEN, sizes=SIZES),
    *cases(Select, [{"index": 1, "dim": 0}, {"index": 1, "dim": 1}], LEARNED),
    *cases(Slice, pairwise(start=[0, 1, -2], stop=[None, 3, -1], step=[1, 2], dim=[0, 2]),
        IMAGE_TYPE),
    *cases(Slice, [{"start": 1, "dim": 0}, {"stop": -1, "step": 2, "dim": 0}], OPEN, sizes=SIZES),
    *cases(Slice, [{"stop": 2, "dim": 0}], LEARNED),
    *cases(Gather, [{"dim": 0}, {"dim": 1}, {"dim": -1}], IMAGE_TYPE, PLACES),
    *cases(Gather, [{"dim": 0}, {"dim": 2}], IMAGE_TYPE, TensorType((), "int64")),
    *cases(Gather, [{"dim": 0}, {"dim": 1}], IMAGE_TYPE, GRID.replace(batched=False)),
    *cases(Gather, [{"dim": 0}, {"dim": 1}], LEARNED, PLACES),
    *cases(Gather, [{"dim": 0}, {"dim": 1}], LEARNED, GRID),
    *cases(Gather, [{"dim": 0}, {"dim": 1}], LEARNED, GRID.replace(batched=False)),
    *cases(Gather, [{"dim": 0}], OPEN, PLACES, sizes=SIZES),
    *cases(Gather, [{"dim": 0}], TensorType((6,)), PLACES),
    *cases(Gather, [{"dim": 0}], TensorType((6,)), TensorType((), "int32")),
    *cases(Split, [{"sizes": 2, "dim": 0}, {"sizes": 3, "dim": 2}, {"sizes": 1, "dim": 1},
        {"sizes": (1, 3), "dim": 0}, {"sizes": (1, 2, 3), "dim": -1}, {"sizes": (3,), "dim": 1}],
        IMAGE_TYPE),
    *cases(Split, [{"sizes": 2, "dim": 0}], TensorType((2 * TIME, 3)), sizes=SIZES),
    *cases(Split, [{"sizes": 2, "dim": 1}], LEARNED),
]  # fmt: skip


def test_select_drops_the_axis():
    channels = AxisName("channels")
    assert Select.make(0, dim=channels).infer(IMAGE_TYPE).axes == ("height", "width")
    assert Select.make(-1, dim=0).infer(OPEN) == TensorType((6,))


def test_slice_counts():
    along = {"dim": AxisName("width")}
    assert Slice.make(1, -1, **along).infer(IMAGE_TYPE).shape == (4, 3, 4)
    assert Slice.make(step=4, **along).infer(IMAGE_TYPE).shape == (4, 3, 2)  # cells 0 and 4
    assert Slice.make(1, dim=0).infer(OPEN).shape == (TIME - 1, 6)
    assert Slice.make(-3, dim=0).infer(OPEN).shape == (3, 6)


def test_split_gives_several_types():
    parts = Split.make(2, dim=AxisName("channels")).infer(IMAGE_TYPE)
    assert [part.shape for part in parts] == [(2, 3, 6), (2, 3, 6)]
    assert [part.shape[2] for part in Split.make((1, 5), dim=2).infer(IMAGE_TYPE)] == [1, 5]
    assert Split.make(2, dim=0).infer(TensorType((4 * TIME, 6)))[0].shape == (2 * TIME, 6)


def test_gather_takes_each_samples_own():
    words = TensorType((3, 2))
    layer = Gather.make(dim=AxisName("time"))
    assert layer.infer(words, PLACES) == TensorType((5, 2))
    assert layer.infer(words, TensorType((), "int64")) == TensorType((2,))
    assert layer.infer(LEARNED, GRID) == TensorType((2, 3, 4), axes=("time", None, "features"))
    x = np.arange(12.0).reshape(2, 3, 2)
    index = np.array([[2, 0], [1, 1]])
    picked = reference(layer, [x, index], {}, [words, TensorType((2,), "int64")]).outputs[0]
    np.testing.assert_array_equal(picked, [[[4, 5], [0, 1]], [[8, 9], [8, 9]]])


@pytest.mark.parametrize(
    ("x", "index", "code"),
    [
        (IMAGE_TYPE, TensorType((5,)), "MSL303"),
        (IMAGE_TYPE, GRID, "MSL302"),
        (TensorType(()), PLACES, "MSL307"),
    ],
)
def test_gather_refuses(x, index, code):
    with pytest.raises(LayerError) as caught:
        Gather.make(dim=0).infer(x, index)
    assert caught.value.code == code


def test_numbers_by_hand():
    x = [np.array([[10.0, 11.0, 12.0, 13.0]])]
    vector = [TensorType((4,))]
    run = reference(Slice.make(-3, None, 2, dim=0), x, {}, vector)
    np.testing.assert_array_equal(run.outputs[0], [[11, 13]])
    assert reference(Select.make(-1, dim=0), x, {}, vector).outputs[0].tolist() == [13]
    run = reference(Split.make((1, 3), dim=0), x, {}, vector)
    assert [part.tolist() for part in run.outputs] == [[[10]], [[11, 12, 13]]]


@pytest.mark.parametrize(
    ("layer", "type", "code"),
    [
        (Select.make(4, dim=0), IMAGE_TYPE, "MSL311"),
        (Select.make(-5, dim=0), IMAGE_TYPE, "MSL311"),
        (Select.make(0, dim=AxisName("time")), IMAGE_TYPE, "MSL307"),
        (Slice.make(0, 7, dim=2), IMAGE_TYPE, "MSL311"),
        (Slice.make(-7, dim=2), IMAGE_TYPE, "MSL311"),
        (Slice.make(3, 3, dim=2), IMAGE_TYPE, "MSL311"),
        (Split.make(4, dim=1), IMAGE_TYPE, "MSL308"),
        (Split.make(2, dim=0), OPEN, "MSL308"),
        (Split.make((1, 2), dim=0), IMAGE_TYPE, "MSL310"),
        (Split.make((1, 2), dim=0), OPEN, "MSL310"),
    ],
)
def test_refuses(layer, type, code):
    with pytest.raises(LayerError) as caught:
        layer.infer(type)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("kind", "values"),
    [(Select, {"index": 0}), (Slice, {"step": 0, "dim": 0}), (Split, {"sizes": (), "dim": 0})],
)
def test_refuses_values(kind, values):
    with pytest.raises(BadValue):
        kind.make(**values)
