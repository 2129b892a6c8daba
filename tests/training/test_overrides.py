"""Settings from outside: ``--set section.key=value``."""

from __future__ import annotations

from typing import Any

import pytest

from tests.training.harness import PAIR, VECTOR, elaborate, only

SPEC = VECTOR + """\
loss CrossEntropy
optimizer AdamW(3e-4)
schedule Cosine(500)
regularization { EarlyStopping(patience=3) }
data CSV("f.csv", target="label")
train { epochs = 3 }
budget { params <= 1M }
"""


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("train.epochs", "5", 5),
        ("train.batch", "2 * 32", 64),
        ("train.checkpoint", "last", "last"),
        ("train.metrics", "[Accuracy, TopK(2)]", "accuracy, top_2"),
        ("optimizer.lr", "1e-2", 0.01),
        ("optimizer.betas", "[0.8, 0.9]", (0.8, 0.9)),
        ("schedule.warmup", "0.1", 0.1),
        ("data.path", "other/data.csv", "other/data.csv"),
        ("data.path", '"other.csv"', "other.csv"),
        ("data.normalize", "minmax", "minmax"),
        ("data.normalize", "false", "none"),
        ("data.target", '["a", "b"]', ("a", "b")),
        ("device.target", "cuda:1", "cuda:1"),
        ("device.target", "auto", "auto"),
        ("device.precision", "bfloat16", "bfloat16"),
        ("regularization.EarlyStopping.patience", "7", 7),
        ("budget.params", "10K", "<= 10000"),
        ("optimizer", "SGD(lr=0.1)", "SGD"),
    ],
)
def test_a_setting_from_outside_wins(path: str, text: str, value: Any):
    assert only(SPEC, {path: text}).resolved[path] == (value, "--set")


def test_a_positional_argument_is_replaced_in_its_place():
    plan = only(SPEC, {"optimizer.lr": "0.5", "schedule.warmup": "9"})
    assert (plan.optimizer.lr, plan.schedule.warmup) == (0.5, 9)  # type: ignore[union-attr]


def test_steps_take_the_place_of_epochs():
    plan = only(SPEC, {"train.steps": "100"})
    assert (plan.train.epochs, plan.train.steps) == (None, 100)
    both = elaborate(SPEC, {"train.steps": "100", "train.epochs": "3"})
    assert both.codes == ["MSL406"]


@pytest.mark.parametrize("path", ["loss.label_smoothing", "loss.y.label_smoothing"])
def test_the_only_term_needs_no_name(path: str):
    plan = only(SPEC, {path: "0.1"})
    assert plan.losses[0].kind.label_smoothing == 0.1
    assert plan.resolved["loss.y.label_smoothing"] == (0.1, "--set")


def test_terms_are_told_apart_by_their_output():
    text = PAIR + "loss { digit: CrossEntropy; box: MSE * 0.5 }\n"
    plan = only(text, {"loss.digit.label_smoothing": "0.1", "loss.box.target": "corners"})
    assert plan.losses[0].kind.label_smoothing == 0.1
    assert (plan.losses[1].target, plan.losses[1].weight) == ("corners", 0.5)


def test_sections_that_are_not_there_are_made():
    plan = only(VECTOR + "loss MSE\n", {"optimizer.lr": "0.5", "train.epochs": "2"})
    assert (plan.optimizer.name, plan.optimizer.lr, plan.train.epochs) == ("Adam", 0.5, 2)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("path", "text", "code", "marked", "word"),
    [
        ("optimzer.lr", "3", "MSL460", "optimzer.lr", "optimizer"),
        ("train", "3", "MSL460", "train", ""),
        ("search.lr", "3", "MSL460", "search.lr", ""),
        ("budget.flops", "3", "MSL460", "budget.flops", ""),
        ("regularization.L2.l2", "3", "MSL460", "regularization.L2.l2", "EarlyStopping"),
        ("loss.z.weight", "[1]", "MSL201", "[1]", ""),
        ("train.epoch", "3", "MSL403", "3", "epochs"),
        ("train.epochs", "0", "MSL205", "0", ""),
        ("optimizer.foo", "3", "MSL201", "3", "lr"),
        ("train.epochs", "3 4", "MSL001", "4", ""),
    ],
)
def test_mistakes_are_found_in_the_setting_s_own_text(
    path: str, text: str, code: str, marked: str, word: str
):
    result = elaborate(SPEC, {path: text})
    assert [result.codes, result.marked] == [[code], [marked]]
    assert result.diagnostics[0].primary.span.source.name.startswith("--set")  # type: ignore[union-attr]
    assert word in result.helps
