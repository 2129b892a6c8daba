"""Recurrent layers as modules: one bias in PyTorch, start values, dropout in training."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

import backends.tensorflow.layers.families
import backends.torch.layers.families  # noqa: F401
from dsl.layers.recurrent import GRU, LSTM, SimpleRNN
from dsl.shapes.types import TensorType
from tests.layers.harness import keras_model, torch_module

SEQUENCE = TensorType((3, 5))


def _module(kind, **arguments):
    return torch_module(kind.make(4, **arguments), [SEQUENCE])[0].layer


def _count(kind, **arguments):
    return sum(weight.count for weight in kind.make(4, **arguments).weights(SEQUENCE))


@pytest.mark.parametrize("kind", [SimpleRNN, LSTM])
def test_the_second_bias_stays_zero(kind):
    rnn = _module(kind, layers=2, bidirectional=True)
    assert sum(p.numel() for p in rnn.parameters()) == _count(kind, layers=2, bidirectional=True)
    optimizer = torch.optim.SGD(rnn.parameters(), lr=1.0)
    rnn(torch.ones(2, 3, 5))[0].square().sum().backward()
    optimizer.step()
    zeros = [value for name, value in rnn.named_buffers() if name.startswith("bias_hh")]
    assert len(zeros) == 4
    assert not any(value.any() for value in zeros)
    assert not any("bias_hh" in name for name in rnn.state_dict())


@pytest.mark.parametrize("kind", [SimpleRNN, LSTM])
def test_one_bias_survives_what_is_done_to_modules(kind):
    rnn, x = _module(kind), torch.randn(2, 3, 5, dtype=torch.float64)
    rnn.to(torch.float64).flatten_parameters()
    twin = copy.deepcopy(rnn)
    torch.testing.assert_close(twin(x)[0], rnn(x)[0])
    with torch.no_grad():
        twin.bias_ih_l0.add_(1.0)
    assert not torch.allclose(twin(x)[0], rnn(x)[0])
    rnn.load_state_dict(twin.state_dict())
    torch.testing.assert_close(twin(x)[0], rnn(x)[0])


def test_one_bias_without_memory():
    with torch.device("meta"):
        rnn = _module(LSTM, layers=2)
        assert rnn(torch.empty(2, 3, 5))[0].shape == (2, 3, 4)
    assert {value.device.type for value in rnn.parameters()} == {"meta"}
    assert sum(p.numel() for p in rnn.parameters()) == _count(LSTM, layers=2)


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [(GRU, {}), (LSTM, {"bias": "double"}), (SimpleRNN, {"bias": False}), (LSTM, {"bias": False})],
)
def test_other_biases_are_the_native_module(kind, arguments):
    rnn = _module(kind, **arguments)
    assert not list(rnn.named_buffers())
    assert sum(p.numel() for p in rnn.parameters()) == _count(kind, **arguments)


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (LSTM, {}),
        (GRU, {"layers": 2}),
        (SimpleRNN, {"bidirectional": True}),
        (LSTM, {"bias": "double"}),
    ],
)
def test_start_values(kind, arguments):
    bound = 1 / 64**0.5
    layer = kind.make(64, **arguments)
    on_torch = [p.detach().numpy() for p in torch_module(layer, [SEQUENCE])[0].parameters()]
    on_keras = [v.numpy() for v in keras_model(layer, [SEQUENCE])[0].layer.trainable_variables]
    for weights in (on_torch, on_keras):
        assert sum(map(np.size, weights)) == sum(w.count for w in layer.weights(SEQUENCE))
        for values in weights:
            assert np.abs(values).max() <= bound
            assert np.std(values) == pytest.approx(bound / 3**0.5, rel=0.25)
        firsts = [values.flat[0] for values in weights]
        assert len(set(firsts)) == len(firsts), "each weight starts from numbers of its own"


@pytest.mark.parametrize("arguments", [{}, {"bidirectional": True}])
def test_dropout_in_training(arguments):
    """A second layer that passes its input on shows what dropout between the layers did."""
    options = {"activation": "relu", "bias": False, "return_sequences": True, **arguments}
    layer = SimpleRNN.make(64, layers=2, dropout=0.25, **options)
    types, width = [TensorType((9, 1))], 64 * layer.directions
    values = {"weight_ih_l0": np.ones((64, 1)), "weight_ih_l1": np.eye(64, width)}
    if layer.bidirectional:
        values |= {"weight_ih_l0_reverse": values["weight_ih_l0"]}
        values |= {"weight_ih_l1_reverse": np.eye(64, width, 64)}
    x = np.ones((8, 9, 1), "float32")

    module, _ = torch_module(layer, types)
    with torch.no_grad():
        for name, parameter in module.layer.named_parameters():
            parameter.copy_(torch.from_numpy(values.get(name, np.zeros(parameter.shape))))
    model, emission = keras_model(layer, types)
    for rule in emission.weights:
        variable = next(v for v in model.layer.variables if v.path.endswith(f"/{rule.variable}"))
        variable.assign(values.get(rule.roles[0], np.zeros(variable.shape[::-1])).T)

    for result in (module.train()(torch.from_numpy(x)).detach(), model([x], training=True)):
        result = np.asarray(result)
        np.testing.assert_allclose(np.unique(result), [0, 4 / 3], rtol=1e-6)
        assert np.mean(result == 0) == pytest.approx(0.25, abs=0.05)
        assert (result[0] != result[1]).any()
        assert (result[:, 0] != result[:, 1]).any()
    for result in (module.eval()(torch.from_numpy(x)).detach(), model([x], training=False)):
        np.testing.assert_array_equal(np.asarray(result), 1)
