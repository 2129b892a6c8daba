"""Tables as modules: start values, padding, weights tied to another layer's."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch
from torch import nn

import backends.tensorflow.layers.families
import backends.torch.layers.families  # noqa: F401
from backends.base import Site
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.runtime.precision import computing_in
from backends.torch.layers import TORCH
from dsl.kinds.values import LayerPath
from dsl.layers.embedding import Embedding, PositionEmbedding, SinusoidalPosition
from dsl.layers.linear import Linear
from dsl.shapes.types import TensorType
from dsl.training.initializers import KaimingNormal, Normal, TruncatedNormal, Uniform
from tests.layers import harness
from tests.layers.harness import keras_model, torch_module

TOKENS = TensorType((4,), "int64")
SEQUENCE = TensorType((4, 3))


@pytest.mark.parametrize(
    ("layer", "type", "deviation"),
    [
        (Embedding.make(200, 50), TOKENS, 1.0),
        (PositionEmbedding.make(200), TensorType((4, 50)), 0.02),
        (Embedding.make(200, 50, padding_idx=7), TOKENS, 0.9975),
        (Embedding.make(200, 50, init=Normal.make(0.02)), TOKENS, 0.02),
        (Embedding.make(200, 50, padding_idx=7, init=TruncatedNormal.make(0.5)), TOKENS, 0.44),
        (Embedding.make(200, 50, init=Uniform.make(-0.5, 0.5)), TOKENS, 12**-0.5),
        (Embedding.make(200, 50, init=KaimingNormal.make()), TOKENS, 0.2),
        (Linear.make(200, bias=False, init=Normal.make(0.02)), TensorType((50,)), 0.02),
    ],
    ids=str,
)
def test_start_values(layer, type, deviation):
    (on_torch,) = torch_module(layer, [type])[0].parameters()
    (on_keras,) = keras_model(layer, [type])[0].layer.trainable_variables
    for table in (on_torch.detach().numpy(), on_keras.numpy()):
        table = table.T if table.shape[0] == 50 else table  # Keras' kernels are [in, out]
        assert table.shape == (200, 50)
        assert np.std(table) == pytest.approx(deviation, rel=0.03)
        assert np.mean(table) == pytest.approx(0, abs=deviation * 0.05)
        if getattr(layer, "padding_idx", None) is not None:
            assert not table[7].any()
            assert table[6].any()


def test_padding_is_not_trained():
    layer = Embedding.make(5, 3, padding_idx=2)
    weights = {"weight": np.arange(15.0).reshape(5, 3)}
    tokens = np.array([[2, 1, 2, 4]])
    for run in (harness.run_torch, harness.run_keras):
        result = run(layer, [tokens], weights, [TOKENS])
        np.testing.assert_array_equal(result.outputs[0][0], weights["weight"][[2, 1, 2, 4]])
        assert [row.any() for row in result.weights["weight"]] == [False, True, False, False, True]


@pytest.mark.parametrize("layer", [PositionEmbedding.make(3)])
def test_longer_than_the_table(layer):
    short = [TensorType((3, 3))]
    with pytest.raises(RuntimeError):
        torch_module(layer, short)[0](torch.ones(1, 4, 3))
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        keras_model(layer, short)[0].layer(np.ones((1, 4, 3), "float32"))


@pytest.mark.parametrize("base", [10000.0, 7.0])
def test_waves_in_half_precision(base):
    """The waves are computed in float32; only the sum is rounded."""
    layer, types = SinusoidalPosition.make(base), [TensorType((2000, 6))]
    zeros = np.zeros((1, 2000, 6), "float32")
    meant = harness.reference(layer, [zeros.astype("float64")], {}, types).outputs[0]
    result = torch_module(layer, types)[0](torch.zeros(1, 2000, 6, dtype=torch.bfloat16))
    assert result.dtype == torch.bfloat16
    np.testing.assert_allclose(result.float().numpy(), meant, atol=4e-3)
    with computing_in("float32"):
        keras.config.set_dtype_policy("mixed_bfloat16")
        result = keras_model(layer, types)[0].layer(zeros)
    assert result.dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(result, "float32").numpy(), meant, atol=4e-3)


TIED = [
    (Linear.make(7, bias=False, tie=LayerPath("table")), SEQUENCE),
    (Linear.make(7, tie=LayerPath("table")), SEQUENCE),
    (Embedding.make(7, 3, tie=LayerPath("table")), TOKENS),
    (Embedding.make(7, 3, padding_idx=2, tie=LayerPath("table")), TOKENS),
]


def _code(emitters, layer, type, tied):
    """The code of a layer tied to ``self.table``, and a namespace with its helpers."""
    asked: dict[str, dict] = {}
    site = Site(
        x=("x",),
        types=(type,),
        outputs=(layer.infer(type),),
        self="self.head",
        name='"head"',
        code=harness.written,
        forward=harness.written,
        helper=lambda name, **flags: (name, asked.setdefault(name, flags))[0],
        tied=tied,
    )
    emission = emitters.native[layer.__class__](layer, site)
    space = {"torch": torch, "nn": nn, "F": nn.functional, "math": math}
    space |= {"keras": keras, "layers": keras.layers}
    for name, flags in asked.items():
        exec(harness.helper_text(emitters.backend, name, flags), space)
    return emission, space


def _torch_step(layer, type, table, x):
    """Result, and gradients of the table and of the rest, when both uses are in the loss."""
    emission, space = _code(TORCH, layer, type, "self.table.weight")

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(7, 3)
            if emission.module:
                self.head = eval(emission.module, space, {"self": self})

        def forward(self, x):
            return eval(emission.call, space, {"self": self, "x": x})

    model = Model().double()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(
                torch.from_numpy(table) if name == "table.weight" else torch.tensor(1.5)
            )
    result = model(torch.from_numpy(x))
    (result.square().sum() + model.table(torch.tensor([1])).sum()).backward()
    grads = {name: parameter.grad.numpy() for name, parameter in model.named_parameters()}
    return result.detach().numpy(), grads


def _keras_step(layer, type, table, x):
    emission, space = _code(TENSORFLOW, layer, type, "self.table.embeddings")

    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.table = keras.layers.Embedding(7, 3, name="table")
            self.table.build()
            if emission.module:
                self.head = eval(emission.module, space, {"self": self})

        def call(self, x):
            return eval(emission.call, space, {"self": self, "x": x})

    with computing_in("float64"):
        model = Model()
        model(keras.Input(x.shape[1:], dtype=str(x.dtype)))
        for variable in model.trainable_variables:
            variable.assign(table if "table" in variable.path else np.full(variable.shape, 1.5))
        result, grads = tf.function(_keras_gradients)(model, tf.constant(x))
    assert len({variable.path for variable in model.trainable_variables}) == len(grads)
    names = {"table/embeddings": "table.weight", "head/bias": "head.bias"}
    paths = [variable.path.split("/", 1) for variable in model.trainable_variables]
    named = {names.get("/".join(path), names.get(path[-1])): g for path, g in zip(paths, grads)}
    return result.numpy(), {name: tf.convert_to_tensor(g).numpy() for name, g in named.items()}


def _keras_gradients(model, x):
    with tf.GradientTape() as tape:
        result = model(x)
        loss = tf.reduce_sum(result**2) + tf.reduce_sum(model.table(tf.constant([1])))
    return result, tape.gradient(loss, model.trainable_variables)


@pytest.mark.parametrize(("layer", "type"), TIED, ids=str)
def test_a_tied_weight_is_trained_through_both_uses(layer, type):
    random = np.random.default_rng(0)
    table = random.normal(size=(7, 3))
    x = random.normal(size=(2, 4, 3)) if type.is_float else random.integers(0, 7, (2, 4))
    x[0, 0] = 2
    meant = x @ table.T + 1.5 * bool(getattr(layer, "bias", 0)) if type.is_float else table[x]
    on_torch, torch_grads = _torch_step(layer, type, table, x)
    on_keras, keras_grads = _keras_step(layer, type, table, x)
    np.testing.assert_allclose(on_torch, meant, rtol=1e-9)
    np.testing.assert_allclose(on_keras, meant, rtol=1e-9)
    owned = {"table.weight"} | {f"head.{weight.role}" for weight in layer.weights(type)}
    assert torch_grads.keys() == keras_grads.keys() == owned
    for name, grad in torch_grads.items():
        np.testing.assert_allclose(keras_grads[name], grad, rtol=1e-9, err_msg=name)
    slope = 2 * meant
    by_head = slope.reshape(-1, 7).T @ x.reshape(-1, 3) if type.is_float else np.zeros((7, 3))
    if not type.is_float:
        np.add.at(by_head, x, np.where((x == layer.padding_idx)[..., None], 0, slope))
    by_table = np.eye(7)[1][:, None]
    np.testing.assert_allclose(torch_grads["table.weight"], by_head + by_table, rtol=1e-9)
