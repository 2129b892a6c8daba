"""The memory of a small step, every byte of it counted by hand.

A batch of ten: values of four features are 160 bytes (`S`), of eight features 320 (`L`).
"""

from __future__ import annotations

import pytest

import dsl
from dsl.cost.budget import Figures
from dsl.cost.interval import Interval, exactly
from dsl.cost.memory import MemoryReport, Setup, rehearse
from tests.cost.test_report import whole

NET = """
block Half { Linear(8) -> Tanh -> Linear(4) -> Tanh }
model M {
  input x: float32[4]
  Linear(4)
  repeat 2 { Half }
  output y = Linear(1)
}
"""
S, L, Y = 160, 320, 40
UP, DOWN = 4 * (4 * 8 + 8), 4 * (8 * 4 + 4)  # weights of the block's two layers
FIRST, LAST = 4 * (4 * 4 + 4), 4 * (4 + 1)
WEIGHTS = FIRST + 2 * (UP + DOWN) + LAST


def step(text: str = NET, **how) -> MemoryReport:
    """A step with a batch of ten."""
    return rehearse(whole(dsl.loads(text)), None, Setup(batch=10, **how))


def live(report: MemoryReport, *phases: str) -> list[tuple[str, int]]:
    """What is live after each layer of some phases."""
    return [(path, live) for phase, path, live, *_ in report.moments if phase in phases]


def test_forward_pass_keeps_inputs_of_products_and_results_of_tanh() -> None:
    """The value before a `Tanh` goes as soon as it is through, others stay."""
    report = step()
    assert live(report, "forward") == [
        ("linear", S),
        ("half.0.linear", S + L),
        ("half.0.tanh", S + 2 * L),
        ("half.0.linear_2", 2 * S + L),
        ("half.0.tanh_2", 3 * S + L),
        ("half.1.linear", 2 * S + 2 * L),
        ("half.1.tanh", 2 * S + 3 * L),
        ("half.1.linear_2", 3 * S + 2 * L),
        ("half.1.tanh_2", 4 * S + 2 * L),
        ("y", 3 * S + 2 * L + Y),
    ]
    assert report.activations == 3 * S + 2 * L + Y
    assert report.kept == {
        "linear": 0,  # the input belongs to the batch
        "half.0.linear": S,
        "half.0.tanh": L,
        "half.0.tanh_2": S,
        "half.1.tanh": L,
        "half.1.tanh_2": S,
    }


def test_backward_pass_frees_what_it_has_used_and_leaves_gradients_of_weights() -> None:
    report = step()
    fixed = 4  # the loss
    one = [
        ("half.1.tanh_2", LAST + fixed + 3 * S + 2 * L),
        ("half.1.linear_2", LAST + DOWN + fixed + 2 * S + 3 * L),
        ("half.1.tanh", LAST + DOWN + fixed + 2 * S + 2 * L),
    ]
    found = live(report, "backward")
    assert [item for item in found if item[0] in dict(one)] == one
    assert found[-1] == ("linear", WEIGHTS + 4)
    assert report.moments[-1] == ("step", "step", WEIGHTS + 4, WEIGHTS + 4, WEIGHTS)
    assert (report.weights, report.gradients, report.buffers) == (WEIGHTS, WEIGHTS, 0)
    assert report.optimizer == 0
    assert report.peak.path == "half.1.tanh"
    assert report.live_peak == WEIGHTS + report.peak.bytes


def test_without_training_a_value_goes_after_its_last_use() -> None:
    report = step(training=False)
    assert live(report, "forward") == [
        ("linear", S),
        ("half.0.linear", S + L),
        ("half.0.tanh", S + 2 * L),
        ("half.0.linear_2", 2 * S + L),
        ("half.0.tanh_2", 3 * S),
        ("half.1.linear", 2 * S + L),
        ("half.1.tanh", 2 * S + 2 * L),
        ("half.1.linear_2", 3 * S + L),
        ("half.1.tanh_2", 4 * S),
        ("y", S + Y),
    ]
    assert (report.gradients, report.kept) == (0, {})
    assert {phase for phase, *_ in report.moments} == {"forward"}


def test_a_block_that_runs_again_keeps_its_input_alone() -> None:
    report = step(recompute=("Half",))
    assert report.kept == {"linear": 0, "y": S}
    assert report.activations == 3 * S + Y
    phases = [(phase, path) for phase, path, *_ in report.moments]
    again = ["linear", "tanh", "linear_2", "tanh_2"]
    assert phases[12:] == [
        ("backward", "y"),
        *(("recompute", f"half.1.{name}") for name in again),
        *(("backward", f"half.1.{name}") for name in reversed(again)),
        *(("recompute", f"half.0.{name}") for name in again),
        *(("backward", f"half.0.{name}") for name in reversed(again)),
        ("backward", "linear"),
        ("step", "step"),
    ]
    assert live(report, "recompute")[0] == ("half.1.linear", LAST + 3 * S + L + 4)
    assert live(report, "recompute")[4] == (
        "half.0.linear", LAST + UP + DOWN + 2 * S + L + 4
    )  # fmt: skip
    plain = step()
    assert report.gradients == plain.gradients
    assert report.moments[-1] == plain.moments[-1]
    assert [item for item in live(report, "backward") if "half.0" in item[0]] == [
        item for item in live(plain, "backward") if "half.0" in item[0]
    ]


def test_a_block_that_runs_again_does_its_forward_work_twice() -> None:
    def flops(report: MemoryReport, phase: str) -> int:
        return sum(work.flops for work in report.work if work.phase == phase)

    plain, again = step(), step(recompute=("Half",))
    assert flops(again, "forward") == flops(plain, "forward")
    assert flops(again, "backward") == flops(plain, "backward")
    assert flops(plain, "recompute") == 0
    assert flops(again, "recompute") == 2 * 2 * 10 * (4 * 8 + 8 * 4)


def test_a_block_without_weights_or_learned_input_is_not_run_again() -> None:
    text = """
    block Bend { Tanh -> Tanh }
    model M { input x: float32[4]; Bend; output y = Linear(1) }
    """
    report = step(text, recompute=("Bend",))
    assert "recompute" not in {phase for phase, *_ in report.moments}
    behind = step(text.replace("Bend; output", "Linear(4); Bend; output"), recompute=("Bend",))
    assert [path for path, _ in live(behind, "recompute")] == ["bend.tanh", "bend.tanh_2"]
    inside = step(text.replace("Tanh -> Tanh", "Linear(4)"), recompute=("Bend",))
    assert [path for path, _ in live(inside, "recompute")] == ["bend.linear"]


def test_accumulated_gradients_lie_beside_everything() -> None:
    once, often = step(), step(accumulate=2)
    assert often.levels == ((WEIGHTS, often.peak.bytes - WEIGHTS),)
    assert live(often, "forward") == [
        (path, WEIGHTS + bytes_) for path, bytes_ in live(once, "forward")
    ]
    assert often.activations == once.activations


def test_a_share_of_the_gradients() -> None:
    report = step()
    assert report.tide(1) == report.peak.bytes
    assert report.tide(0) == max(beside for _, beside in report.levels)
    assert report.replace(levels=()).tide(1) == 0
    assert report.tide(0) < report.tide(0.5) < report.tide(1)
    assert step(training=False).tide(1) == step(training=False).peak.bytes


def test_half_precision_halves_what_products_read() -> None:
    report = step(precision="bfloat16")
    assert report.kept["linear"] == S // 2
    assert report.kept["half.0.tanh"] == L // 2
    assert report.kept["half.0.linear_2"] == 2 * 4 * 8  # the weight's copy
    assert report.weights == report.gradients == WEIGHTS


def test_several_values_in_rounds_and_values_used_again() -> None:
    text = """
    block Two {
      input a
      input b
      output left = b
      output right = (a, b) -> Add
    }
    model M {
      input p: float32[4]
      q = p -> Linear(4)
      r = p -> Linear(4)
      s, t = (q, r) -> repeat 3 { Two }
      output y = (s, t, r) -> Multiply
    }
    """
    # what has a name stays to the end, each sum for the round after the next
    assert live(step(text, training=False), "forward") == [
        ("q", S),
        ("r", 2 * S),
        ("s_t.0.right", 3 * S),
        ("s_t.1.right", 4 * S),
        ("s_t.2.right", 5 * S),
        ("y", 5 * S),
    ]


def test_the_batch_is_counted_apart() -> None:
    report = step()
    assert report.inputs == S
    assert report.held == report.live_peak + S


BUDGET = """
model M {
  input x: float32[time=10, 4]
  MixtureOfExperts(8, 2, 16)
  Linear(6)
  Linear(5)
  ReLU
  output y = Linear(7)
}
"""


@pytest.mark.parametrize(
    ("quantity", "value", "largest"),
    [
        ("params", 1568 + 30 + 35 + 42, "mixture_of_experts 1,568"),
        ("active_params", 416 + 30 + 35 + 42, "mixture_of_experts 416"),
        ("macs", 10 * (416 + 24 + 30 + 35), "mixture_of_experts 4,160"),
        ("flops", 20 * (416 + 24 + 30 + 35), "mixture_of_experts 8,320"),
    ],
)
def test_figures_of_budgets(quantity: str, value: int, largest: str) -> None:
    loaded = dsl.loads(BUDGET)
    figure = Figures(whole(loaded), loaded.compilation.training).of(quantity)
    assert figure.amount == value
    assert figure.largest[0] == largest
    assert [text.split()[0] for text in figure.largest] == ["mixture_of_experts", "y", "linear_2"]


def test_memory_of_budgets_names_the_layers_that_add_most() -> None:
    loaded = dsl.loads(NET)
    figures = Figures(whole(loaded), loaded.compilation.training)
    alone = figures.of("memory")
    trained = figures.of("train_memory")
    assert alone.amount == WEIGHTS + 2 * 16 + 2 * 32
    assert trained.amount > alone.amount + WEIGHTS
    assert (
        alone.largest == trained.largest == ("half.0.linear 32", "half.0.tanh 32", "half.1.tanh 32")
    )


def test_intervals() -> None:
    some = Interval(1, 2, 4)
    wide, counted = some * 2.5, exactly(3) * 2
    assert (wide.low, wide.mid, wide.high, wide.basis) == (2.5, 5, 10, "calibrated")
    assert (counted.low, counted.mid, counted.high, counted.basis) == (6, 6, 6, "exact")
    assert some.basis == "calibrated"
    assert some.overlaps(Interval(4, 5, 6)) and Interval(4, 5, 6).overlaps(some)
    assert some.overlaps(exactly(2)) and exactly(2).overlaps(some)
    assert not some.overlaps(Interval(4.5, 5, 6)) and not Interval(4.5, 5, 6).overlaps(some)
