"""Candidates held against a task, a device and limits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dsl.choosing.baseline import baseline
from dsl.choosing.checks import checks, receptive_field
from dsl.choosing.choice import places
from dsl.choosing.evidence import fingerprint, published, table
from dsl.choosing.halving import Score, halve
from dsl.choosing.limits import Limits, judged
from dsl.choosing.needs import Candidate, Run, candidate
from dsl.choosing.subject import subject_of
from dsl.choosing.task import BadData, task_of_path, task_of_plan
from dsl.compilation import Compilation, Options
from dsl.devices import find
from dsl.source import Source
from dsl.zoo.index import entries
from tests.choosing.fingerprints import fresh
from tests.choosing.specs import LARGE, subject
from tests.cli.conftest import Msl, written
from tests.conftest import EXAMPLES

pytestmark = pytest.mark.slow

DIGITS = EXAMPLES / "data" / "digits.csv"
CARD = "rtx-3090"


def needs(text: str = LARGE, name: str = "net", samples: int = 10_000, **more: object) -> Candidate:
    """What a text needs on a card."""
    run = Run(find(CARD), samples=samples, **more)  # type: ignore[arg-type]
    return candidate(subject(text).replace(name=name), None, run)


def test_equal_candidates_tie() -> None:
    found = places([needs(name="a"), needs(name="b")], Limits())
    assert [place.rank for place in found] == [1, 1]
    assert [place.tied for place in found] == [("b",), ("a",)]
    assert not any(place.beaten_by for place in found)


def test_what_is_clearly_quicker_is_first_and_dominates() -> None:
    small = needs(LARGE.replace("= 24", "= 6"), "small")
    found = places([needs(name="large"), small], Limits())
    assert [place.candidate.name for place in found] == ["small", "large"]
    assert [place.rank for place in found] == [1, 2] and not found[0].tied
    assert found[1].beaten_by == "small"


def test_verdicts_have_margins_and_one_binds() -> None:
    one = needs(price=(2.0, 2.0))
    assert one.whole is not None and one.money is not None
    limits = Limits(one.whole.high * 2, None, one.params / 2, one.money.mid)
    answers = {judgement.name: judgement for judgement in judged(one, limits)}
    assert answers["time"].answer == "yes" and answers["money"].answer == "maybe"
    assert answers["params"].answer == "no" and answers["params"].margin == -1.0
    place = places([one], limits)[0]
    assert place.binding is not None and place.binding.name == "params" and place.rank is None


def test_time_and_money_follow_from_the_step() -> None:
    one = needs(samples=1000, epochs=3, price=(1.0, 3.0))
    time = one.outlook.time
    assert time is not None and one.whole is not None and one.money is not None
    assert one.whole.mid == pytest.approx(time.step.mid / time.batch * 3000)
    assert one.money.high == pytest.approx(one.whole.high / 3600 * 3)
    assert one.outlook.fits == "fits" and one.wanted % one.outlook.setup.batch == 0


def test_fingerprints_are_those_of_the_zoo() -> None:
    for name, row in list(table().items())[::5]:
        assert row["fingerprint"] == fresh(name), name


def test_a_head_may_differ_and_nothing_else() -> None:
    entry = entries()["resnet18"]
    compilation = entry.compilation()
    other = Compilation(
        compilation.source, Options(entry.model, {"classes": "7"}), compilation.loader,
        compilation.path,
    )  # fmt: skip
    assert compilation.model is not None and other.model is not None
    assert fingerprint(other.model) == fingerprint(compilation.model)
    assert published(other.model).value == 69.758
    text = compilation.source.text.replace("ConvNorm(64, 7", "ConvNorm(64, 5")
    changed = Compilation(Source("net", text), other.options, other.loader, other.path).model
    assert changed is not None and published(changed).level == "none"


def test_receptive_fields_are_the_published_ones() -> None:
    # Araujo et al. 2019: ResNet-50 with the stride in the 3x3 convolution
    found = subject_of("resnet50", entries()["resnet50"].compilation(), True)
    assert receptive_field(candidate(found, None, Run(find(CARD)))) == (427, 224)


def test_tasks_are_read_from_files(tmp_path: Path) -> None:
    task = task_of_path(str(DIGITS))
    assert (task.rows, task.classes, task.columns) == (1797, 10, 64)
    spec = Compilation(Source("d", (EXAMPLES / "digits_cnn.msl").read_text()), path="d")
    plan = task_of_plan(spec.training, str(EXAMPLES))
    assert plan is not None and plan.training_rows == 1257 and plan.target == "label"
    for name, files in (("cat", 3), ("dog", 2)):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(files):
            written(tmp_path / "pets" / name, f"{number}.png", "")
    pets = task_of_path(str(tmp_path / "pets"))
    assert (pets.rows, pets.classes) == (5, 2)
    assert task_of_path(str(EXAMPLES / "data" / "sea_temperature.npz")).rows
    with pytest.raises(BadData, match="cannot read"):
        task_of_path(str(tmp_path / "none.csv"))


def test_a_linear_model_is_the_bar_of_a_table() -> None:
    found = baseline(task_of_path(str(DIGITS)))
    assert found is not None and found.linear is not None
    assert found.majority == pytest.approx(183 / 1797) and 0.88 < found.linear < 0.97


def test_classes_and_data_are_checked_without_training() -> None:
    text = (
        (EXAMPLES / "digits_cnn.msl").read_text().replace("classes: int = 10", "classes: int = 5")
    )
    found = subject_of("d", Compilation(Source("d", text), path=str(EXAMPLES / "d.msl")))
    task = task_of_path(str(DIGITS))
    states = {c.name: c.state for c in checks(candidate(found, task, Run(find(CARD))), task)}
    assert states["classes"] == "warn"
    tokens = {c.name: c.text for c in checks(needs(), None)}
    assert "seen in training, about 20" in tokens["tokens per parameter"]


def test_halving_keeps_the_better_half_and_doubles() -> None:
    runs: list[tuple[str, int]] = []

    def trial(name: str, seed: int, steps: int) -> tuple[float, str, bool] | str:
        runs.append((name, steps))
        return "broken" if name == "d" else ("abc".index(name) + seed / 10, "val_loss", False)

    rungs = list(halve("abcd", trial, 10, 2, lambda: False))
    assert [[score.name for score in rung] for rung in rungs] == [list("abcd"), ["a", "b"], ["a"]]
    assert [rung[0].steps for rung in rungs] == [10, 20, 40]
    assert rungs[0][0] == Score("a", 10, (0.0, 0.1), "val_loss", False)
    assert rungs[0][0].spread == pytest.approx(0.05) and rungs[0][3].failure == "broken"
    assert runs.count(("d", 10)) == 1


def test_nothing_begins_once_the_time_is_over() -> None:
    rungs = list(halve("ab", lambda *_: (1.0, "x", True), 10, 2, lambda: True))
    assert [score.failure for score in rungs[0]] == ["the time was over"] * 2


def test_the_command(msl: Msl, tmp_path: Path) -> None:
    path = written(tmp_path, "net.msl", LARGE)
    words = ("choose", path, f"{path}:Wide", "--on", CARD, "--samples", 5000)
    text = msl(*words, "--within", "10h")
    assert text.exit_code == 0
    for part in ("1. The task", "no evidence", "binding", "Pareto", "5. What to do next"):
        assert part in text.stdout
    none = msl(*words, "--max-params", "1M", "--json")
    assert none.exit_code == 3
    record = json.loads(none.stdout)
    assert [one["rank"] for one in record["candidates"]] == [None, None]
    assert record["candidates"][0]["binding"] == "params"
    assert record["candidates"][0]["evidence"]["level"] == "none"


def test_a_task_brings_its_sections(msl: Msl) -> None:
    task = EXAMPLES / "digits_cnn.msl"
    record = json.loads(
        msl("choose", "resnet18", task, "--task", task, "--on", CARD, "--json").stdout
    )
    by_name = {one["name"]: one for one in record["candidates"]}
    assert by_name["resnet18"]["samples"] == 1257 and by_name["resnet18"]["batch"] == 64
    assert by_name["resnet18"]["params"]["total"] == 11_689_512 - 990 * 513
    assert by_name["resnet18"]["evidence"]["level"] == "published"
    assert record["baseline"]["linear"] > 0.88


@pytest.mark.parametrize(
    "words",
    [
        ("--within", "2x"), ("--within", "8GiB"), ("--max-memory", "8"), ("--max-params", "2h"),
        ("--task", "none.msl"), ("--data", "none.csv"), ("--price", "-1"),
    ],
)  # fmt: skip
def test_misuse(msl: Msl, net: Path, words: tuple[str, str]) -> None:
    result = msl("choose", net, "--on", CARD, *words)
    assert result.exit_code == 2 and result.stderr


def test_unknown_candidates_and_broken_ones_are_misuse(msl: Msl, tmp_path: Path) -> None:
    broken = written(tmp_path, "broken.msl", LARGE.replace("GELU", "GEUL"))
    assert msl("choose", broken, "--on", CARD).exit_code == 2
    assert msl("choose", "resnet51", "--on", CARD).exit_code == 2
