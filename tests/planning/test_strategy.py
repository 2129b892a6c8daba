"""How strategies are written, and what each device keeps."""

from __future__ import annotations

import pytest

from dsl.planning.shards import states
from dsl.planning.strategy import BadStrategy, Strategy, strategy_of


@pytest.mark.parametrize(
    ("text", "strategy", "name"),
    [
        ("ddp", Strategy("ddp"), "ddp"),
        ("zero3", Strategy("fsdp"), "fsdp"),
        ("FSDP", Strategy("fsdp"), "fsdp"),
        ("tp=8", Strategy("ddp", 8), "tp=8"),
        ("tp=8,pp=4,zero1", Strategy("zero1", 8, 4), "tp=8,pp=4,zero1"),
        ("pp=2 + zero2", Strategy("zero2", 1, 2), "pp=2,zero2"),
    ],
)
def test_strategies_are_read_and_written(text: str, strategy: Strategy, name: str) -> None:
    assert strategy_of(text) == strategy
    assert strategy.name == name
    assert strategy_of(name) == strategy


@pytest.mark.parametrize(
    ("text", "message", "help"),
    [
        ("fdsp", "there is no strategy `fdsp`", "did you mean `fsdp`?"),
        ("tp=0", "there is no strategy `tp=0`", "`tp=8`"),
        ("tp=2,tp=4", "`tp=4` is a second of its sort", "several"),
        ("ddp,fsdp", "`fsdp` is a second of its sort", "several"),
        (" , ", "the strategy is empty", "there are ddp"),
    ],
)
def test_mistakes_come_with_a_cure(text: str, message: str, help: str) -> None:
    with pytest.raises(BadStrategy) as caught:
        strategy_of(text)
    assert str(caught.value) == message
    assert help in caught.value.help


@pytest.mark.parametrize(
    ("data", "gigabytes"), [("ddp", 120), ("zero1", 31.4), ("zero2", 16.6), ("fsdp", 1.9)]
)
def test_states_are_those_of_the_zero_paper(data: str, gigabytes: float) -> None:
    # Rajbhandari et al. 2020, figure 1: 7.5B parameters, 64 devices, K = 12
    held = sum(states(7.5e9, 2, 2, 12, Strategy(data), 64)) / 1e9
    assert held == pytest.approx(gigabytes, abs=0.05)


def test_states_are_shared_by_layers_and_stages_too() -> None:
    whole = states(1e9, 4, 4, 8, Strategy(), 1)
    assert states(1e9, 4, 4, 8, Strategy("ddp", 4, 2), 16) == tuple(part / 8 for part in whole)
