"""Memory of each device against counts by hand and against published formulas."""

from __future__ import annotations

import pytest

import dsl
from dsl.cost.memory import Setup, rehearse
from dsl.planning.outline import block_names, outline
from dsl.planning.plan import Row
from dsl.planning.strategy import Strategy
from tests.conftest import SPECS
from tests.planning.specs import PARAMS, of_spec, square


def row(data: str, count: int = 4) -> Row:
    """Four square layers on four devices, 16 samples on each."""
    found = square(data, batch=16 * count, micro=16).best(count)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("data", "weights", "gradients", "optimizer"),
    [("ddp", 1, 1, 1), ("zero1", 1, 1, 4), ("zero2", 1, 4, 4), ("fsdp", 4, 4, 4)],
)
def test_parts_are_counted(data: str, weights: int, gradients: int, optimizer: int) -> None:
    held = row(data).held
    assert held.weights == 4 * PARAMS / weights
    assert held.gradients == 4 * PARAMS / gradients
    assert held.optimizer == 8 * PARAMS / optimizer


def test_one_device_holds_what_a_rehearsal_says() -> None:
    planner = square(batch=16, micro=16)
    alone = planner.best(1)
    report = rehearse(planner.model, planner.training, Setup(batch=16))
    assert alone is not None
    assert alone.held.live == report.live_peak
    assert alone.held.basis == "exact"


def test_copies_add_buckets_and_nothing_else() -> None:
    one, four = row("ddp", 1).held, row("ddp", 4).held
    assert four.live - one.live == four.exchange == 4 * PARAMS
    assert four.basis == "exact"


def test_peak_falls_with_the_share_of_gradients() -> None:
    report = rehearse(square().model, square().training, Setup(batch=16))
    assert report.tide(1) == report.live_peak - report.weights - report.optimizer
    tides = [report.tide(1 / count) for count in (1, 2, 4, 8, 1000)]
    assert tides == sorted(tides, reverse=True)
    assert tides[0] - tides[-1] <= report.gradients
    assert report.tide(0) >= max(beside for _, beside in report.levels)


def test_units_are_gathered_two_at_a_time() -> None:
    # float32: the unit at work and the next, and gradients of one before they are split
    assert row("fsdp").held.exchange == 1001000 * (2 * 4 + 4)


def test_layers_of_a_transformer_keep_34_sbh() -> None:
    # Korthikanti et al. 2022, equation 2, without the scores that fused attention does not keep
    kept = []
    for depth in (11, 12):
        spec = dsl.load(str(SPECS / "gpt2.msl"), define={"depth": str(depth)}).compilation
        setup = Setup(batch=4, precision="bfloat16", gathered=True)
        kept.append(rehearse(spec.model, spec.training, setup).activations)
    assert (kept[1] - kept[0]) / (4 * 1024 * 768) == pytest.approx(34, rel=0.005)


def test_recomputed_layers_keep_2_sbh() -> None:
    kept = []
    for depth in (11, 12):
        spec = dsl.load(str(SPECS / "gpt2.msl"), define={"depth": str(depth)}).compilation
        setup = Setup(
            batch=4, precision="bfloat16", gathered=True, recompute=("DecoderLayer",)
        )  # fmt: skip
        kept.append(rehearse(spec.model, spec.training, setup).activations)
    assert (kept[1] - kept[0]) / (4 * 1024 * 768) == pytest.approx(2, rel=0.005)


def test_shared_layers_divide_weights_and_activations() -> None:
    planner = of_spec("gpt2.msl", "a100-80gb", batch=8, micro=8, recompute=())
    planner.ask = planner.ask.replace(strategy=Strategy("ddp", 8))
    eight = planner.best(8)
    planner.ask = planner.ask.replace(strategy=Strategy())
    one = planner.best(1)
    assert eight is not None and one is not None
    assert eight.held.weights == one.held.weights / 8
    assert eight.held.tide == one.held.tide / 8
    assert eight.held.basis == "prior"


def test_the_fullest_stage_counts() -> None:
    model = of_spec("gpt2.msl", "a100-80gb").model
    seen = outline(model)
    block = 7087872
    assert seen.params == 124439808
    assert (seen.largest, seen.rounds, seen.sums) == (50257 * 768, 12, 24)
    # the first stage holds the embeddings and its three blocks
    first = 50257 * 768 + 1024 * 768 + 3 * block
    assert seen.stage(4) * seen.params == pytest.approx(first)
    assert block_names(model) == ("DecoderLayer",)


def test_earlier_stages_keep_more_parts_of_the_batch() -> None:
    stages = Strategy("ddp", 1, 4)
    many = square(strategy=stages, batch=512 * 16, micro=512).best(4)
    one = square(strategy=stages, batch=512, micro=512).best(4)
    assert many is not None and one is not None
    assert (many.parts, one.parts) == (16, 1)
    assert many.held.tide > 1.1 * one.held.tide
    assert many.held.weights == one.held.weights < 4 * PARAMS / 3
