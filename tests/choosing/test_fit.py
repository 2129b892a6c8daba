"""The largest value that fits, and edits that make a spec fit."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from dsl.choosing.fit_text import diff_of
from dsl.choosing.fitting import largest_fit
from dsl.choosing.largest import largest
from dsl.choosing.remedies import Remedy, remedies
from dsl.choosing.sharding import shared_out
from dsl.choosing.variation import Change, Unknown, at, changed_text, outlook_at
from dsl.devices import find
from dsl.diagnostics.model import Reporter
from dsl.source import Source
from dsl.syntax.formatter import format_file
from dsl.syntax.parser import parse
from tests.choosing.specs import LARGE, subject
from tests.cli.conftest import Msl, written

pytestmark = pytest.mark.slow

CARD = "rtx-3060"


@pytest.mark.parametrize("wanted", [0, 1, 2, 7, 64, 1000])
@pytest.mark.parametrize("start", [1, 5, 300])
def test_bisection_finds_the_last_that_holds(wanted: int, start: int) -> None:
    assert largest(lambda value: value <= wanted, start) == wanted
    assert largest(lambda value: value <= wanted, start, limit=50) == min(wanted, 50)


@pytest.mark.parametrize("quantity", ["batch", "time", "width", "depth"])
def test_one_more_step_does_not_fit(quantity: str) -> None:
    device, asked = find(CARD), subject()
    fit = largest_fit(asked, device, quantity)
    assert 0 < fit.fits <= fit.tight and fit.fits % fit.step == 0
    verdicts = [
        outlook.fits if (outlook := outlook_at(asked, device, quantity, value)) else "refused"
        for value in (fit.fits, fit.fits + fit.step, fit.tight + fit.step)
    ]
    assert verdicts[0] == "fits" != verdicts[1] and verdicts[2] == "does not fit"


def test_a_width_goes_by_heads() -> None:
    assert largest_fit(subject(), find(CARD), "width").step == 16


def test_what_cannot_be_varied_is_named() -> None:
    with pytest.raises(Unknown, match="did you mean `width`"):
        largest_fit(subject(), find(CARD), "widht")


@pytest.fixture(scope="module")
def found() -> list[Remedy]:
    return remedies(subject(), find(CARD))


def test_every_edit_parses_is_formatted_and_fits(found: list[Remedy]) -> None:
    device = find(CARD)
    titles = [remedy.title for remedy in found]
    assert any("parts a step" in title for title in titles)
    assert any("bfloat16" in title for title in titles)
    assert any("recompute" in title for title in titles)
    for remedy in found:
        mended = subject(remedy.text)
        assert mended.outlook(device).fits == "fits"
        reporter = Reporter()
        assert format_file(parse(Source("net.msl", remedy.text), reporter)) == remedy.text
        assert not reporter.failed
        steps = mended.training.train
        assert not remedy.same_step or steps.batch * steps.accumulate == 64


def test_edits_that_keep_the_step_come_first(found: list[Remedy]) -> None:
    order = [(not remedy.same_step, remedy.factor) for remedy in found]
    assert order == sorted(order)


def test_every_diff_applies(found: list[Remedy], tmp_path: Path) -> None:
    for remedy in found:
        path = written(tmp_path, "net.msl", LARGE)
        diff = diff_of(LARGE, remedy.text, "net.msl")
        done = subprocess.run(
            ["git", "apply", "-"], input=diff, text=True, cwd=tmp_path, capture_output=True
        )
        assert done.returncode == 0, done.stderr
        assert path.read_text() == remedy.text


def test_what_is_kept_does_not_change() -> None:
    for remedy in remedies(subject(), find(CARD), {"precision", "recompute", "width", "depth"}):
        assert "precision" not in remedy.text and "recompute" not in remedy.text
        assert remedy.text.count("width: int = 1024") == 1


def test_shards_make_large_weights_fit() -> None:
    big = LARGE.replace("batch = 64", "batch = 8").replace("width: int = 1024", "width: int = 2560")
    device = find(CARD)
    assert subject(big).outlook(device).fits == "does not fit"
    spread = [remedy for remedy in remedies(subject(big), device) if "devices" in remedy.title]
    assert spread
    for remedy in spread:
        mended = subject(remedy.text)
        row = shared_out(mended, device, mended.training.device.count)
        assert row is not None and row.verdict == "fits"


def test_settings_go_where_the_sections_are() -> None:
    asked = subject(LARGE.replace("{ epochs = 1; batch = 64 }", "{\n  epochs = 1  # one\n}"))
    change = Change({"train": {"batch": "8", "epochs": "2"}, "device": {"compile": "true"}})
    text = changed_text(asked, change)
    assert text is not None and "epochs = 2  # one\n  batch = 8\n" in text
    assert text.endswith("\ndevice { compile = true }\n")


def test_a_variant_is_changed_where_it_gives_the_value() -> None:
    text = changed_text(subject(model="Wide"), Change(parameters={"width": 512, "depth": 3}))
    assert text is not None
    assert "variant Wide = Reader(width=512)" in text and "depth: int = 3" in text


def test_a_value_that_the_spec_refuses_is_none() -> None:
    assert at(subject(), "width", 1000) is None


def test_the_command(msl: Msl, tmp_path: Path) -> None:
    path = written(tmp_path, "net.msl", LARGE)
    result = msl("fit", path, "--on", CARD)
    assert result.exit_code == 0 and "DOES NOT FIT" in result.stdout and "(exact)" in result.stdout
    kept = msl("fit", path, "--on", CARD, "--keep", "batch=64", "--json")
    assert kept.exit_code == 3
    record = json.loads(kept.stdout)
    assert record["now"]["live_peak"]["basis"] == "exact" and record["edits"][0]["diff"]
    assert msl("fit", path, "--on", CARD, "--apply", 99).exit_code == 2
    assert path.read_text() == LARGE
    assert msl("fit", path, "--on", CARD, "--apply", 1).exit_code == 0
    after = json.loads(msl("fit", path, "--on", CARD, "--json").stdout)
    assert after["now"]["verdict"] == "fits" and not after["edits"]


def test_mistakes_of_the_command_line(msl: Msl, tmp_path: Path) -> None:
    path = written(tmp_path, "net.msl", LARGE)
    for words in (
        ("--on", "rtx-3061"), ("--on", CARD, "--vary", "widht"),
        ("--on", CARD, "--keep", "batch=x"), ("--on", CARD, "--keep", "bach=3"),
    ):  # fmt: skip
        assert msl("fit", path, *words).exit_code == 2
    broken = written(tmp_path, "broken.msl", LARGE.replace("GELU", "GEUL"))
    assert msl("fit", broken, "--on", CARD).exit_code == 1
