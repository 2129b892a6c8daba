"""The parts of the benchmark that need no framework."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.bench.cases import CASES, Case
from tests.bench.report import summary, table

BENCH = Path(__file__).resolve().parent
FROZEN = dict(
    reversed(line.split())
    for line in (BENCH / "experts" / "FROZEN.sha256").read_text("ascii").splitlines()
)


def test_the_expert_files_are_as_they_were_frozen() -> None:
    experts = BENCH / "experts"
    files = {path.relative_to(experts).as_posix(): path for path in experts.glob("*/*.py")}
    digests = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    assert digests == FROZEN


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_every_case_has_a_spec_and_every_way(case: Case) -> None:
    assert (BENCH / "specs" / f"{case.name}.msl").is_file()
    for collection in ("experts", "tutorials"):
        for framework in ("torch", "tensorflow"):
            assert (BENCH / collection / framework / f"{case.name}.py").is_file()


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_rounds_are_whole_calls_and_data_whole_batches(case: Case) -> None:
    assert case.steps % case.steps_per_call == 0
    assert case.samples % (case.batch * case.steps_per_call) == 0
    arrays = case.arrays()
    assert {len(array) for array in arrays.values()} == {case.samples}
    again = case.arrays()
    assert all((arrays[name] == again[name]).all() for name in arrays)


def test_ratios_are_medians_of_ratios_within_a_round() -> None:
    rounds = [
        {"generated": 1.0, "expert": 2.0, "tutorial": 4.0},
        {"generated": 6.0, "expert": 6.0, "tutorial": 6.0},
        {"generated": 3.0, "expert": 1.0, "tutorial": 9.0},
    ]
    row = summary("torch", CASES["mlp"], rounds, steps=1000)
    assert row["generated/expert"] == 1.0  # of 0.5, 1 and 3
    assert row["tutorial/generated"] == 3.0  # of 4, 1 and 3
    assert row["expert ms"] == 2.0
    assert "generated/expert" in table([row])
