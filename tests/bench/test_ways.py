"""The hand-written ways train the networks that the benchmark's table states."""

from __future__ import annotations

import importlib
import math
import re
from pathlib import Path

import pytest

from tests.bench.cases import CASES

README = (Path(__file__).resolve().parent / "README.md").read_text(encoding="utf-8")
PARAMETERS = {
    name: int(count.replace(",", ""))
    for name, count in re.findall(r"^\| (\w+) \|.*\| ([\d,]+) \|$", README, re.MULTILINE)
}


def test_the_table_lists_every_case() -> None:
    assert PARAMETERS.keys() == CASES.keys()


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("collection", ["experts", "tutorials"])
@pytest.mark.parametrize(
    "framework",
    [
        pytest.param("torch", marks=pytest.mark.torch),
        pytest.param("tensorflow", marks=pytest.mark.tensorflow),
    ],
)
def test_ways_have_the_stated_parameters_and_learn(
    framework: str, collection: str, name: str
) -> None:
    case = CASES[name]
    way = importlib.import_module(f"tests.bench.{collection}.{framework}.{name}")
    trainer = way.build(case, case.arrays(), seed=0)
    assert trainer.parameters == PARAMETERS[name]
    if name == "mlp":  # the others take seconds a call
        first = trainer.run(case.steps_per_call)
        for _ in range(9):
            last = trainer.run(case.steps_per_call)
        assert math.isfinite(first) and last < first
