"""The catalogue: each rule fires on its own example, alone, and keeps silent beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import backends
from dsl.compilation import Compilation, Options
from dsl.devices.files import check
from dsl.diagnostics.model import Diagnostic, Rule
from dsl.diagnostics.rules import RULES, SLUGS
from dsl.passes.modules import FileLoader
from dsl.source import Source
from tests.conftest import EXAMPLES, ROOT, SPECS

HALF = "block Half {\n  Linear(4) -> ReLU\n}\n"
BESIDE = {
    "blocks.msl": HALF,
    "more.msl": 'import "blocks.msl"\nblock Third {\n  Linear(3)\n}\n',
    "circle.msl": 'import "net.msl"\n',
}
"""Files that stand beside each example."""

ASKED = {
    "MSL138": Options(model="Small"),
    "MSL141": Options(define={"width": "4"}),
    "MSL460": Options(set={"schedule.warmup": "500"}),
}
"""What the user asks for in examples that are wrong only then."""

WRITTEN = {"MSL601": "tensorflow", "MSL602": "torch", "MSL603": "tensorflow"}
"""The backend that examples are written for that are wrong only then."""

DEVICES = "MSL7"
"""Rules whose examples are files of devices."""

COMPANY = {"MSL144": "MSL101"}
"""Rules that never come alone, with the rule of the findings that they come with."""

WITHOUT_PLACE = {"MSL138"}
"""Rules about what is asked for, which no place in the text is to blame for."""


def every() -> Iterator[object]:
    return (pytest.param(rule, id=rule.code) for rule in RULES.values())


def findings(rule: Rule, text: str, folder: Path) -> tuple[Diagnostic, ...]:
    """All findings about an example, with the files beside it."""
    if rule.code.startswith(DEVICES):
        return check(Source("devices.toml", text)).errors
    for name, beside in BESIDE.items():
        (folder / name).write_text(beside)
    path = folder / "net.msl"
    path.write_text(text)
    options = ASKED.get(rule.code, Options())
    compilation = Compilation(
        Source("net.msl", text), options, FileLoader(str(path)), path=str(path)
    )
    backend = WRITTEN.get(rule.code)
    if backend is None or compilation.diagnostics:
        return compilation.diagnostics
    return compilation.emit(backends.get(backend)).diagnostics


def codes(rule: Rule, text: str, folder: Path) -> list[str]:
    return [finding.rule.code for finding in findings(rule, text, folder)]


@pytest.mark.parametrize("rule", every())
def test_it_fires_on_its_bad_example_alone(rule: Rule, tmp_path: Path) -> None:
    found = codes(rule, rule.bad, tmp_path)
    assert [code for code in found if code != COMPANY.get(rule.code)] == [rule.code]


@pytest.mark.parametrize("rule", every())
def test_it_is_silent_on_the_mended_example_and_the_near_miss(rule: Rule, tmp_path: Path) -> None:
    assert codes(rule, rule.good, tmp_path) == []
    assert codes(rule, rule.near, tmp_path) == []
    assert len({rule.bad, rule.good, rule.near}) == 3 or rule.code in ASKED


@pytest.mark.parametrize("rule", every())
def test_its_finding_is_worded_as_all_are(rule: Rule, tmp_path: Path) -> None:
    found = findings(rule, rule.bad, tmp_path)
    (finding,) = [one for one in found if one.rule.code != COMPANY.get(rule.code)]
    assert (finding.primary is None) == (rule.code in WITHOUT_PLACE)
    assert not finding.message[0].isupper() and not finding.message.endswith(".")
    assert all(help and not re.search(r"[^.]\.$", help) for help in finding.helps)


def test_there_are_many_rules_with_examples_explained() -> None:
    assert len(RULES) >= 60
    for rule in RULES.values():
        assert rule.summary.endswith(".") and rule.summary[0] in '`"' + rule.summary[0].upper()
        assert rule.explanation.endswith("."), rule.code


def test_codes_and_slugs_are_distinct_and_well_formed() -> None:
    assert len(SLUGS) == len(RULES)
    for code, rule in RULES.items():
        assert re.fullmatch(r"MSL\d{3}", code) and rule.code == code
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.slug), rule.slug


@cache
def _reported() -> frozenset[str]:
    """Every code that the code base mentions outside of the catalogue."""
    found: set[str] = set()
    for folder in (ROOT / "dsl", ROOT / "backends"):
        for path in folder.rglob("*.py"):
            if "rules" not in path.parts:
                found |= set(re.findall(r'"(MSL\d{3})"', path.read_text(encoding="utf-8")))
    return frozenset(found)


def test_the_catalogue_and_the_code_know_the_same_codes() -> None:
    assert sorted(_reported() - RULES.keys()) == []
    assert sorted(RULES.keys() - _reported()) == []


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, id=path.stem) for path in (*SPECS.glob("*.msl"), *EXAMPLES.glob("*.msl"))],
)
def test_all_rules_are_silent_on_our_own_specs(path: Path) -> None:
    source = Source(path.name, path.read_text(encoding="utf-8"))
    compilation = Compilation(source, None, FileLoader(str(path)), path=str(path))
    assert [(f.rule.code, f.message) for f in compilation.diagnostics] == []
