"""What differs between two specs."""

from __future__ import annotations

import json
from pathlib import Path

from dsl.choosing.difference import difference
from dsl.choosing.structure import compare
from dsl.devices import find
from tests.choosing.specs import LARGE, subject
from tests.cli.conftest import Msl, written


def test_the_same_spec_does_not_differ() -> None:
    found = difference(subject(), subject(), find("a100-40gb"))
    assert found.empty and not any(figure.told for figure in found.figures)


def test_layers_put_in_are_added_and_others_stay() -> None:
    after = LARGE.replace("-> GELU", "-> GELU -> Dropout(0.1)")
    structure = compare(subject().model, subject(after).model)
    assert [row.kind for row in structure.added] == ["Dropout"]
    assert not structure.removed and not structure.changed


def test_a_layer_more_of_a_kind_does_not_rename_the_others() -> None:
    after = LARGE.replace("Linear(4 * width) ->", "Linear(width) -> Linear(4 * width) ->")
    structure = compare(subject().model, subject(after).model)
    assert len(structure.added) == 1 and not structure.removed


def test_arguments_and_rounds_that_change_are_told() -> None:
    structure = compare(subject().model, subject(LARGE.replace("= 24", "= 12")).model)
    assert not structure.added and not structure.removed
    assert {(c.before.uses, c.after.uses) for c in structure.changed} == {(24, 12)}
    wider = compare(subject().model, subject(model="Wide").model)
    told = {change.after.kind for change in wider.changed if not change.follows}
    assert told == {"Embedding", "Linear"}


def test_counts_are_exact_and_intervals_decide() -> None:
    found = difference(subject(), subject(model="Wide"), find("a100-80gb"), batch=4)
    figures = {figure.name: figure for figure in found.figures}
    params = figures["parameters"]
    assert params.basis == "exact" and params.after.mid > 3 * params.before.mid
    assert figures["time of a step"].told and figures["time of a step"].basis != "exact"
    nearly = difference(subject(), subject(LARGE.replace("= 24", "= 23")), find("a100-80gb"))
    times = {figure.name: figure for figure in nearly.figures}
    assert not times["time of a step"].told and times["parameters"].told


def test_the_command(msl: Msl, tmp_path: Path) -> None:
    path = written(tmp_path, "net.msl", LARGE)
    text = msl("diff", path, f"{path}:Wide", "--on", "a100-80gb")
    assert text.exit_code == 0 and "(exact)" in text.stdout and "parameters" in text.stdout
    assert "no difference that we can tell" in msl(
        "diff", path, written(tmp_path, "other.msl", LARGE.replace("= 24", "= 23")),
        "--on", "a100-80gb",
    ).stdout  # fmt: skip
    record = json.loads(msl("diff", path, f"{path}:Wide", "--json").stdout)
    assert record["figures"][0]["delta"] > 0 and record["changed"]
    page = msl("diff", path, f"{path}:Wide", "--markdown").stdout
    assert "| parameters |" in page and "```diff" in page
    assert msl("diff", path, path, "--exit-code").exit_code == 0
    assert msl("diff", path, f"{path}:Wide", "--exit-code").exit_code == 1
    assert msl("diff", path, "nothing.msl").exit_code == 2
    assert msl("diff", path, "resnet51").exit_code == 2


def test_entries_of_the_zoo_are_compared(msl: Msl) -> None:
    text = msl("diff", "resnet18", "resnet34").stdout
    assert "+ repeat.3.repeat.2: 8 layers" in text and "+10,108,160" in text
