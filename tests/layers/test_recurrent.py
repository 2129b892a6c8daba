"""`SimpleRNN`, `LSTM`, `GRU`: shapes, weights, costs and numbers worked out by hand."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest

import backends.reference.families  # noqa: F401
from dsl.kinds.kind import KindError
from dsl.kinds.values import BadValue
from dsl.layers.base import LayerError
from dsl.layers.recurrent import GRU, LSTM, SimpleRNN
from dsl.shapes.dim import evaluate, symbol
from dsl.shapes.types import TensorType
from tests.layers.harness import cases, pairwise, reference

SEQUENCE = TensorType((3, 3))
SYMBOLIC = TensorType((symbol("time"), 3))
CHANNELS = TensorType((2, 4, 3), axes=("channels", "time", "features"))
FOLDED = TensorType((2, 3, 3), axes=(None, "time", "features"))


def _dropout_without_layers(row):
    return row["dropout"] > 0 and row["layers"] == 1


OPTIONS = {
    "hidden_size": [1, 4],
    "layers": [1, 2],
    "dropout": [0.0, 0.5],
    "bidirectional": [False, True],
    "return_sequences": [False, True],
    "return_state": [False, True],
}
BIASES = [True, False, "double"]
RNN_ROWS = pairwise(_dropout_without_layers, **OPTIONS, bias=BIASES, activation=["tanh", "relu"])
LSTM_ROWS = pairwise(_dropout_without_layers, **OPTIONS, bias=BIASES)
GRU_ROWS = pairwise(_dropout_without_layers, **OPTIONS, bias=[True, False])


def _row_cases(kind, rows):
    """Training differs by dropout alone, which draws; `test_dropout_in_training` looks at it."""
    plain = [row for row in rows if row["layers"] == 1]
    deep = [row for row in rows if row["layers"] > 1]
    return cases(kind, plain, SEQUENCE) + cases(kind, deep, SEQUENCE, training=False)


def _state_cases(kind, layers, both):
    """From given states: of each sample, over more dimensions, learned, and left out."""
    row = {"hidden_size": 4, "layers": layers, "bidirectional": both, "return_state": True}
    steps = row | {"return_sequences": True}
    copies, count = layers * (1 + both), len(kind.make(4).state)
    own = (4,) if copies == 1 else (copies, 4)
    state = TensorType(own, axes=(None,) * len(own))
    folded = TensorType((2, *own), axes=(None,) * (1 + len(own)))
    learned = TensorType(own, axes=(None,) * len(own), batched=False)
    found = cases(kind, [row], SEQUENCE, *[state] * count, training=False)
    found += cases(kind, [steps], FOLDED, *[folded] * count, training=False)
    found += cases(kind, [row | {"return_state": False}], FOLDED, learned, *[None] * (count - 1))
    if count == 2:
        found += cases(kind, [row], SEQUENCE, None, state, training=False)
        found += cases(kind, [steps], SEQUENCE, state, None, training=False)
    return found


def _masked(states, random, front=()):
    """Steps that count in front, here and there, at the end and nowhere, and given states."""
    mask = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [0, 1, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]], bool)
    mask = np.broadcast_to(mask.reshape(5, *[1] * len(front), 4), (5, *front, 4)).copy()
    given = [None if s is None else random.normal(size=(5, *s.shape)) for s in states]
    return [random.normal(size=(*mask.shape, 3)), *given, mask]


def _mask_cases(kind):
    """Every shape of result under a mask; states given and not, dimensions in front of time."""
    x, mask, count = TensorType((4, 3)), TensorType((4,), "bool"), len(kind.make(4).state)
    options = pairwise(
        layers=[1, 2], bidirectional=[False, True], return_sequences=[False, True],
        return_state=[False, True], bias=[True, False] + ["double"] * (kind is not GRU),
    )  # fmt: skip
    found, none = [], [None] * count
    for row in options:
        made = functools.partial(_masked, none)
        found += cases(kind, [row | {"hidden_size": 4}], x, *none, mask, inputs=made)
    for copies, row in ((1, {}), (2, {"bidirectional": True})):
        own = (4,) if copies == 1 else (copies, 4)
        states = [TensorType(own, axes=(None,) * len(own))] * count
        made = functools.partial(_masked, states)
        rows = [row | {"hidden_size": 4, "return_state": more} for more in (False, True)]
        found += cases(kind, rows, x, *states, mask, inputs=made)
    folded, masks = TensorType((2, 4, 3), axes=(None, "time", "features")), TensorType(
        (2, 4), "bool"
    )
    made = functools.partial(_masked, none, front=(2,))
    return found + cases(kind, [{"hidden_size": 4}], folded, *none, masks, inputs=made)


CASES = _row_cases(SimpleRNN, RNN_ROWS) + _row_cases(LSTM, LSTM_ROWS) + _row_cases(GRU, GRU_ROWS)
CASES += _state_cases(SimpleRNN, 1, True) + _state_cases(GRU, 1, False)
CASES += _state_cases(LSTM, 1, False) + _state_cases(LSTM, 2, True)
for _kind in (SimpleRNN, LSTM, GRU):
    CASES += _mask_cases(_kind)
    CASES += cases(_kind, [{"hidden_size": 4}], SYMBOLIC, sizes={"time": 3})
    CASES += cases(_kind, [{"hidden_size": 4, "layers": 2}], FOLDED, training=False)
    CASES += cases(_kind, [{"hidden_size": 4, "return_sequences": True}], CHANNELS)
CASES += cases(GRU, [{"hidden_size": 4}], TensorType((4, 3), batched=False))


def test_every_pair_of_arguments_is_covered():
    impossible = ["layers=1 with dropout=0.5"]
    assert RNN_ROWS.uncovered == LSTM_ROWS.uncovered == GRU_ROWS.uncovered == impossible


def test_parameters_of_the_specs():
    rnn, gru = SimpleRNN.make(64, activation="relu"), GRU.make(64)
    assert sum(weight.count for weight in rnn.weights(TensorType((32, 16)))) == 5184
    assert sum(weight.count for weight in gru.weights(TensorType((20, 32)))) == 18816


@pytest.mark.parametrize(("kind", "gates"), [(SimpleRNN, 1), (LSTM, 4), (GRU, 3)])
def test_weights_are_named_as_in_pytorch(kind, gates):
    weights = kind.make(4, layers=2, bidirectional=True).weights(SEQUENCE)
    shapes = {weight.role: weight.shape for weight in weights}
    ends = ["_l0", "_l0_reverse", "_l1", "_l1_reverse"]
    assert [role[9:] for role in shapes if role.startswith("weight_hh")] == ends
    assert shapes["weight_ih_l0_reverse"] == (gates * 4, 3)
    assert shapes["weight_ih_l1"] == (gates * 4, 8)
    assert shapes["weight_hh_l1_reverse"] == (gates * 4, 4)
    assert shapes["bias_ih_l1"] == (gates * 4,)
    assert ("bias_hh_l0" in shapes) == (kind is GRU)
    assert {weight.init.value for weight in weights} == {0.5}
    assert {weight.role[:4]: weight.group for weight in weights} == {
        "weig": "weight",
        "bias": "bias",
    }


def test_biases():
    def roles(layer):
        return [w.role for w in layer.weights(SEQUENCE) if w.group == "bias"]

    assert roles(LSTM.make(4)) == ["bias_ih_l0"]
    assert roles(LSTM.make(4, bias="double")) == ["bias_ih_l0", "bias_hh_l0"]
    assert roles(SimpleRNN.make(4, bias=False)) == roles(GRU.make(4, bias=False)) == []
    with pytest.raises(BadValue):
        GRU.make(4, bias="double")
    with pytest.raises(BadValue):
        LSTM.make(4, bias="triple")


def test_shapes():
    assert LSTM.make(4).infer(SEQUENCE) == TensorType((4,))
    assert LSTM.make(4, return_sequences=True).infer(SEQUENCE) == TensorType((3, 4))
    both = LSTM.make(4, bidirectional=True, return_sequences=True, return_state=True)
    out, h, c = both.infer(SYMBOLIC)
    assert (str(out), str(h), str(c)) == ("float32[time, 8]", "float32[2, 4]", "float32[2, 4]")
    out, h = GRU.make(4, return_state=True).infer(FOLDED)
    assert (out.shape, h.shape) == ((2, 4), (2, 4))
    assert out.axes == (None, "features")
    assert GRU.make(4).infer(CHANNELS).axes == (None, "features")


def test_costs():
    layer = LSTM.make(4, layers=2, bidirectional=True, return_sequences=True)
    out = (layer.infer(SYMBOLIC),)
    # per step: first layer 2 * 4 * (3 + 4) * 4, second 2 * 4 * (8 + 4) * 4
    assert evaluate(layer.macs((SYMBOLIC,), out), {"time": 10}) == 10 * (224 + 384)
    # 16 units: 13 operations of the step, 4 offsets
    assert evaluate(layer.elementwise((SYMBOLIC,), out), {"time": 10}) == 10 * 16 * 17
    gru = GRU.make(64)
    assert gru.macs((TensorType((20, 32)),), ()) == 20 * 3 * (32 + 64) * 64


@pytest.mark.parametrize(
    ("layer", "types", "code"),
    [
        (LSTM.make(4), [TensorType((5,))], "MSL302"),
        (LSTM.make(4), [TensorType((3, 8, 8))], "MSL302"),
        (LSTM.make(4), [TensorType((3, 8), axes=("channels", "time"))], "MSL302"),
        (GRU.make(4), [TensorType((5,), "int64")], "MSL303"),
        (GRU.make(4), [TensorType((5, symbol("time")), axes=(None, None))], "MSL309"),
        (GRU.make(4), [SEQUENCE, TensorType((5,))], "MSL306"),
        (GRU.make(4), [SEQUENCE, TensorType((4,), "float16")], "MSL306"),
        (LSTM.make(4, layers=2), [SEQUENCE, None, TensorType((4,))], "MSL306"),
        (GRU.make(4), [TensorType((5, 3), batched=False), TensorType((4,))], "MSL306"),
    ],
)
def test_refuses(layer, types, code):
    with pytest.raises(LayerError) as caught:
        layer.infer(*types)
    assert caught.value.code == code


def test_a_wrong_state_is_told_with_the_formula():
    with pytest.raises(LayerError) as caught:
        LSTM.make(4, layers=2, bidirectional=True).infer(SEQUENCE, None, TensorType((4,)))
    assert caught.value.input == 2
    assert "[layers * directions, hidden_size] = [2 * 2, 4] = [4, 4]" in caught.value.notes[0]


def test_dropout_needs_layers_to_act_between():
    with pytest.raises(KindError) as caught:
        LSTM.make(4, dropout=0.1)
    assert caught.value.arg == "dropout"
    assert LSTM.make(4, layers=2, dropout=0.1).stochastic
    assert not LSTM.make(4, layers=2).stochastic


def _weights(kind, **roles):
    """Weights of one unit on one feature: those named, the others zero."""
    layer = kind.make(1)
    rows = layer.weights(TensorType((1, 1)))
    return {w.role: np.array(roles.get(w.role, np.zeros(w.shape))).reshape(w.shape) for w in rows}


def _outputs(layer, x, weights):
    run = reference(layer, [np.array(x, float)[None, :, None]], weights, [TensorType((len(x), 1))])
    return [output[0] for output in run.outputs]


def test_rnn_by_hand():
    weights = _weights(SimpleRNN, weight_ih_l0=[0.5], weight_hh_l0=[2.0], bias_ih_l0=[0.25])
    layer = SimpleRNN.make(1, activation="relu", return_sequences=True, return_state=True)
    # h1 = 0.5 * 1 + 0.25 = 0.75; h2 = 0.5 * 2 + 0.25 + 2 * 0.75 = 2.75
    steps, h = _outputs(layer, [1, 2], weights)
    np.testing.assert_allclose(steps, [[0.75], [2.75]])
    np.testing.assert_allclose(h, [2.75])
    (last,) = _outputs(SimpleRNN.make(1), [1, 2], weights)
    np.testing.assert_allclose(last, [math.tanh(1.25 + 2 * math.tanh(0.75))])


def test_lstm_by_hand():
    # i = sigmoid(log 3) = 3/4, f = sigmoid(0) = 1/2, g = tanh(atanh 1/2) = 1/2, o = 1/2
    weights = _weights(LSTM, bias_ih_l0=[math.log(3), 0, math.atanh(0.5), 0])
    out, h, c = _outputs(LSTM.make(1, return_state=True), [9, 9], weights)
    # c1 = 3/8; c2 = 3/16 + 3/8 = 9/16
    np.testing.assert_allclose(c, [9 / 16])
    np.testing.assert_allclose(out, [math.tanh(9 / 16) / 2])
    np.testing.assert_allclose(h, out)


def test_gru_by_hand():
    # r = 1/2, z = sigmoid(log 3) = 3/4, n = tanh(r * 2 atanh 1/2) = 1/2
    weights = _weights(GRU, bias_ih_l0=[0, math.log(3), 0], bias_hh_l0=[0, 0, 2 * math.atanh(0.5)])
    # h1 = 1/4 * 1/2 = 1/8; h2 = 1/8 + 3/4 * 1/8 = 7/32
    np.testing.assert_allclose(_outputs(GRU.make(1), [9, 9], weights), [[7 / 32]])


def test_both_directions_by_hand():
    weights = {
        "weight_ih_l0": np.ones((1, 1)),
        "weight_hh_l0": np.ones((1, 1)),
        "weight_ih_l0_reverse": np.ones((1, 1)),
        "weight_hh_l0_reverse": np.full((1, 1), 2.0),
    }
    options = {"activation": "relu", "bias": False, "bidirectional": True, "return_state": True}
    steps, h = _outputs(SimpleRNN.make(1, return_sequences=True, **options), [1, 2, 4], weights)
    # forwards 1, 1 + 2, 3 + 4; backwards 4, 2 + 2 * 4, 1 + 2 * 10
    np.testing.assert_allclose(steps, [[1, 21], [3, 10], [7, 4]])
    np.testing.assert_allclose(h, [[7], [21]])
    np.testing.assert_allclose(
        _outputs(SimpleRNN.make(1, **options), [1, 2, 4], weights)[0], [7, 21]
    )


def test_dropout_between_layers_by_hand():
    weights = {
        role: np.ones((1, 1))
        for role in ("weight_ih_l0", "weight_hh_l0", "weight_ih_l1", "weight_hh_l1")
    }
    layer = SimpleRNN.make(1, 2, "relu", False, 0.5, return_sequences=True)
    x, types = [np.array([[[1.0], [2.0]]])], [TensorType((2, 1))]
    draws = np.array([[[0.4], [0.6]]])  # drops the first step's, doubles the second's
    run = reference(layer, x, weights, types, training=True, draw=lambda shape: draws)
    # below 1, 2 + 1 = 3; dropped to 0, 2 * 3 = 6; above 0, 6 + 0
    np.testing.assert_allclose(run.outputs[0], [[[0], [6]]])
    # as they are outside training: above 1, 3 + 1
    run = reference(layer, x, weights, types, draw=lambda shape: draws)
    np.testing.assert_allclose(run.outputs[0], [[[1], [4]]])


@pytest.mark.torch
@pytest.mark.parametrize("kind", [SimpleRNN, LSTM, GRU])
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("steps", [False, True])
def test_a_mask_of_padding_is_a_packed_sequence(kind, both, steps):
    """PyTorch's own module on PyTorch's own packing, from the same weights."""
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    torch.manual_seed(0)
    name = {"SimpleRNN": "RNN"}.get(kind.name, kind.name)
    bias = {} if kind is GRU else {"bias": "double"}
    module = getattr(torch.nn, name)(3, 4, 2, batch_first=True, bidirectional=both).double()
    layer = kind.make(4, layers=2, bidirectional=both, return_sequences=steps, **bias)
    weights = {key: value.detach().numpy() for key, value in module.state_dict().items()}
    x, lengths = torch.randn(3, 5, 3, dtype=torch.float64), torch.tensor([2, 5, 1])
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    output, final = module(packed)
    h = final[0] if kind is LSTM else final
    expected, _ = pad_packed_sequence(output, batch_first=True)
    if not steps:
        expected = h[-layer.directions :].transpose(0, 1).flatten(1)
    mask = np.arange(5) < lengths.numpy()[:, None]
    none = [None] * len(layer.state)
    types = [TensorType((5, 3)), *none, TensorType((5,), "bool")]
    run = reference(layer, [x.numpy(), *none, mask], weights, types)
    np.testing.assert_allclose(run.outputs[0], expected.detach().numpy(), rtol=1e-12, atol=1e-12)
