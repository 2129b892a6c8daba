"""Training of mixtures of experts: the penalty for uneven use takes part, alike in both scripts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch

from backends.tensorflow.weights import load, read
from tests.backends.twins import compiled, drawn, loaded, twins

pytestmark = [pytest.mark.torch, pytest.mark.tensorflow]

MODEL = """\
model Net {{
  input x: float32[5, 8]
  residual {{ MixtureOfExperts(4, 2, 6, balance={balance}) }}
  shared again = MixtureOfExperts(3, 1, 5, normalize=false, balance={balance})
  residual {{ again }}
  residual {{ again }}
  output y: float32[5, 3] = Linear(3)
}}
optimizer SGD(lr=0.5, momentum=0.5)
loss """
RUNS = {
    "plain": "MSE",
    "accumulated": "MSE\ntrain { batch = 3; accumulate = 2 }",
    "regularized": "MSE\nregularization { L2(0.01); ClipNorm(0.5) }",
    "some positions count": "CrossEntropy(ignore_index=1)\ntrain { batch = 3; accumulate = 2 }",
}
ROWS = 6


@pytest.fixture
def float64() -> Iterator[None]:
    """Models computed in float64."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(before)


def batch(seed: int, classes: bool = False) -> dict[str, Any]:
    """Inputs, whose values float32 holds exactly, and targets."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(ROWS, 5, 8)), rng.normal(size=(ROWS, 5, 3))
    return {"x": x.astype(np.float32).astype(np.float64), "y": y.argmax(-1) if classes else y}


def weights_of(model: torch.nn.Module) -> dict[str, Any]:
    return {name: value.numpy().copy() for name, value in model.state_dict().items()}


@pytest.mark.parametrize("sections", RUNS.values(), ids=RUNS)
def test_both_scripts_take_the_same_steps(sections: str, tmp_path: Path, float64: None) -> None:
    text = MODEL.format(balance=0.3) + sections
    ours, theirs = twins(text, tmp_path)
    spec = compiled(text).model
    model, twin = ours.build_model(), theirs.build_model().double()
    load(spec, model, weights_of(twin), np)
    start = weights_of(twin)
    optimizer, other = ours.SGD(model), theirs.make_optimizer(twin)
    for step in range(4):
        arrays = batch(step, classes="CrossEntropy" in sections)
        found = ours.train_step(model, optimizer, {k: tf.constant(v) for k, v in arrays.items()})
        tensors = {name: torch.tensor(array) for name, array in arrays.items()}
        wanted = theirs.train_step(twin, other, tensors)
        assert float(found) == pytest.approx(float(wanted), rel=1e-10)
    arrays = read(spec, {v.path: v.numpy() for v in model.weights}, np)
    for name, value in weights_of(twin).items():
        np.testing.assert_allclose(arrays[name], value, rtol=1e-9, atol=1e-12, err_msg=name)
        assert np.abs(value - start[name]).max() > 0, name


def test_the_loss_of_a_step_holds_the_penalty_of_each_use(tmp_path: Path) -> None:
    module = loaded(drawn(MODEL.format(balance=0.3) + "MSE", "torch"), tmp_path, "balanced")
    plain = loaded(drawn(MODEL.format(balance=0.0) + "MSE", "torch"), tmp_path, "plain")
    tensors = {name: torch.tensor(array) for name, array in batch(0).items()}
    model, other = module.build_model().double(), plain.build_model().double()
    other.load_state_dict(model.state_dict())
    model(tensors["x"])
    penalties = [p.item() for layer in model.modules() for p in getattr(layer, "penalties", ())]
    assert len(penalties) == 3  # one layer is used twice
    assert module.routing_penalty(model).item() == pytest.approx(sum(penalties))
    assert module.routing_penalty(model) == 0
    loss = module.train_step(model, module.make_optimizer(model), tensors)
    bare = plain.train_step(other, plain.make_optimizer(other), tensors)
    assert loss.item() == pytest.approx(bare.item() + sum(penalties))


def test_an_evaluation_leaves_the_penalty_out(tmp_path: Path) -> None:
    text = MODEL.format(balance=0.3) + "MSE"
    ours, theirs = twins(text, tmp_path)
    model, twin = ours.build_model(), theirs.build_model()
    load(compiled(text).model, model, weights_of(twin), np)
    arrays = {name: array.astype(np.float32) for name, array in batch(0).items()}
    tensors = {name: torch.tensor(array) for name, array in arrays.items()}
    found = ours.make_evaluate(model, {k: tf.constant(v) for k, v in arrays.items()}, 4)()
    wanted = theirs.evaluate(twin, tensors, 4)
    with torch.no_grad():
        mse = torch.nn.functional.mse_loss(twin(tensors["x"]), tensors["y"]).item()
    assert found["loss"] == pytest.approx(wanted["loss"], rel=1e-5)
    assert found["loss"] == pytest.approx(mse, rel=1e-5)


@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
def test_scripts_without_a_penalty_know_nothing_of_it(backend: str) -> None:
    text = drawn(MODEL.format(balance=0.0) + "MSE", backend)
    assert not any(word in text for word in ("penalt", "add_loss", "model.losses"))


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_lower_precision(precision: str, tmp_path: Path) -> None:
    """Scores are float32; a step is finite and near that of full precision."""
    text = MODEL.format(balance=0.3) + "MSE"
    section = f"\ndevice {{ precision = {precision} }}"
    full = loaded(drawn(text, "torch"), tmp_path, "full")
    half = loaded(drawn(text + section, "torch"), tmp_path, "half")
    tensors = {name: torch.tensor(array).float() for name, array in batch(0).items()}
    model, other = full.build_model(), half.build_model()
    other.load_state_dict(model.state_dict())
    scaler = [torch.amp.GradScaler("cpu")] if precision == "float16" else []
    wanted = full.train_step(model, full.make_optimizer(model), tensors)
    found = half.train_step(other, half.make_optimizer(other), tensors, *scaler)
    assert found.item() == pytest.approx(wanted.item(), rel=0.02)
    ours = loaded(drawn(text + section, "tensorflow"), tmp_path, "half_tensorflow")
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(f"mixed_{precision}")
    try:
        twin = ours.build_model()
        load(compiled(text).model, twin, weights_of(full.build_model()), np)
        arrays = {name: tf.constant(tensor.numpy()) for name, tensor in tensors.items()}
        loss = ours.train_step(twin, ours.SGD(twin), arrays)
    finally:
        keras.config.set_dtype_policy(before)
    assert np.isfinite(float(loss))


def test_a_compiled_model_adds_the_same_penalties(tmp_path: Path) -> None:
    """Dynamo leaves the graph where the tokens of an expert are counted, and keeps the list."""
    module = loaded(drawn(MODEL.format(balance=0.3) + "MSE", "torch"), tmp_path, "compiled")
    tensors = {name: torch.tensor(array).float() for name, array in batch(0).items()}
    model, other = module.build_model(), module.build_model()
    other.load_state_dict(model.state_dict())
    other.compile(backend="eager")
    optimizers = [module.make_optimizer(each) for each in (model, other)]
    for _ in range(3):
        wanted = module.train_step(model, optimizers[0], tensors)
        assert module.train_step(other, optimizers[1], tensors).item() == pytest.approx(
            wanted.item()
        )


def test_xla_is_left_out(tmp_path: Path) -> None:
    text = drawn(MODEL.format(balance=0.3) + "MSE\ndevice { compile = true }", "tensorflow")
    assert "jit_compile" not in text
    assert "not compiled: XLA" in text
