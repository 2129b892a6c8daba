"""Masks in losses, metrics and accumulated steps: what they leave out might not be there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import torch

from dsl.kinds.kind import REGISTRY
from tests.backends.twins import twins
from tests.training import formulas

pytestmark = [pytest.mark.torch, pytest.mark.tensorflow]

SPEC = """\
model Net {{
  input x: float32[4, 3]
  input valid: bool[4]
  output y = (x, mask=valid) -> SelfAttention(1) -> Linear(3)
}}
loss {loss}
optimizer SGD(lr=0.5)
train {{ batch = 8; accumulate = {accumulate}; metrics = [{metrics}] }}
"""
ROWS = 6
LOSSES = {
    'CrossEntropy(mask="valid")': "Accuracy, TopK(2), Perplexity, F1",
    'CrossEntropy(mask="valid", ignore_index=1, label_smoothing=0.2)': "Accuracy, F1",
    "CrossEntropy": "Accuracy, TopK(2), Perplexity",
    'BinaryCrossEntropy(mask="valid", pos_weight=[1, 2, 3])': "Accuracy, AUC, F1",
    'BinaryCrossEntropy(mask="known")': 'Accuracy, AUC, F1, F1("macro")',
    'MSE(mask="valid")': "MAE, RMSE",
    'MSE(mask="known")': "MAE, RMSE",
    'MAE(mask="known")': "MAE",
    'SmoothL1(mask="valid", beta=0.5)': "MAE",
    'Huber(mask="known", delta=0.5)': "MAE",
    'KLDivergence(mask="valid")': "",
    'Hinge(mask="known")': "Accuracy",
}


FORMULAS = {
    "CrossEntropy": formulas.cross_entropy,
    "BinaryCrossEntropy": formulas.binary_cross_entropy,
    "MSE": formulas.mse,
    "MAE": formulas.mae,
    "SmoothL1": formulas.smooth_l1,
    "Huber": formulas.huber,
    "KLDivergence": formulas.kl_divergence,
    "Hinge": formulas.hinge,
}


def arrays(loss: str) -> dict[str, Any]:
    """Rows of which the last has one position that counts, and the first all."""
    rng = np.random.default_rng(5)
    valid = np.arange(4) < np.array([4, 3, 2, 1, 1, 1])[:, None]
    if loss.startswith("CrossEntropy"):
        y = rng.integers(0, 3, (ROWS, 4))
        y[5, 0] = 1 if "ignore_index" in loss else y[5, 0]
        y = np.where(valid, y, -100) if "mask" not in loss else y
    elif loss.startswith("KL"):
        y = rng.dirichlet(np.ones(3), (ROWS, 4))
    else:
        y = rng.integers(0, 2, (ROWS, 4, 3)).astype(float)
    known = rng.random((ROWS, 4, 3)) < 0.5
    known[4:] = False  # so that nothing counts in a whole part
    known[5, 0, 0] = True
    return {"x": rng.normal(size=(ROWS, 4, 3)), "valid": valid, "y": y, "known": known}


def kept(loss: str, data: dict[str, Any], z: Any) -> tuple[Any, Any, str]:
    """Output and target at the positions that count, and the loss without its mask."""
    plain = loss.replace('mask="valid"', "").replace('mask="known"', "").replace("(, ", "(")
    where = data["known"] if "known" in loss else data["valid"]
    return z[where], data["y"][where], plain.replace("()", "")


def scripts(loss: str, folder: Path, accumulate: int = 1, metrics: str = "") -> tuple[Any, Any]:
    """The generated scripts, TensorFlow's first."""
    return twins(SPEC.format(loss=loss, accumulate=accumulate, metrics=metrics), folder)


def meant(loss: str, data: dict[str, Any], z: Any) -> float:
    """The loss of what counts, by the formulas of the reference."""
    z, t, plain = kept(loss, data, z)
    name, _, given = plain.replace("[", "(").replace("]", ")").partition("(")
    options = eval(f"dict({given}" if given else "dict()")
    return FORMULAS[name](z, t, REGISTRY["loss"][name].make(**options))


@pytest.mark.parametrize("loss", LOSSES)
def test_loss_is_that_of_the_positions_that_count(loss: str, tmp_path: Path) -> None:
    ours, theirs = scripts(loss, tmp_path)
    data = arrays(loss)
    z = np.random.default_rng(1).normal(size=(ROWS, 4, 3))
    expected = meant(loss, data, z)
    batch = {name: torch.from_numpy(values) for name, values in data.items()}
    assert theirs.loss_function(torch.from_numpy(z), batch).item() == pytest.approx(expected)
    batch = {name: tf.constant(values) for name, values in data.items()}
    assert float(ours.loss_function(tf.constant(z), batch)) == pytest.approx(expected)


@pytest.mark.parametrize("loss", LOSSES)
def test_figures_over_batches_are_those_of_the_positions_that_count(
    loss: str, tmp_path: Path
) -> None:
    """The model gives its input back; in one of the batches, of two rows, nothing may count."""
    metrics = LOSSES[loss]
    ours, theirs = scripts(loss, tmp_path, metrics=metrics)
    data = {name: _single(values) for name, values in arrays(loss).items()}
    device = torch.device("cpu")
    found = theirs.evaluate(Answers(), theirs.to_device(dict(data), device), 2)
    same = ours.make_evaluate(lambda x, training: x[0], ours.to_tensors(data), 2)()
    assert same == pytest.approx(found, rel=1e-5)
    assert found["loss"] == pytest.approx(meant(loss, data, data["x"]), rel=1e-5)
    z, t, _ = kept(loss, data, data["x"])
    if "CrossEntropy" in loss and "Binary" not in loss:
        z, t = (z[t >= 0], t[t >= 0]) if "ignore" not in loss else (z[t != 1], t[t != 1])
        assert found["accuracy"] == pytest.approx((z.argmax(-1) == t).mean())
        if "perplexity" in found:
            assert found["perplexity"] == pytest.approx(np.exp(found["loss"]), rel=1e-5)
    elif "accuracy" in found:
        assert found["accuracy"] == pytest.approx(((z > 0) == (t > 0.5)).mean())
    elif "mae" in found:
        assert found["mae"] == pytest.approx(np.abs(z - t).mean(), rel=1e-5)


def _single(values: Any) -> Any:
    return values.astype(np.float32) if values.dtype == np.float64 else values


class Answers(torch.nn.Module):
    """A model that gives its first input back."""

    def forward(self, x: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        return x


@pytest.mark.parametrize("loss", LOSSES)
def test_a_step_in_parts_is_a_step_on_the_whole(loss: str, tmp_path: Path) -> None:
    data = {name: _single(values) for name, values in arrays(loss).items()}
    (tmp_path / "1").mkdir()
    (tmp_path / "3").mkdir()
    (ours, theirs), (ours_in_3, theirs_in_3) = (
        scripts(loss, tmp_path / str(parts), accumulate=parts) for parts in (1, 3)
    )
    batch = {name: torch.from_numpy(values) for name, values in data.items()}
    once, thrice = theirs.build_model(), theirs_in_3.build_model()
    thrice.load_state_dict(once.state_dict())
    loss_once = theirs.train_step(once, theirs.make_optimizer(once), batch)
    loss_thrice = theirs_in_3.train_step(thrice, theirs_in_3.make_optimizer(thrice), batch)
    assert loss_thrice.item() == pytest.approx(loss_once.item(), rel=1e-5)
    for a, b in zip(once.parameters(), thrice.parameters()):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)
    batch = {name: tf.constant(values) for name, values in data.items()}
    single, triple = ours.build_model(), ours_in_3.build_model()
    triple.set_weights(single.get_weights())
    loss_once = ours.train_step(single, ours.SGD(single), batch)
    loss_thrice = ours_in_3.train_step(triple, ours_in_3.SGD(triple), batch)
    assert float(loss_thrice) == pytest.approx(float(loss_once), rel=1e-5)
    for a, b in zip(single.get_weights(), triple.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


TERMS = """\
model Net {{
  input x: float32[4, 3]
  input valid: bool[4]
  h = (x, mask=valid) -> GRU(5, return_sequences=true)
  output y = h -> Linear(3)
  output v = h -> Linear(2)
}}
loss {{ y: CrossEntropy(mask="valid") * 0.5; v: MSE }}
optimizer SGD(lr=0.5)
train {{ batch = 8; accumulate = {accumulate} }}
"""


def test_terms_are_weighed_each_by_what_counts_in_it(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "3").mkdir()
    (ours, theirs), (ours_in_3, theirs_in_3) = (
        twins(TERMS.format(accumulate=parts), tmp_path / str(parts)) for parts in (1, 3)
    )
    data = arrays('CrossEntropy(mask="valid")')
    del data["known"]
    data["v"] = np.random.default_rng(8).normal(size=(ROWS, 4, 2))
    data = {name: _single(values) for name, values in data.items()}
    batch = {name: torch.from_numpy(values) for name, values in data.items()}
    once, thrice = theirs.build_model(), theirs_in_3.build_model()
    thrice.load_state_dict(once.state_dict())
    whole = theirs.evaluate(once, batch, 8)
    assert theirs.evaluate(once, batch, 2) == pytest.approx(whole, rel=1e-5)
    loss = theirs.train_step(once, theirs.make_optimizer(once), batch).item()
    parts = theirs_in_3.train_step(thrice, theirs_in_3.make_optimizer(thrice), batch).item()
    assert loss == pytest.approx(whole["loss"], rel=1e-5)
    assert parts == pytest.approx(loss, rel=1e-5)
    for a, b in zip(once.parameters(), thrice.parameters()):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)
    batch = {name: tf.constant(values) for name, values in data.items()}
    single, triple = ours.build_model(), ours_in_3.build_model()
    triple.set_weights(single.get_weights())
    whole = ours.make_evaluate(single, batch, 8)()
    assert ours.make_evaluate(single, batch, 2)() == pytest.approx(whole, rel=1e-5)
    loss = float(ours.train_step(single, ours.SGD(single), batch))
    parts = float(ours_in_3.train_step(triple, ours_in_3.SGD(triple), batch))
    assert loss == pytest.approx(whole["loss"], rel=1e-5)
    assert parts == pytest.approx(loss, rel=1e-5)
    for a, b in zip(single.get_weights(), triple.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
