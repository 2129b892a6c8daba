"""Our specs, each broken in one place: one finding, of the right rule, at the right place.

The ways to break them stand in ``broken_specs.txt``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from dsl.compilation import Compilation
from dsl.source import Source
from tests.conftest import SPECS

Case = tuple[str, str, str, str]


def cases() -> Iterator[Case]:
    """Each case: the spec, what is replaced, by what, and the finding as ``CODE line:column``."""
    text = Path(__file__).with_name("broken_specs.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, old, new, finding = line.split(" | ")
            yield name, old.replace("\\n", "\n"), new.replace("\\n", "\n"), finding


@cache
def spec(name: str) -> str:
    return (SPECS / f"{name}.msl").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case[0]} {case[2].strip()}"[:70])
def test_one_mistake_is_one_finding_at_its_place(case: Case) -> None:
    name, old, new, expected = case
    assert old in spec(name)
    found = Compilation(Source(f"{name}.msl", spec(name).replace(old, new, 1))).diagnostics
    shown = []
    for finding in found:
        assert finding.primary is not None
        line, column = finding.primary.span.position
        shown.append(f"{finding.rule.code} {line}:{column}")
    assert shown == [expected], [finding.message for finding in found]


def test_every_spec_is_broken_in_many_ways() -> None:
    every = list(cases())
    assert len(set(every)) == len(every) > 300
    assert {name for name, *_ in every} == {path.stem for path in SPECS.glob("*.msl")}
    assert len({finding.split()[0] for *_, finding in every}) > 60
