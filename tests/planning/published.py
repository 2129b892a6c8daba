"""Published training runs, each planned as it was run."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import dsl
from dsl.cli.plan import Rate
from dsl.devices import find
from dsl.planning.plan import Ask, Planner, Row
from dsl.planning.strategy import strategy_of
from tests.conftest import EXAMPLES

TABLE = Path(__file__).parent / "data" / "published.csv"
"""The runs, with sources; ``role`` says what may be expected of them (README.md beside it)."""

TOKENS = {"10G": 10e9, "2T": 2e12, "15T": 15e12}

Run = dict[str, str]


@cache
def runs() -> tuple[Run, ...]:
    """Every run."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def planned(run: Run) -> tuple[Planner, Row]:
    """The plan of a run; it is made once."""
    return _planned(tuple(run.items()))


@cache
def _planned(items: tuple[tuple[str, str], ...]) -> tuple[Planner, Row]:
    run = dict(items)
    define = dict(pair.split("=") for pair in run["define"].split())
    spec = dsl.load(str(EXAMPLES / "zoo" / f"{run['spec']}.msl"), model=run["model"], define=define)
    model = spec.compilation.model
    assert model is not None, [finding.message for finding in spec.compilation.diagnostics]
    recompute = () if run["recompute"] == "none" else (run["recompute"],)
    ask = Ask(
        find(run["device"]), run["precision"], int(run["batch"]), int(run["micro"]),
        strategy=strategy_of(run["strategy"]), recompute=recompute,
        network=Rate().convert(run["network"], None, None),
    )  # fmt: skip
    planner = Planner(model, spec.compilation.training, ask)
    row = planner.best(int(run["count"]))
    assert row is not None
    return planner, row


def figures(run: Run) -> tuple[float, float, float, Row]:
    """What is planned for a run's metric: low, middle and high."""
    planner, row = planned(run)
    step = row.pace.step
    metric, _, amount = run["metric"].partition(" of ")
    each = planner.outline.tokens or 1
    work = row.batch * each
    if metric == "step seconds":
        return step.low, step.mid, step.high, row
    if metric == "device-hours":
        total = TOKENS[amount.removesuffix(" tokens")]
        hours = [
            total / work * seconds * row.count / 3600 for seconds in (step.low, step.mid, step.high)
        ]
        return hours[0], hours[1], hours[2], row
    share = row.count if metric == "tokens/s/device" else 1
    return work / step.high / share, work / step.mid / share, work / step.low / share, row


def errors(role: str) -> Iterator[tuple[Run, float, bool, Row]]:
    """Runs of a role with the error of the middle, as a share, and whether the range holds them."""
    for run in runs():
        if run["role"] == role:
            low, middle, high, row = figures(run)
            value = float(run["value"])
            yield run, middle / value - 1, low <= value <= high, row
