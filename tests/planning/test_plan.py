"""The search: what fits, how few suffice, what is preferred."""

from __future__ import annotations

import pytest

import dsl
from dsl.cost.report import estimate
from dsl.devices import find
from dsl.planning.plan import Ask, Planner, cheapest, fastest, smallest
from dsl.planning.strategy import Strategy, strategy_of
from tests.conftest import EXAMPLES
from tests.planning.specs import of_spec, square

pytestmark = pytest.mark.slow


def test_a_large_model_needs_several_devices() -> None:
    rows = of_spec("llama3_8b.msl", "h100-sxm", strategy=Strategy("fsdp")).table()
    least = smallest(rows)
    assert least is not None
    assert least.recompute == ("LlamaLayer",)
    verdicts = [row.verdict for row in rows]
    assert verdicts == sorted(verdicts, key=["does not fit", "tight", "fits"].index)
    needed = [row.needed.mid for row in rows if row.micro == rows[-1].micro]
    assert needed == sorted(needed, reverse=True)
    assert len(needed) > 5


def test_the_smallest_count_is_of_whole_nodes() -> None:
    rows = of_spec(
        "llama3_8b.msl", "a100-40gb", model="Llama3_70B", strategy=Strategy("fsdp", 8)
    ).table()
    least = smallest(rows)
    assert least is not None
    assert least.count % 8 == 0
    assert all(row.verdict != "fits" for row in rows if row.count < least.count)


def test_nothing_fits_where_nothing_can() -> None:
    rows = of_spec("llama3_8b.msl", "rtx-3060", strategy=Strategy()).table()
    assert smallest(rows) is cheapest(rows) is fastest(rows) is None
    assert {row.verdict for row in rows} == {"does not fit"}


def test_a_small_model_is_not_shared_without_need() -> None:
    rows = of_spec("gpt2.msl", "a100-80gb", batch=480).table(most=16)
    assert {row.strategy.name for row in rows} == {"ddp"}
    assert all(not row.recompute for row in rows)
    assert [row.batch for row in rows] == [480] * 5
    assert all(row.micro * row.parts * row.count >= 480 for row in rows)
    assert cheapest(rows) is rows[0]
    assert fastest(rows) is rows[-1]


def test_counts_beyond_the_batch_are_left_out() -> None:
    assert [row.count for row in square(batch=4).table()] == [1, 2, 4]
    assert square(batch=4).best(8) is None


def test_more_devices_are_never_slower_a_step_of_the_same_batch() -> None:
    rows = of_spec("gpt2.msl", "h100-sxm", batch=512, strategy=Strategy()).table(most=64)
    steps = [row.pace.step.mid for row in rows]
    assert steps == sorted(steps, reverse=True)
    shares = [row.pace.utilisation for row in rows]
    assert all(0 < share <= 0.6 for share in shares)


def test_runs_take_hours_and_money() -> None:
    planner = of_spec(
        "gpt2.msl", "a100-80gb", batch=480, samples=480_000, price=(1.0, 2.0),
        strategy=Strategy(), micro=12,
    )  # fmt: skip
    row = planner.best(8)
    assert row is not None and row.seconds is not None and row.money is not None
    assert row.device_hours is not None
    assert row.steps == 1000
    assert row.seconds.mid == pytest.approx(1000 * row.pace.step.mid)
    assert row.device_hours.mid == pytest.approx(8 * row.seconds.mid / 3600)
    assert row.money.low == pytest.approx(row.device_hours.low)
    assert row.money.high == pytest.approx(2 * row.device_hours.high)


def test_the_same_question_gets_the_same_answer() -> None:
    one, two = (of_spec("gpt2.msl", "a100-40gb", batch=96).table(most=8) for _ in range(2))
    assert [row.needed for row in one] == [row.needed for row in two]
    assert [row.pace for row in one] == [row.pace for row in two]


@pytest.mark.parametrize("name", ["albert", "lstm_lm", "mixtral", "t5", "unet", "vit", "whisper"])
def test_every_strategy_of_other_architectures(name: str) -> None:
    spec = dsl.load(str(EXAMPLES / "zoo" / f"{name}.msl")).compilation
    assert spec.model is not None
    planner = Planner(spec.model, spec.training, Ask(find("a100-80gb"), "bfloat16", 16, 2))
    assert planner.outline.params == estimate(spec.model).params
    live = {}
    for text in ("ddp", "zero1", "zero2", "fsdp", "tp=4", "pp=2", "tp=2,pp=2,fsdp"):
        planner.ask = planner.ask.replace(strategy=strategy_of(text))
        row = planner.best(8)
        assert row is not None
        live[text] = row.held.live
        assert 0 < row.pace.utilisation < 1
        assert row.needed.low <= row.needed.mid <= row.needed.high
        assert row.pace.step.low <= row.pace.step.mid <= row.pace.step.high
    assert live["ddp"] > live["zero1"] > live["zero2"]
    assert live["ddp"] > live["fsdp"]
