"""Types of values: axes, derived types, broadcasting, texts."""

from __future__ import annotations

import pytest

from dsl.shapes.dim import symbol
from dsl.shapes.types import TensorType, broadcast_shapes, default_axes

IMAGE = TensorType((3, 32, 24))
TOKENS = TensorType((symbol("time"),), "int64")


@pytest.mark.parametrize(
    ("rank", "dtype", "axes"),
    [
        (0, "float32", ()),
        (1, "float32", ("features",)),
        (1, "bfloat16", ("features",)),
        (1, "int64", ("time",)),
        (1, "bool", ("time",)),
        (2, "float32", ("time", "features")),
        (2, "int64", ("time", "features")),
        (3, "float32", ("channels", "height", "width")),
        (4, "float32", ("channels", "depth", "height", "width")),
        (5, "float32", (None,) * 5),
    ],
)
def test_axes_of_inputs(rank: int, dtype: str, axes: tuple[str | None, ...]) -> None:
    assert default_axes(rank, dtype) == axes
    assert TensorType((2,) * rank, dtype).axes == axes


def test_axes_of_a_vector_are_those_of_real_numbers_unless_told() -> None:
    assert default_axes(1) == ("features",)


def test_axes_that_are_given_stay() -> None:
    signal = TensorType((4, 100), axes=("channels", "time"))
    assert signal.axes == ("channels", "time")
    assert signal.axis("time") == 1 and signal.axis("channels") == 0
    assert signal.axis("height") is None


def test_properties() -> None:
    assert IMAGE.rank == 3 and TOKENS.rank == 1
    assert IMAGE.is_float and not TOKENS.is_float
    assert TOKENS.is_symbolic and not IMAGE.is_symbolic
    assert IMAGE.is_image_like
    assert not TensorType((3,), axes=("channels",)).is_image_like
    assert TensorType((3, 9), axes=("channels", "time")).is_image_like
    assert not TensorType((9, 3)).is_image_like


def test_another_shape_keeps_the_names_where_the_rank_stays() -> None:
    signal = TensorType((4, 100), axes=("channels", "time"))
    assert signal.with_shape((8, 50)).axes == ("channels", "time")
    assert signal.with_shape((8,)).axes == ("features",)
    assert IMAGE.with_shape((8, 4)).axes == ("time", "features")
    assert IMAGE.with_shape((8, 4), ("channels", "time")).axes == ("channels", "time")
    assert IMAGE.with_shape((8, 4, 4), (None, None, None)).axes == (None, None, None)
    assert IMAGE.with_dim(1, 7) == TensorType((3, 7, 24))
    assert TOKENS.with_dim(0, 9).dtype == "int64"


def test_symbols_get_their_sizes() -> None:
    assert TOKENS.sized({"time": 12}) == TensorType((12,), "int64")


def test_equal_means_all_alike() -> None:
    assert TensorType((3, 4)) == TensorType((3, 4))
    assert hash(TensorType((3, 4))) == hash(TensorType((3, 4)))
    others = [
        TensorType((3, 5)),
        TensorType((3, 4), "float16"),
        TensorType((3, 4), axes=("channels", "time")),
        TensorType((3, 4), batched=False),
        (3, 4),
    ]
    assert all(other != TensorType((3, 4)) for other in others)
    assert len({TensorType((3, 4)), *others[:-1]}) == 5


def test_texts() -> None:
    assert str(IMAGE) == "float32[3, 32, 24]"
    assert str(TOKENS) == "int64[time]"
    assert IMAGE.named() == "[channels=3, height=32, width=24]"
    assert TOKENS.named() == "[time]"
    assert TensorType((2, 3, 4, 5, 6)).named() == "[2, 3, 4, 5, 6]"


@pytest.mark.parametrize(
    ("left", "right", "both"),
    [
        ((3, 4), (3, 4), (3, 4)),
        ((3, 4), (4,), (3, 4)),
        ((4,), (3, 4), (3, 4)),
        ((3, 1), (1, 4), (3, 4)),
        ((1, 4), (3, 1), (3, 4)),
        ((), (2,), (2,)),
        ((2, 3, 4), (1,), (2, 3, 4)),
        ((1,), (1,), (1,)),
        ((3, 4), (3, 5), None),
        ((3, 4), (2, 4), None),
        ((4, 3), (4,), None),
    ],
)
def test_broadcasting(left: tuple, right: tuple, both: tuple | None) -> None:
    assert broadcast_shapes(left, right) == both


def test_broadcasting_of_symbols() -> None:
    time = symbol("time")
    assert broadcast_shapes((time, 8), (8,)) == (time, 8)
    assert broadcast_shapes((time,), (1,)) == (time,)
    assert broadcast_shapes((time,), (8,)) is None
