"""The meaning of the training part in TensorFlow: held against PyTorch's scripts in float64."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch

from tests.backends.twins import NET, copy_weights, twins


@pytest.fixture
def float64() -> Iterator[None]:
    """Models computed in float64."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(before)


# --- steps against PyTorch --------------------------------------------------------------

OPTIMIZERS = (
    "SGD(lr=0.1)",
    "SGD(lr=0.1, momentum=0.9, weight_decay=0.01)",
    "SGD(lr=0.1, momentum=0.9, nesterov=true)",
    "SGD(lr=0.1, momentum=0.8, dampening=0.3)",
    "Adam(lr=0.01, eps=0.01)",
    "Adam(lr=0.01, betas=[0.8, 0.95], weight_decay=0.1)",
    'Adam(lr=0.01, weight_decay=0.1, decay_on="*")',
    "AdamW(lr=0.01, eps=0.01, weight_decay=0.1)",
    'AdamW(lr=0.01, weight_decay=0.1, decay_on=["body.*", "norm.weight"])',
    "RMSprop(lr=0.01, eps=0.01, weight_decay=0.1)",
    "RMSprop(lr=0.01, momentum=0.5, eps=0.1)",
    "RMSprop(lr=0.01, centered=true, momentum=0.5, eps=0.1)",
    "Adagrad(lr=0.1, eps=0.1, weight_decay=0.1)",
    "Adagrad(lr=0.1, lr_decay=0.5, initial_accumulator_value=0.2)",
)
REGULARIZATION = (
    "",
    "regularization { L2(0.01) }",
    'regularization { L1(0.01) on "body.*"; L2(0.02) on "*.bias" }',
    "regularization { ClipNorm(0.3) }",
    "regularization { L2(0.1); ClipValue(0.05); ClipNorm(0.2) }",
)
LOSSES = ("CrossEntropy", "CrossEntropy(weight=[1, 2, 3], label_smoothing=0.2)")
TRAIN = ("train { batch = 5 }", "train { batch = 2; accumulate = 3 }")


def _word(text: str, before: str) -> str:
    """The capitalized word after some text."""
    return text.partition(before)[2].partition("(")[0]


def _step_cases() -> list[str]:
    """Every optimizer with every other setting, round robin."""
    others = itertools.cycle(REGULARIZATION), itertools.cycle(TRAIN), itertools.cycle(LOSSES)
    specs = []
    for optimizer in OPTIMIZERS:
        for _ in range(2):
            regularization, train, loss = (next(values) for values in others)
            specs.append(f"loss {loss}\noptimizer {optimizer}\n{regularization}\n{train}\n")
        next(others[2])
    return specs


FUSED = [text for text in _step_cases()[1::2] if "RMSprop" not in text and "(lr=0.1)" not in text]


@pytest.mark.parametrize(
    ("sections", "large"),
    [
        pytest.param(text, large, id=f"{_word(text, 'optimizer ')}{number}{'-fused' * large}")
        for large, texts in ((False, _step_cases()), (True, FUSED))
        for number, text in enumerate(texts)
    ],
)
def test_steps_are_those_of_pytorch(
    sections: str, large: bool, tmp_path: Path, float64: None, monkeypatch: pytest.MonkeyPatch
):
    if large:
        monkeypatch.setattr("backends.tensorflow.training.optimizers.FUSED_FROM", 0)
    ours, theirs = twins(NET + "schedule Cosine(2)\n" + sections, tmp_path)
    model, twin = ours.build_model(), theirs.build_model().double()
    copy_weights(twin, model)
    optimizer, other = getattr(ours, _word(sections, "optimizer "))(model), theirs.make_optimizer(
        twin
    )
    rng = np.random.default_rng(0)
    for step in range(4):
        rows = 6 if step < 3 else 5  # the last batch of an epoch may be short
        x, y = rng.normal(size=(rows, 8)), rng.integers(0, 3, rows)
        x = x.astype(np.float32).astype(np.float64)  # as inputs are declared
        rate = ours.LEARNING_RATE * ours.schedule(step, 8)
        for group in other.param_groups:
            group["lr"] = rate
        batch = {"x": tf.constant(x), "y": tf.constant(y)}
        loss = ours.train_step(model, optimizer, batch, tf.constant(rate, "float64"))
        batch = {"x": torch.tensor(x), "y": torch.tensor(y)}
        wanted = theirs.train_step(twin, other, batch)
        assert float(loss) == pytest.approx(float(wanted), rel=1e-10)
    for name, values in twin.state_dict().items():
        (mine,) = [v for v in model.weights if ours.key_of(v) == name]
        mine = mine.numpy().T if mine.ndim > 1 else mine.numpy()
        np.testing.assert_allclose(mine, values.numpy(), rtol=1e-10, atol=1e-12)


# --- losses and metrics against PyTorch -------------------------------------------------

SHAPES = {
    "vector": "model Net {\n  input x: float32[5]\n  output y = x -> Linear(5)\n}\n",
    "sequence": "model Net {\n  input x: float32[4, 5]\n  output y = x -> Linear(5)\n}\n",
    "image": ("model Net {\n  input x: float32[5, 3, 4]\n  output y = x -> Conv2d(5, 1)\n}\n"),
}
EVERY_LOSS = (
    "CrossEntropy",
    "CrossEntropy(weight=[1, 2, 3, 0.5, 0], label_smoothing=0.1, ignore_index=2)",
    "CrossEntropy(label_smoothing=0.3)",
    "BinaryCrossEntropy",
    "BinaryCrossEntropy(pos_weight=3.0, label_smoothing=0.2)",
    "BinaryCrossEntropy(pos_weight=[1, 2, 3, 4, 5])",
    "MSE",
    "MAE",
    "SmoothL1(beta=0.5)",
    "SmoothL1(beta=0)",
    "Huber(delta=0.7)",
    "KLDivergence",
    "Hinge",
)


def _target(loss: str, z: np.ndarray, rng: np.random.Generator, axis: int) -> np.ndarray:
    """True values that a loss takes for an output, channels first."""
    if loss.startswith("CrossEntropy"):
        labels = rng.integers(0, 5, np.delete(z.shape, axis))
        ignored = 2 if "ignore_index" in loss else -100
        return np.where(rng.random(labels.shape) < 0.2, ignored, labels)
    if loss.startswith(("Binary", "Hinge")):
        return rng.integers(0, 2, z.shape).astype(float)
    if loss == "KLDivergence":
        return np.moveaxis(rng.dirichlet(np.ones(5), np.delete(z.shape, axis)), -1, axis)
    return z + rng.normal(size=z.shape)


def _last(values: np.ndarray, image: bool) -> np.ndarray:
    """An image channels-last, as Keras has it."""
    return np.moveaxis(values, 1, -1) if image else values


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("loss", EVERY_LOSS)
def test_losses_and_their_gradients_are_those_of_pytorch(loss: str, shape: str, tmp_path: Path):
    ours, theirs = twins(f"{SHAPES[shape]}loss {loss}\n", tmp_path)
    rng = np.random.default_rng(1)
    inner = {"vector": (5,), "sequence": (4, 5), "image": (5, 3, 4)}[shape]
    image = shape == "image"
    z = rng.normal(size=(6, *inner))
    t = _target(loss, z, rng, 1 if image else z.ndim - 1)
    if shape == "vector" and "ignore" not in loss:
        t = np.where(t == -100, 0, t)  # the one class of a sample counts unless the spec says so
    theirs_z = torch.tensor(z, requires_grad=True)
    wanted = theirs.loss_function(theirs_z, {"y": torch.tensor(t)})
    wanted.backward()
    ours_z = tf.Variable(_last(z, image))
    ours_t = t if t.ndim < z.ndim else _last(t, image)
    with tf.GradientTape() as tape:
        found = ours.loss_function(ours_z, {"y": tf.constant(ours_t)})
    gradient = tape.gradient(found, ours_z).numpy()
    wanted_gradient = _last(theirs_z.grad.numpy(), image)
    tight = "weight=[" not in loss  # PyTorch scripts hold class weights in float32
    assert float(found) == pytest.approx(wanted.item(), rel=1e-10 if tight else 1e-6)
    np.testing.assert_allclose(gradient, wanted_gradient, atol=1e-12 if tight else 1e-7)


MEASURED = {
    "classes": ("CrossEntropy", '[Accuracy, TopK(2), Perplexity, F1, F1("micro")]'),
    "some classes": ("CrossEntropy(ignore_index=1)", "[Accuracy, TopK(3), Perplexity, F1]"),
    "yes or no": ("BinaryCrossEntropy", '[Accuracy, AUC, F1, F1("macro"), F1("micro")]'),
    "values": ("MSE", "[MAE, RMSE]"),
}


class _Same(torch.nn.Module):
    """A model whose output is its input."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("case", MEASURED)
def test_figures_are_those_of_pytorch(case: str, shape: str, tmp_path: Path):
    loss, metrics = MEASURED[case]
    sections = f"loss {loss}\ntrain {{ metrics = {metrics} }}\n"
    ours, theirs = twins(SHAPES[shape] + sections, tmp_path)
    rng = np.random.default_rng(2)
    inner = {"vector": (5,), "sequence": (4, 5), "image": (5, 3, 4)}[shape]
    z = np.round(rng.normal(size=(7, *inner)), 1).astype(np.float32)  # with equal scores
    t = _target(loss, z, rng, 1 if shape == "image" else z.ndim - 1)
    t = np.where(t == 2, 1, t) if "ignore" in loss else np.where(t == -100, 0, t)
    t = t if loss.startswith("CrossEntropy") else t.astype(np.float32)
    data = {"x": z, "y": t}
    wanted = theirs.evaluate(_Same(), theirs.to_device(dict(data), torch.device("cpu")), 3)
    found = ours.make_evaluate(lambda x, training: x, ours.to_tensors(data), 3)()
    assert found == pytest.approx(wanted, rel=1e-5)


def test_auc_of_two_classes(tmp_path: Path):
    spec = "model Net {\n  input x: float32[2]\n  output y = Linear(2)\n}\n"
    ours, theirs = twins(f"{spec}loss CrossEntropy\ntrain {{ metrics = [AUC] }}\n", tmp_path)
    rng = np.random.default_rng(3)
    data = {"x": rng.normal(size=(9, 2)).round(1).astype(np.float32), "y": rng.integers(0, 2, 9)}
    wanted = theirs.evaluate(_Same(), theirs.to_device(dict(data), torch.device("cpu")), 4)
    found = ours.make_evaluate(lambda x, training: x, ours.to_tensors(data), 4)()
    assert found == pytest.approx(wanted, rel=1e-6)
    data["y"] = np.ones(9, np.int64)
    only = ours.make_evaluate(lambda x, training: x, ours.to_tensors(data), 4)()
    assert np.isnan(only["auc"])
