"""Scans: shapes, weights, costs, numbers worked out by hand, what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dsl.kinds.kind import KindError
from dsl.layers.base import LayerError
from dsl.layers.scan import LinearRecurrence, SelectiveScan
from dsl.shapes.dim import symbol
from dsl.shapes.types import TensorType
from tests.layers.harness import Case, initial_weights, reference

TIME = symbol("time")


def _types(*front, time=5, features=3, state=4, **options):
    wide, narrow = (TensorType((*front, time, n), **options) for n in (features, state))
    return wide, wide, narrow, narrow


def _inputs(*shapes):
    """Normal ones, but `delta` is positive, as `Softplus` gives it."""

    def draw(random):
        values = [random.normal(size=shape) for shape in shapes]
        values[1] = np.log1p(np.exp(values[1]))
        return values

    return draw


def _heads(*front, time=5, features=6, heads=2, state=4, **options):
    """Types where `delta` is that of a head."""
    last = features, heads, state, state
    return tuple(TensorType((*front, time, n), **options) for n in last)


def _case(types, *batch, arguments=None, **sizes):
    shapes = [(*batch, *x.sized(sizes).shape) for x in types]
    return Case(SelectiveScan, arguments or {}, types, sizes=sizes, inputs=_inputs(*shapes))


FOLDED = _types(2, axes=("channels", "time", "features"))
CASES = [
    _case(_types(), 2),
    _case(_types(time=1, state=1), 3),
    _case(_types(time=TIME), 2, time=37),
    _case(_types(3, 2, time=TIME, axes=(None, None, "time", "features")), 2, time=4),
    _case(FOLDED, 2),
    _case(_types(batched=False)),
    _case(_heads(), 2, arguments={"heads": 2}),
    _case(_heads(heads=6), 2, arguments={"heads": 6, "groups": 2}),
    _case(_heads(heads=1), 2, arguments={"heads": 1}),
    _case(_heads(heads=6, state=6, time=TIME), 2, arguments={"heads": 6, "groups": 3}, time=7),
    _case(_heads(2, axes=("channels", "time", "features")), 2, arguments={"heads": 2}),
]

SEQUENCE, LONG = TensorType((5, 3)), TensorType((TIME, 3))
STACKED = TensorType((2, 5, 3), axes=("channels", "time", "features"))
CASES += [
    Case(LinearRecurrence, {}, (SEQUENCE, SEQUENCE)),
    Case(LinearRecurrence, {}, (LONG, LONG), sizes={"time": 19}),
    Case(LinearRecurrence, {}, (SEQUENCE, TensorType((3,), batched=False))),
    Case(LinearRecurrence, {}, (STACKED, TensorType((5, 3), batched=False))),
    Case(LinearRecurrence, {}, (STACKED, STACKED)),
]


def test_a_running_sum_by_hand():
    x, decay = np.array([[[1.0], [2.0], [3.0]]]), np.array([0.5])
    types = TensorType((3, 1)), TensorType((1,), batched=False)
    layer = LinearRecurrence.make()
    run = reference(layer, [x, decay], {}, types)
    np.testing.assert_array_equal(run.outputs[0], [[[1], [0.5 + 2], [1.25 + 3]]])
    assert layer.infer(*types) == types[0]
    assert layer.weights(*types) == ()
    assert layer.macs(types, types[:1]) == 0
    assert layer.elementwise(types, types[:1]) == 2 * 3


@pytest.mark.parametrize(
    "decay",
    [TensorType((3,)), TensorType((5, 4)), TensorType((5, 3), "int64"), TensorType((1, 3))],
)
def test_refuses_decays_that_do_not_fit(decay):
    with pytest.raises(LayerError) as caught:
        LinearRecurrence.make().infer(SEQUENCE, decay)
    assert (caught.value.code, caught.value.input) == ("MSL306", 1)


def test_shapes_weights_and_costs():
    layer, types = SelectiveScan.make(), _types(time=TIME)
    output = layer.infer(*types)
    assert output == types[0]
    decays, skip = layer.weights(*types)
    assert (decays.role, decays.shape, decays.group) == ("a_log", (3, 4), "norm")
    assert (skip.role, skip.shape, skip.group) == ("d", (3,), "norm")
    macs = layer.macs(types, (output,))
    assert macs == TIME * 3 * 4
    assert layer.elementwise(types, (output,)) == TIME * 3 * (5 * 4 + 3)
    assert layer.backward_macs(types, (output,), (True,) * 4, True) == 2 * macs
    assert layer.backward_macs(types, (output,), (False,) * 4, True) == macs
    assert layer.backward_macs(types, (output,), (False, False, False, True), False) == macs


def test_weights_and_costs_with_heads():
    layer, types = SelectiveScan.make(heads=2), _heads(time=TIME)
    output = layer.infer(*types)
    assert [(w.role, w.shape) for w in layer.weights(*types)] == [("a_log", (2,)), ("d", (2,))]
    assert layer.macs(types, (output,)) == TIME * 6 * 4
    assert layer.elementwise(types, (output,)) == TIME * 6 * (3 * 4 + 3) + TIME * 2 * 2
    grouped, types = SelectiveScan.make(heads=2, groups=2), _heads()
    assert grouped.macs(types, (grouped.infer(*types),)) == 5 * 6 * 2


def test_heads_share_what_features_have_alone():
    """A head of one feature is that feature with the same A for all numbers of its state."""
    inputs, types = CASES[0].arrays(), _types()
    shared, d = np.array([-1.0, 0.0, 0.5]), np.array([1.0, 2.0, 3.0])
    weights = {"a_log": np.repeat(shared[:, None], 4, axis=1), "d": d}
    alone = reference(SelectiveScan.make(), inputs, weights, types)
    run = reference(SelectiveScan.make(heads=3), inputs, {"a_log": shared, "d": d}, types)
    np.testing.assert_allclose(run.outputs[0], alone.outputs[0])


def test_two_steps_by_hand():
    # a = -1: h_1 = 1 * 2 * 3, h_2 = exp(-1/2) h_1 + 1/2 * 4 * 5, and y = c h + d x
    values = [[3.0], [5.0]], [[1.0], [0.5]], [[2.0], [4.0]], [[10.0], [100.0]]
    inputs = [np.array([value]) for value in values]
    weights = {"a_log": np.zeros((1, 1)), "d": np.array([7.0])}
    run = reference(SelectiveScan.make(), inputs, weights, _types(time=2, features=1, state=1))
    second = 100 * (math.exp(-0.5) * 6 + 10) + 7 * 5
    np.testing.assert_allclose(run.outputs[0], [[[10 * 6 + 7 * 3], [second]]])


@pytest.mark.torch
@pytest.mark.tensorflow
@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
def test_starts_at_logarithms(backend):
    held = initial_weights(SelectiveScan.make(), _types(), backend)
    row = np.log([1, 2, 3, 4])
    np.testing.assert_allclose(held["a_log"], [row, row, row], rtol=1e-6)
    held = initial_weights(SelectiveScan.make(heads=2), _heads(), backend)
    np.testing.assert_allclose(held["a_log"], np.log([1, 2]), rtol=1e-6)


@pytest.mark.torch
@pytest.mark.parametrize("weight", ["a_log", "d"])
def test_gradients_are_slopes_of_the_reference(weight):
    """Central differences of the reference against PyTorch's gradient."""
    from tests.layers.harness import _weighed, random_weights, run_torch

    layer, types = SelectiveScan.make(), _types()
    inputs, weights = CASES[0].arrays(), random_weights(layer, types)
    run = run_torch(layer, inputs, weights, types)

    def loss(value):
        outputs = reference(layer, inputs, weights | {weight: value}, types).outputs
        return sum((y * c).sum() for y, c in _weighed(outputs))

    slopes = np.zeros_like(weights[weight])
    for place in np.ndindex(slopes.shape):
        bump = np.zeros_like(slopes)
        bump[place] = 1e-5
        slopes[place] = (loss(weights[weight] + bump) - loss(weights[weight] - bump)) / 2e-5
    np.testing.assert_allclose(run.weights[weight], slopes, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("arguments", "types", "code"),
    [
        ({"heads": 4}, _heads(heads=4), "MSL308"),
        ({"heads": 6, "groups": 3}, _heads(heads=6), "MSL308"),
        ({"heads": 2}, _types(features=6), "MSL306"),
    ],
)
def test_refuses_what_heads_do_not_divide(arguments, types, code):
    with pytest.raises(LayerError) as caught:
        SelectiveScan.make(**arguments).infer(*types)
    assert caught.value.code == code


@pytest.mark.parametrize("arguments", [{"groups": 2}, {"heads": 3, "groups": 2}])
def test_refuses_groups_without_heads_for_each(arguments):
    with pytest.raises(KindError):
        SelectiveScan.make(**arguments)


@pytest.mark.parametrize(
    ("port", "type", "code"),
    [
        (0, TensorType((3,)), "MSL302"),
        (2, TensorType((5, 4), "int64"), "MSL303"),
        (3, TensorType((4, 5), axes=("features", "time")), "MSL302"),
        (1, TensorType((5, 4)), "MSL306"),
        (2, TensorType((6, 4)), "MSL306"),
        (3, TensorType((5, 3)), "MSL306"),
        (3, TensorType((5, 4), batched=False), "MSL306"),
        (0, TensorType((5, symbol("width"))), "MSL309"),
        (2, TensorType((5, symbol("width"))), "MSL309"),
    ],
)
def test_refuses(port, type, code):
    types = list(_types())
    types[port] = type
    with pytest.raises(LayerError) as caught:
        SelectiveScan.make().infer(*types)
    assert caught.value.code == code
    assert caught.value.input in (port, None)
