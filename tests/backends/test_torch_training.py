"""The meaning of the training part in PyTorch: held against the formulas of the kinds."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
import torch

from backends.pycode.render import draw, import_lines, tidy
from backends.scripting import ModelCode, Origin
from backends.torch.training.script import TEMPLATE, script_context
from dsl.training.schedules import Schedule
from tests.training.harness import elaborate

NET = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(8, 16)
        self.layer_norm = nn.LayerNorm(16)
        self.y = nn.Linear(16, {width})

    def forward(self, x):
        return self.y(self.layer_norm(self.hidden(x)))


def build_model():
    return Net()
"""
SPEC = """\
model Net {{
  input x: float32[8]
  hidden = Linear(16)
  LayerNorm
  output y = Linear({width})
}}
data Synthetic(64)
{sections}
"""


def script(sections: str, width: int = 3) -> ModuleType:
    """The script of a small model with some sections, executed as a module."""
    result = elaborate(SPEC.format(width=width, sections=sections))
    assert [d.message for d in result.diagnostics if d.is_error] == []
    code = NET.format(width=width)
    model_code = ModelCode(code, "Net", import_lines(code))
    context = script_context(result.model, result.training, model_code, Origin("n.msl", "0"))
    module = ModuleType("script")
    exec(tidy(draw("backends.torch", TEMPLATE, context)), module.__dict__)
    return module


RNG = np.random.default_rng(3)
Z = RNG.standard_normal((6, 3))
LOGP = Z - np.log(np.exp(Z).sum(1, keepdims=True))
LABEL = RNG.integers(0, 3, 6)
YES = RNG.integers(0, 2, (6, 3)).astype(float)
SHARES = RNG.dirichlet(np.ones(3), 6)
TARGET = RNG.standard_normal((6, 3))
D = np.abs(Z - TARGET)
WEIGHT = np.array([1.0, 2.0, 0.5])
PICKED = -LOGP[np.arange(6), LABEL]


def softplus(x: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(x))


LOSSES = {
    "CrossEntropy": (LABEL, PICKED.mean()),
    "CrossEntropy(weight=[1, 2, 0.5])": (
        LABEL,
        (WEIGHT[LABEL] * PICKED).sum() / WEIGHT[LABEL].sum(),
    ),
    "CrossEntropy(label_smoothing=0.2)": (LABEL, (0.8 * PICKED - 0.2 * LOGP.mean(1)).mean()),
    "CrossEntropy(ignore_index=1)": (LABEL, PICKED[LABEL != 1].mean()),
    "BinaryCrossEntropy": (YES, (YES * softplus(-Z) + (1 - YES) * softplus(Z)).mean()),
    "BinaryCrossEntropy(pos_weight=[1, 2, 0.5])": (
        YES,
        (WEIGHT * YES * softplus(-Z) + (1 - YES) * softplus(Z)).mean(),
    ),
    "BinaryCrossEntropy(pos_weight=2.0, label_smoothing=0.2)": (
        YES,
        (2 * (YES * 0.8 + 0.1) * softplus(-Z) + (1 - YES * 0.8 - 0.1) * softplus(Z)).mean(),
    ),
    "MSE": (TARGET, (D**2).mean()),
    "MAE": (TARGET, D.mean()),
    "SmoothL1(beta=0.5)": (TARGET, np.where(D < 0.5, D**2, D - 0.25).mean()),
    "Huber(delta=0.5)": (TARGET, np.where(D < 0.5, D**2 / 2, 0.5 * (D - 0.25)).mean()),
    "KLDivergence": (SHARES, (SHARES * (np.log(SHARES) - LOGP)).sum(1).mean()),
    "Hinge": (YES, np.maximum(0, 1 - np.where(YES > 0, 1, -1) * Z).mean()),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_loss_is_its_formula(loss: str) -> None:
    target, expected = LOSSES[loss]
    module = script(f"loss {loss}")
    value = module.loss_function(torch.from_numpy(Z), {"y": torch.from_numpy(target)})
    assert value.item() == pytest.approx(float(expected), rel=1e-6)


SCHEDULES = [
    "Constant(warmup=4)",
    "Step(7, 0.5)",
    "Step(1epochs, 0.5, warmup=0.1)",
    "Exponential(0.9)",
    "Exponential(0.9, every=0.25, warmup=3)",
    "Cosine",
    "Cosine(warmup=2epochs, min_lr=1e-4)",
    "Linear(warmup=0.1)",
    "Linear(warmup=5, min_lr=1e-3)",
]


@pytest.mark.parametrize("text", SCHEDULES)
def test_schedule_is_the_kinds_factor(text: str) -> None:
    spec = SPEC.format(width=3, sections=f"loss MSE\noptimizer Adam(lr=0.01)\nschedule {text}")
    kind = elaborate(spec).training.schedule
    assert isinstance(kind, Schedule)
    module = script(f"loss MSE\noptimizer Adam(lr=0.01)\nschedule {text}")
    arguments = module.schedule.__code__.co_argcount
    for step in range(40):
        given = (step, 40, 8)[:arguments]
        assert module.schedule(*given) == pytest.approx(kind.factor(step, 40, 0.01, 8))


# --- steps ------------------------------------------------------------------------------


def batch(rows: int, seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = {"x": (rows, 8), "y": (rows, 3)}
    return {name: torch.randn(*shape, generator=generator) for name, shape in shapes.items()}


def stepped(sections: str, data: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The parameters after one step from the same start."""
    module = script(sections)
    torch.manual_seed(1)
    model = module.build_model()
    module.train_step(model, module.make_optimizer(model), data)
    return dict(model.named_parameters())


PLAIN = "loss MSE\noptimizer SGD(lr=0.1)\n"


@pytest.mark.parametrize("rows", [8, 7, 2])
def test_accumulation_is_the_step_of_the_whole_batch(rows: int) -> None:
    data = batch(rows)
    once = stepped(PLAIN, data)
    split = stepped(PLAIN + "train { batch = 3; accumulate = 3 }", data)
    for name, value in once.items():
        torch.testing.assert_close(split[name], value)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_penalties_act_once_and_on_weights_alone(accumulate: int) -> None:
    data, start = batch(8), script(PLAIN)
    torch.manual_seed(1)
    before = {name: p.detach().clone() for name, p in start.build_model().named_parameters()}
    plain = stepped(PLAIN, data)
    more = 'regularization {{ L2(0.03); L1(0.01) on "y.*" }}\ntrain {{ accumulate = {} }}'
    changed = stepped(PLAIN + more.format(accumulate), data)
    for name, value in plain.items():
        expected = value.detach().clone()
        if name in ("hidden.weight", "y.weight"):
            expected -= 0.1 * 2 * 0.03 * before[name]
        if name.startswith("y."):
            expected -= 0.1 * 0.01 * before[name].sign()
        torch.testing.assert_close(changed[name].detach(), expected)


def test_clipping_acts_on_the_whole_gradient() -> None:
    data, start = batch(8), script(PLAIN)
    torch.manual_seed(1)
    before = {name: p.detach().clone() for name, p in start.build_model().named_parameters()}
    more = "regularization { ClipNorm(0.01) }\ntrain { accumulate = 2 }"
    after = stepped(PLAIN + more, data)
    moved = torch.cat([(after[name] - value).flatten() for name, value in before.items()])
    assert moved.norm().item() == pytest.approx(0.1 * 0.01, rel=1e-3)


def test_decay_leaves_biases_and_norms_alone() -> None:
    module = script("loss MSE\noptimizer AdamW(lr=0.1, weight_decay=0.2)")
    decayed, others = module.make_optimizer(module.build_model()).param_groups
    assert [p.shape for p in decayed["params"]] == [(16, 8), (3, 16)]
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.2, 0.0)
    assert len(others["params"]) == 4


@pytest.mark.parametrize(
    ("decay_on", "count"), [('"*"', 6), ('"hidden.*"', 2), ('["y.bias", "*norm*"]', 3)]
)
def test_decay_on_patterns(decay_on: str, count: int) -> None:
    module = script(f"loss MSE\noptimizer Adam(weight_decay=0.2, decay_on={decay_on})")
    groups = module.make_optimizer(module.build_model()).param_groups
    decayed = [group for group in groups if group["weight_decay"]]
    assert [len(group["params"]) for group in decayed] == [count]


OPTIMIZERS = {
    "SGD(lr=0.1, momentum=0.9, dampening=0.1)": {"momentum": 0.9, "dampening": 0.1, "fused": True},
    "SGD(lr=0.1, momentum=0.9, nesterov=true)": {"nesterov": True},
    "Adam(betas=[0.8, 0.99], eps=1e-6)": {"betas": (0.8, 0.99), "eps": 1e-6, "lr": 1e-3},
    "AdamW(weight_decay=0.0)": {"weight_decay": 0.0, "eps": 1e-8},
    "RMSprop(alpha=0.9, momentum=0.5, centered=true)": {"alpha": 0.9, "centered": True, "lr": 0.01},
    "Adagrad(lr_decay=0.1, initial_accumulator_value=0.2)": {
        "lr_decay": 0.1, "initial_accumulator_value": 0.2, "eps": 1e-10, "lr": 0.01,
    },
}  # fmt: skip


@pytest.mark.parametrize("text", OPTIMIZERS)
def test_optimizer_has_the_specs_values(text: str) -> None:
    module = script(f"loss MSE\noptimizer {text}")
    model = module.build_model()
    optimizer = module.make_optimizer(model)
    found = optimizer.param_groups[0]
    assert {name: found[name] for name in OPTIMIZERS[text]} == OPTIMIZERS[text]
    assert torch.isfinite(module.train_step(model, optimizer, batch(4)))


# --- metrics ----------------------------------------------------------------------------


class Answers(torch.nn.Module):
    """A model that gives its input back."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def figures(sections: str, scores: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """What `evaluate` says of given scores, in batches of 7."""
    module = script(sections)
    data = {"x": torch.from_numpy(scores), "y": torch.from_numpy(target)}
    return module.evaluate(Answers(), data, 7)


def f1(answer: np.ndarray, true: np.ndarray) -> float:
    hits = (answer & true).sum()
    return 2 * hits / max(answer.sum() + true.sum(), 1)


def test_metrics_of_classes() -> None:
    scores = RNG.integers(-2, 3, (40, 3)).astype(float)  # many ties
    target = RNG.integers(0, 3, 40)
    metrics = 'train { metrics = [Accuracy, TopK(2), F1, F1("micro")] }'
    found = figures(f"loss CrossEntropy\n{metrics}", scores, target)
    answer = scores.argmax(1)
    order = np.argsort(-scores, axis=1, kind="stable")
    each = [f1(answer == k, target == k) for k in range(3)]
    assert found["accuracy"] == pytest.approx((answer == target).mean())
    assert found["top_2"] == pytest.approx((order[:, :2] == target[:, None]).any(1).mean())
    assert found["f1"] == pytest.approx(np.mean(each))
    assert found["f1_micro"] == pytest.approx((answer == target).mean())


def test_ignored_positions_do_not_count() -> None:
    scores, target = RNG.standard_normal((40, 3)), RNG.integers(0, 3, 40)
    metrics = "train { metrics = [Accuracy, TopK(2), F1] }"
    found = figures(f"loss CrossEntropy(ignore_index=2)\n{metrics}", scores, target)
    kept = target != 2
    alone = figures(f"loss CrossEntropy\n{metrics}", scores[kept], target[kept])
    assert found == pytest.approx(alone)


def test_metrics_of_yes_or_no() -> None:
    scores = RNG.integers(-2, 3, (40, 3)).astype(float)
    target = RNG.integers(0, 2, (40, 3)).astype(float)
    metrics = 'train { metrics = [Accuracy, AUC, F1, F1("macro")] }'
    found = figures(f"loss BinaryCrossEntropy\n{metrics}", scores, target)
    answer, true = scores > 0, target > 0.5
    wins, losses = scores[true][:, None], scores[~true]
    auc = ((wins > losses) + 0.5 * (wins == losses)).mean()
    assert found["accuracy"] == pytest.approx((answer == true).mean())
    assert found["auc"] == pytest.approx(auc)
    assert found["f1"] == pytest.approx(f1(answer, true))
    columns = [f1(answer[:, k], true[:, k]) for k in range(3)]
    assert found["f1_macro"] == pytest.approx(np.mean(columns))


def test_metrics_of_values() -> None:
    scores, target = RNG.standard_normal((2, 40, 3))
    found = figures("loss MSE\ntrain { metrics = [MAE, RMSE] }", scores, target)
    assert found["loss"] == pytest.approx(((scores - target) ** 2).mean())
    assert found["mae"] == pytest.approx(np.abs(scores - target).mean())
    assert found["rmse"] == pytest.approx(((scores - target) ** 2).mean() ** 0.5)
