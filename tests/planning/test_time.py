"""Messages and time against formulas worked out by hand."""

from __future__ import annotations

import pytest

from dsl.cost.interval import Interval
from dsl.devices import find
from dsl.planning.cluster import LINK, NETWORK, Cluster
from dsl.planning.pace import Alone, pace
from dsl.planning.plan import Row
from dsl.planning.strategy import Strategy
from dsl.planning.traffic import ring
from tests.planning.specs import PARAMS, of_spec, square


def told(data: str, count: int = 8, micro: int = 16, parts: int = 1) -> float:
    """Bytes that each of some devices sends in a step."""
    row = square(data, batch=micro * parts * count, micro=micro).best(count)
    assert row is not None and row.parts == parts
    return sum(item.bytes for item in row.told)


def test_rings() -> None:
    assert ring("all-reduce", 8, 80) == 140
    assert ring("all-gather", 8, 80) == ring("reduce-scatter", 8, 80) == 70


def test_volumes_are_those_of_the_zero_paper() -> None:
    # Rajbhandari et al. 2020, section 7: as much as ddp; 1.5 times that where weights are cut
    whole = 2 * 7 / 8 * 4 * PARAMS
    assert told("ddp") == told("zero1") == told("zero2") == pytest.approx(whole)
    assert told("fsdp") == pytest.approx(1.5 * whole)
    assert told("ddp", 1) == 0


def test_parts_of_a_batch_are_told_only_where_gradients_are_cut() -> None:
    assert told("ddp", parts=4) == told("ddp")
    assert told("zero2", parts=4) == pytest.approx(2.5 * told("zero2"))
    assert told("fsdp", parts=4) == pytest.approx(4 * told("fsdp"))


def test_shared_layers_add_up_twice_each_way() -> None:
    # Shoeybi et al. 2019: two all-reduces of b*s*h a layer forward, two backward
    planner = of_spec(
        "gpt2.msl", "a100-80gb", batch=4, micro=4, strategy=Strategy("ddp", 8), recompute=()
    )
    row = planner.best(8)
    assert row is not None
    (sums,) = row.told
    assert sums.bytes == pytest.approx(2 * 7 / 8 * 12 * 4 * (4 * 1024 * 768 * 2))
    assert sums.calls == 12 * 4


def test_links_within_a_node_and_between() -> None:
    cluster = Cluster(find("h100-sxm"), 64, 8, 50e9)
    assert cluster.nodes == 8
    assert cluster.bandwidth(8) == pytest.approx(450e9 * LINK)
    assert cluster.bandwidth(64) == pytest.approx(min(450e9 * LINK, 8 * 50e9 * NETWORK))
    assert cluster.bandwidth(8, stride=8) == pytest.approx(50e9 * NETWORK)


def alone(seconds: float) -> Alone:
    """A micro-batch that takes some seconds."""
    return Alone(Interval(seconds, seconds, seconds), 0.0, "operations")


@pytest.mark.parametrize(("stages", "parts"), [(4, 4), (4, 16), (8, 64)])
def test_stages_wait_for_each_other(stages: int, parts: int) -> None:
    cluster = Cluster(find("a100-80gb"), stages)
    found = pace(alone(1.0), Strategy("ddp", 1, stages), cluster, parts, (), "bfloat16", 1e12)
    assert found.idle / found.compute == pytest.approx((stages - 1) / parts)
    assert found.step.mid == pytest.approx(parts / stages + (stages - 1) / stages)


def test_messages_hide_behind_work() -> None:
    quick = square("ddp", batch=8 * 4096, micro=4096).best(8)
    slow = square("ddp", batch=8, micro=1, per_node=1, network=1e8).best(8)
    assert quick is not None and slow is not None
    assert quick.pace.exposed < sum(item.seconds for item in quick.told)
    assert slow.pace.exposed > slow.pace.compute


def test_slower_networks_take_longer() -> None:
    def step(network: float) -> Row:
        row = of_spec(
            "gpt2.msl", "a100-80gb", batch=64, micro=4, strategy=Strategy("fsdp"), network=network,
            recompute=(),
        ).best(16)  # fmt: skip
        assert row is not None
        return row

    fast, slow = step(50e9), step(1e9)
    assert slow.pace.step.mid > 2 * fast.pace.step.mid
    assert slow.pace.utilisation < fast.pace.utilisation
    assert fast.held == slow.held


def test_small_language_models_do_not_reach_the_published_share() -> None:
    def share(micro: int, model: str = "") -> float:
        row = of_spec(
            "gpt2.msl", "a100-80gb", model=model, batch=micro, micro=micro, recompute=()
        ).best(1)
        assert row is not None
        return row.pace.utilisation

    assert share(1) < 0.9 * share(32)
    assert share(8, "GPT2XL") == pytest.approx(0.54, rel=0.06)
    assert share(32) < 0.54
