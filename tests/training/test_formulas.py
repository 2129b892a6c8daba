"""The formulas of reference pages: against numbers by hand, and against PyTorch, whose they are."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

import dsl.training.families  # noqa: F401
from dsl.kinds.kind import REGISTRY
from tests.training import formulas

F = torch.nn.functional
RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(6, 5))
CLASSES = np.array([0, 4, 2, 2, 1, 3])
VALUES = RNG.normal(size=(6, 5))
BITS = (RNG.random((6, 5)) > 0.5).astype(float)
PROBABILITIES = RNG.dirichlet(np.ones(5), size=6)
PROBABILITIES[0] = [0, 0.5, 0.5, 0, 0]
WEIGHTS = (0.5, 1.0, 2.0, 3.0, 1.5)


def tensor(array: Any) -> torch.Tensor:
    return torch.as_tensor(np.asarray(array))


def torch_loss(name: str, z: Any, t: Any, kind: Any) -> float:
    """PyTorch's value of a loss."""
    z, t = tensor(z), tensor(t)
    if name == "CrossEntropy":
        weight = None if kind.weight is None else tensor(kind.weight)
        options = {"label_smoothing": kind.label_smoothing, "ignore_index": kind.ignore_index}
        return F.cross_entropy(z, t, weight, **options).item()
    if name == "BinaryCrossEntropy":
        weight = None if kind.pos_weight is None else tensor(kind.pos_weight)
        t = t * (1 - kind.label_smoothing) + kind.label_smoothing / 2
        return F.binary_cross_entropy_with_logits(z, t, pos_weight=weight).item()
    if name == "KLDivergence":
        return F.kl_div(F.log_softmax(z, -1), t, reduction="batchmean").item()
    simple = {
        "MSE": lambda: F.mse_loss(z, t),
        "MAE": lambda: F.l1_loss(z, t),
        "SmoothL1": lambda: F.smooth_l1_loss(z, t, beta=kind.beta),
        "Huber": lambda: F.huber_loss(z, t, delta=kind.delta),
    }
    return simple[name]().item()


CASES: list[tuple[str, dict[str, Any], Any]] = [
    ("CrossEntropy", {}, CLASSES),
    ("CrossEntropy", {"weight": WEIGHTS}, CLASSES),
    ("CrossEntropy", {"label_smoothing": 0.2}, CLASSES),
    ("CrossEntropy", {"ignore_index": 2}, CLASSES),
    ("CrossEntropy", {"weight": WEIGHTS, "label_smoothing": 0.1, "ignore_index": 2}, CLASSES),
    ("BinaryCrossEntropy", {}, BITS),
    ("BinaryCrossEntropy", {"pos_weight": 3.0}, BITS),
    ("BinaryCrossEntropy", {"pos_weight": WEIGHTS, "label_smoothing": 0.1}, BITS),
    ("MSE", {}, VALUES),
    ("MAE", {}, VALUES),
    ("SmoothL1", {}, VALUES),
    ("SmoothL1", {"beta": 0.3}, VALUES),
    ("SmoothL1", {"beta": 0}, VALUES),
    ("Huber", {}, VALUES),
    ("Huber", {"delta": 0.3}, VALUES),
    ("KLDivergence", {}, PROBABILITIES),
]


@pytest.mark.parametrize(("name", "values", "target"), CASES)
def test_losses_are_pytorch_s(name: str, values: dict[str, Any], target: Any):
    kind = REGISTRY["loss"][name].make(**values)
    ours = formulas.LOSSES[name](LOGITS, target, kind)
    assert ours == pytest.approx(torch_loss(name, LOGITS, target, kind), rel=1e-12)


def test_losses_by_hand():
    def value(name: str, z: Any, t: Any, **values: Any) -> float:
        return formulas.LOSSES[name](
            np.array(z), np.array(t), REGISTRY["loss"][name].make(**values)
        )

    ln2 = math.log(2)
    assert value("CrossEntropy", [[0.0, 0.0], [0.0, ln2]], [0, 1]) == pytest.approx(
        (ln2 + math.log(3 / 2)) / 2
    )
    assert value("BinaryCrossEntropy", [[0.0]], [[1.0]], pos_weight=3) == pytest.approx(3 * ln2)
    assert value("Hinge", [0.5, 0.5, -2.0], [1, 0, -1]) == pytest.approx((0.5 + 1.5 + 0) / 3)
    assert value("SmoothL1", [0.5, 3.0], [0.0, 0.0]) == pytest.approx((0.125 + 2.5) / 2)
    assert value("Huber", [0.5, 3.0], [0.0, 0.0], delta=2) == pytest.approx((0.125 + 4) / 2)
    assert value("KLDivergence", [[0.0, 0.0]], [[1.0, 0.0]]) == pytest.approx(ln2)


OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.3}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("Adam", {}),
    ("Adam", {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.3}),
    ("RMSprop", {}),
    ("RMSprop", {"alpha": 0.9, "momentum": 0.5, "weight_decay": 0.1, "eps": 1e-2}),
    ("RMSprop", {"centered": True, "momentum": 0.9}),
    ("Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.5}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.2, "weight_decay": 0.1}),
]


@pytest.mark.parametrize(("name", "values"), OPTIMIZERS)
def test_optimizers_are_pytorch_s(name: str, values: dict[str, Any]):
    kind = REGISTRY["optimizer"][name].make(**values)
    weight = torch.nn.Parameter(torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64))
    options = {key: value for key, value in kind.values.items() if key != "decay_on"}
    theirs = getattr(torch.optim, name)([weight], **options)
    ours = formulas.Optimizer(kind, weight.detach().numpy().copy())
    for step in range(5):
        gradient = np.array([0.3, -1.0, 0.02]) * (step + 1) - 0.5
        weight.grad = tensor(gradient)
        theirs.step()
        np.testing.assert_allclose(ours.step(gradient), weight.detach().numpy(), rtol=1e-10)


def test_auc_is_the_share_of_pairs_in_the_right_order():
    scores = RNG.integers(0, 6, 40).astype(float)
    truth = (RNG.random(40) > 0.6).astype(float)
    positive, negative = scores[truth == 1], scores[truth == 0]
    won = sum((p > n) + 0.5 * (p == n) for p in positive for n in negative)
    assert formulas.auc(scores, truth) == pytest.approx(won / (len(positive) * len(negative)))
    assert formulas.auc(np.array([1.0, 2, 3, 4]), np.array([0.0, 0, 1, 1])) == 1
    assert math.isnan(formulas.auc(np.array([1.0, 2]), np.array([1.0, 1])))


def test_top_k_counts_the_first_of_equal_scores_as_higher():
    scores = np.array([[1.0, 1.0, 0.0], [0.0, 2.0, 1.0]])
    assert formulas.top_k(scores, np.array([1, 2]), 1) == 0
    assert formulas.top_k(scores, np.array([0, 1]), 1) == 1
    assert formulas.top_k(scores, np.array([1, 2]), 2) == 1


def test_f1_by_hand():
    answers, truth = np.array([0, 0, 1, 2, 2]), np.array([0, 1, 1, 2, 0])
    # class 0: 1 hit, 2 wrong: 1/2; class 1: 1 hit, 1 wrong: 2/3; class 2: 1 hit, 1 wrong: 2/3
    assert formulas.f1(answers, truth, "macro", 3) == pytest.approx((1 / 2 + 2 / 3 + 2 / 3) / 3)
    assert formulas.f1(answers, truth, "micro", 3) == pytest.approx(3 / 5)
    assert formulas.f1(np.array([1, 1, 0]), np.array([1, 0, 0]), "binary", 2) == pytest.approx(
        2 / 3
    )
