"""Biases of attention: shapes, tables and buckets worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from dsl.kinds.kind import KindError
from dsl.layers.attention_bias import RelativePositionBias
from dsl.layers.base import LayerError
from dsl.shapes.dim import symbol
from dsl.shapes.types import TensorType
from tests.layers.harness import cases, pairwise, reference

SEQUENCE = TensorType((9, 4))
LONG = TensorType((70, 2))
DEEP = TensorType((2, 30, 5), axes=(None, "time", "features"))
OPEN = TensorType((symbol("time"), 4))
RELATIVE = pairwise(
    heads=[1, 3], buckets=[8, 32], max_distance=[20, 128], bidirectional=[True, False]
)
CASES = [
    *cases(RelativePositionBias, RELATIVE, SEQUENCE),
    *cases(RelativePositionBias, RELATIVE[::2], LONG),
    *cases(RelativePositionBias, RELATIVE[:2], OPEN, sizes={"time": 7}),
    *cases(RelativePositionBias, RELATIVE, SEQUENCE, DEEP),
    *cases(RelativePositionBias, [{"heads": 2, "buckets": 6, "max_distance": 9}], LONG, SEQUENCE),
]


def buckets(length: int, **arguments: object) -> list[int]:
    """The buckets of the first position's keys, then those of the last one's."""
    layer = RelativePositionBias.make(1, **arguments)
    x = TensorType((length, 1))
    table = {"weight": np.arange(layer.buckets, dtype=float)[:, None]}
    (bias,) = reference(layer, [np.zeros((1, length, 1))], table, [x]).outputs
    return [int(row) for i in (0, -1) for row in bias[0, i]]


def test_type_weights_and_costs() -> None:
    layer, time = RelativePositionBias.make(12), symbol("time")
    y = layer.infer(OPEN)
    assert (y.shape, y.batched, y.is_image_like) == ((12, time, time), False, False)
    assert layer.infer(SEQUENCE, LONG).shape == (12, 9, 70)
    (weight,) = layer.weights(OPEN)
    assert (weight.role, weight.shape, weight.group) == ("weight", (32, 12), "weight")
    assert layer.macs((OPEN,), (y,)) == layer.elementwise((OPEN,), (y,)) == 0


def test_buckets_by_hand() -> None:
    # 4 for a direction: 0 and 1 alone, then from 2, and from 2 * sqrt(8 / 2) = 4
    assert buckets(7, buckets=8, max_distance=8) == [0, 5, 6, 6, 7, 7, 7, 3, 3, 3, 2, 2, 1, 0]
    # all 4 for keys behind: from the last position 2, then 4 and more
    one = buckets(7, buckets=4, max_distance=8, bidirectional=False)
    assert one == [0] * 7 + [3, 3, 3, 2, 2, 1, 0]


def test_buckets_of_t5() -> None:
    """Those that the authors' code gives: a bucket each below 8, the last one from 91."""
    behind = buckets(130)[130:][::-1]
    assert behind[:16] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8, 9, 9, 9, 9]
    starts = [behind.index(bucket) for bucket in range(16)]
    assert starts == [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91]


def test_refuses() -> None:
    with pytest.raises(LayerError) as caught:
        RelativePositionBias.make(2).infer(TensorType((5,)))
    assert caught.value.code == "MSL302"
    with pytest.raises(LayerError) as caught:
        RelativePositionBias.make(2).infer(SEQUENCE, TensorType((5, 2), "int64"))
    assert (caught.value.code, caught.value.input) == ("MSL303", 1)
    for arguments, at in (
        ({"buckets": 7}, "buckets"),
        ({"buckets": 2}, "buckets"),
        ({"max_distance": 8}, "max_distance"),
        ({"max_distance": 16, "bidirectional": False}, "max_distance"),
    ):
        with pytest.raises(KindError) as refused:
            RelativePositionBias.make(2, **arguments)
        assert refused.value.arg == at
