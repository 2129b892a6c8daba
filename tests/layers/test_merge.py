"""Joining values: shapes, names, costs and numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from dsl.kinds.values import AxisName
from dsl.layers import merge as kinds
from dsl.layers.base import LayerError
from dsl.shapes.dim import symbol
from dsl.shapes.types import SIGNAL, TensorType
from tests.layers.harness import cases, pairwise, reference

VECTOR = TensorType((5,))
SEQUENCE = TensorType((3, 5))
SIGNAL_TYPE = TensorType((3, 5), axes=SIGNAL)
IMAGE = TensorType((4, 3, 5))
UNNAMED = TensorType((4, 3, 5), axes=("a", "b", "c"))
COLUMN = TensorType((4, 1, 1))
SCALAR = TensorType(())
TIME = symbol("time")
SYMBOLIC = TensorType((TIME, 5))
LEARNED = TensorType((3, 5), batched=False)
LEARNED_COLUMN = TensorType((4, 1, 1), batched=False)
LEARNED_DEEP = TensorType((4, 3, 1), batched=False)
PAIRS = [
    (VECTOR, VECTOR),
    (IMAGE, IMAGE),
    (IMAGE, COLUMN),
    (COLUMN, TensorType((1, 3, 5))),
    (IMAGE, UNNAMED),
    (UNNAMED, IMAGE),
    (VECTOR, IMAGE),
    (SEQUENCE, IMAGE),
    (SIGNAL_TYPE, SEQUENCE),
    (SCALAR, IMAGE),
    (LEARNED, SEQUENCE),
    (SIGNAL_TYPE, LEARNED),
    (LEARNED_COLUMN, IMAGE),
    (LEARNED_DEEP, VECTOR),
    (VECTOR, LEARNED_COLUMN),
    (TensorType((5,), batched=False), IMAGE),
    (LEARNED, TensorType((5,), batched=False)),
]
BINARY = [kinds.Subtract, kinds.Divide]
FOLDS = [kinds.Add, kinds.Multiply, kinds.Average, kinds.Maximum, kinds.Minimum]

CASES = [case for pair in PAIRS for case in cases(kinds.Add, [{}], *pair)]
for kind in (*FOLDS[1:], *BINARY):
    CASES += cases(kind, [{}], IMAGE, VECTOR) + cases(kind, [{}], SEQUENCE, LEARNED)
for kind in FOLDS:
    CASES += cases(kind, [{}], VECTOR, IMAGE, SCALAR, COLUMN)
    CASES += cases(kind, [{}], SYMBOLIC, VECTOR, SYMBOLIC, sizes={"time": 4})
CASES += cases(kinds.Add, [{}], TensorType((4,), "int64"), TensorType((4,), "int64"))
for type in (SCALAR, VECTOR, IMAGE, LEARNED, TensorType((4,), "int64")):
    CASES += cases(kinds.Identity, [{}], type)

SCALES = [
    *({"factor": factor} for factor in (0.17, -3.0)),
    *({"factor": factor, "offset": offset} for factor in (0.17, -1.0) for offset in (1.0, -0.5)),
]
for type in (VECTOR, IMAGE, LEARNED):
    CASES += cases(kinds.Scale, SCALES, type)
CASES += cases(kinds.Concat, [{}], IMAGE, TensorType((2, 3, 5)), IMAGE)
CASES += cases(kinds.Concat, [{}], SIGNAL_TYPE, SIGNAL_TYPE)
CASES += cases(kinds.Concat, [{}], SEQUENCE, TensorType((3, 2)))
CASES += cases(
    kinds.Concat, pairwise(dim=[0, 1, 2, -1, -2, -3, AxisName("channels"), AxisName("width")]),
    IMAGE, IMAGE,
)  # fmt: skip
CASES += cases(kinds.Concat, [{"dim": 0}], SYMBOLIC, SEQUENCE, SYMBOLIC, sizes={"time": 2})
CASES += cases(kinds.Concat, [{}], IMAGE, UNNAMED) + cases(kinds.Concat, [{}], UNNAMED, IMAGE)
CASES += cases(kinds.Concat, [{"dim": 0}, {}], TensorType((3, 5), batched=False), SEQUENCE)
CASES += cases(kinds.Concat, [{"dim": 0}], LEARNED, SYMBOLIC, sizes={"time": 2})
CASES += cases(kinds.Concat, [{}], TensorType((2, 3, 5), batched=False), IMAGE)
CASES += cases(kinds.Concat, [{}], LEARNED, LEARNED)

CASES += cases(
    kinds.MatMul, [{}, {"transpose_a": True, "transpose_b": True}],
    TensorType((4, 4)), TensorType((4, 4)),
)  # fmt: skip
CASES += cases(kinds.MatMul, [{"transpose_b": True}], SEQUENCE, TensorType((2, 5)))
CASES += cases(kinds.MatMul, [{"transpose_a": True}], SEQUENCE, TensorType((3, 2)))
CASES += cases(kinds.MatMul, [{}], IMAGE, TensorType((5, 2)))
CASES += cases(kinds.MatMul, [{}], TensorType((2, 3)), IMAGE)
CASES += cases(kinds.MatMul, [{}], IMAGE, TensorType((5, 2), batched=False))
CASES += cases(kinds.MatMul, [{}], TensorType((2, 3), batched=False), SIGNAL_TYPE)
CASES += cases(kinds.MatMul, [{}], TensorType((4, 2, 3), batched=False), SEQUENCE)
CASES += cases(kinds.MatMul, [{"transpose_b": True}], SYMBOLIC, SYMBOLIC, sizes={"time": 3})


def test_scale_by_hand():
    layer, x = kinds.Scale.make(0.5), TensorType((2,))
    run = reference(layer, [np.array([[6.0, -2.0]])], {}, [x])
    np.testing.assert_array_equal(run.outputs[0], [[3.0, -1.0]])
    assert layer.elementwise((x,), (x,)) == 2
    left = kinds.Scale.make(-1, 1)
    run = reference(left, [np.array([[6.0, -2.0]])], {}, [x])
    np.testing.assert_array_equal(run.outputs[0], [[-5.0, 3.0]])
    assert left.elementwise((x,), (x,)) == 4
    with pytest.raises(LayerError) as caught:
        layer.infer(TensorType((2,), "int64"))
    assert caught.value.code == "MSL303"


def test_arithmetic_by_hand():
    a, b = np.array([[6.0, 2.0]]), np.array([[3.0, 4.0]])
    for kind, expected in (
        (kinds.Add, [[9.0, 6.0]]),
        (kinds.Subtract, [[3.0, -2.0]]),
        (kinds.Multiply, [[18.0, 8.0]]),
        (kinds.Divide, [[2.0, 0.5]]),
        (kinds.Average, [[4.5, 3.0]]),
        (kinds.Maximum, [[6.0, 4.0]]),
        (kinds.Minimum, [[3.0, 2.0]]),
    ):
        run = reference(kind.make(), [a, b], {}, [TensorType((2,))] * 2)
        np.testing.assert_array_equal(run.outputs[0], expected)


def test_the_batch_is_not_an_axis_to_broadcast():
    # two samples of two features, added to rows of a matrix of their own sample
    vector = np.array([[10.0, 20.0], [30.0, 40.0]])
    matrix = np.zeros((2, 2, 2))
    types = [TensorType((2,)), TensorType((2, 2))]
    run = reference(kinds.Add.make(), [vector, matrix], {}, types)
    np.testing.assert_array_equal(run.outputs[0][0], [[10.0, 20.0], [10.0, 20.0]])
    np.testing.assert_array_equal(run.outputs[0][1], [[30.0, 40.0], [30.0, 40.0]])


def test_concat_repeats_a_learned_value():
    token, x = np.array([[7.0]]), np.array([[[1.0]], [[2.0]]])
    types = [TensorType((1, 1), batched=False), TensorType((1, 1))]
    run = reference(kinds.Concat.make(0), [token, x], {}, types)
    np.testing.assert_array_equal(run.outputs[0], [[[7.0], [1.0]], [[7.0], [2.0]]])


def test_matmul_by_hand():
    a, b = np.array([[[1.0, 2.0], [3.0, 4.0]]]), np.array([[[0.0, 1.0], [1.0, 1.0]]])
    types = [TensorType((2, 2))] * 2
    run = reference(kinds.MatMul.make(), [a, b], {}, types)
    np.testing.assert_array_equal(run.outputs[0], [[[2.0, 3.0], [4.0, 7.0]]])
    run = reference(kinds.MatMul.make(transpose_a=True), [a, b], {}, types)
    np.testing.assert_array_equal(run.outputs[0], [[[3.0, 4.0], [4.0, 6.0]]])


def named(type):
    return type.named(), type.batched


def test_shapes_and_names():
    concat, add = kinds.Concat.make(), kinds.Add.make()
    assert named(concat.infer(IMAGE, COLUMN.with_shape((2, 3, 5)))) == (
        "[channels=6, height=3, width=5]", True,
    )  # fmt: skip
    assert named(concat.infer(SEQUENCE, SEQUENCE)) == ("[time=3, features=10]", True)
    assert kinds.Concat.make(0).infer(SYMBOLIC, SEQUENCE).shape == (TIME + 3, 5)
    assert named(kinds.Concat.make(0).infer(LEARNED, SIGNAL_TYPE)) == ("[channels=6, time=5]", True)
    assert named(add.infer(COLUMN, IMAGE)) == ("[channels=4, height=3, width=5]", True)
    assert named(add.infer(SIGNAL_TYPE, LEARNED)) == ("[channels=3, time=5]", True)
    assert named(add.infer(SIGNAL_TYPE, SEQUENCE)) == ("[channels=3, time=5]", True)
    assert named(add.infer(SEQUENCE, SIGNAL_TYPE)) == ("[channels=3, time=5]", True)
    assert named(add.infer(LEARNED, LEARNED)) == ("[time=3, features=5]", False)
    assert named(add.infer(LEARNED_DEEP, VECTOR)) == ("[channels=4, height=3, features=5]", True)
    product = kinds.MatMul.make(transpose_b=True).infer(SYMBOLIC, SEQUENCE)
    assert named(product) == ("[time, time=3]", True)
    assert kinds.Identity.make().infer(IMAGE) == IMAGE


def test_costs():
    a, b = TensorType((2, 3, 5)), TensorType((5, 7))
    layer = kinds.MatMul.make()
    out = layer.infer(a, b)
    assert out.shape == (2, 3, 7)
    assert layer.macs((a, b), (out,)) == 2 * 3 * 7 * 5
    assert layer.elementwise((a, b), (out,)) == 0
    assert kinds.MatMul.make(transpose_a=True).macs((b, b), (TensorType((7, 7)),)) == 7 * 7 * 5
    assert kinds.Add.make().elementwise((IMAGE,) * 3, (IMAGE,)) == 120
    assert kinds.Average.make().elementwise((IMAGE,) * 2, (IMAGE,)) == 120
    assert kinds.Concat.make().elementwise((IMAGE,) * 2, (IMAGE,)) == 0


INTS = TensorType((5,), "int64")


@pytest.mark.parametrize(
    ("layer", "types", "code", "input"),
    [
        (kinds.Add.make(), (IMAGE, TensorType((4,))), "MSL306", 1),
        (kinds.Add.make(), (VECTOR, SCALAR, TensorType((4,))), "MSL306", 2),
        (kinds.Add.make(), (SYMBOLIC, SEQUENCE), "MSL306", 1),
        (kinds.Add.make(), (VECTOR, INTS), "MSL303", 1),
        (kinds.Add.make(), (TensorType((4,), "bool"),) * 2, "MSL303", 0),
        (kinds.Divide.make(), (INTS, INTS), "MSL303", 0),
        (kinds.Concat.make(), (IMAGE, SEQUENCE), "MSL306", 1),
        (kinds.Concat.make(), (IMAGE, IMAGE, TensorType((4, 3, 6))), "MSL306", 2),
        (kinds.Concat.make(), (SCALAR, SCALAR), "MSL302", 0),
        (kinds.Concat.make(2), (SEQUENCE, SEQUENCE), "MSL307", None),
        (kinds.Concat.make(), (VECTOR, INTS), "MSL303", 1),
        (kinds.MatMul.make(), (SEQUENCE, SEQUENCE), "MSL306", 1),
        (kinds.MatMul.make(), (VECTOR, SEQUENCE), "MSL302", 0),
        (kinds.MatMul.make(), (TensorType((2, 3, 3)), TensorType((4, 3, 3))), "MSL306", 1),
    ],
)
def test_refuses(layer, types, code, input):
    with pytest.raises(LayerError) as caught:
        layer.infer(*types)
    assert (caught.value.code, caught.value.input) == (code, input)


def test_messages_hold_both_shapes_and_the_cure():
    with pytest.raises(LayerError) as caught:
        kinds.Multiply.make().infer(TensorType((4,)), TensorType((4, 3, 5)))
    assert caught.value.message == (
        "`Multiply` cannot join [features=4] and [channels=4, height=3, width=5]"
    )
    assert "`Reshape([4, 1, 1])`" in caught.value.help
    with pytest.raises(LayerError) as caught:
        kinds.Concat.make().infer(IMAGE, TensorType((2, 3, 6)))
    assert caught.value.notes == ("only channels may differ: width is 5 and 6",)
    with pytest.raises(LayerError) as caught:
        kinds.MatMul.make().infer(SEQUENCE, SEQUENCE)
    assert caught.value.notes == ("[3, 5] times [3, 5]: 5 and 3 must be equal",)
    assert "transpose_b" in caught.value.help
