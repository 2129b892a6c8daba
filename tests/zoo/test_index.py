"""The index of the zoo: every held row is listed, every entry resolves and stands alone."""

from __future__ import annotations

import pytest

from dsl.compilation import Compilation
from dsl.cost.report import estimate
from dsl.source import Source
from dsl.zoo.extract import extract
from dsl.zoo.index import Entry, entries, folder
from tests.conftest import ROOT
from tests.zoo.table import ROWS

pytestmark = pytest.mark.slow

ENTRIES = list(entries().values())
SPECS = [
    [entry for entry in ENTRIES if entry.spec == spec] for spec in {e.spec: 0 for e in ENTRIES}
]
ENDS = [entry for group in SPECS for entry in dict.fromkeys((group[0], group[-1]))]
"""Of each spec the first entry and the last."""


def test_every_held_row_is_listed() -> None:
    listed = {(entry.spec, entry.model) for entry in ENTRIES}
    held = {(row.file, row.model): row.name for row in ROWS if not row.define}
    assert {name for place, name in held.items() if place not in listed} == set()


def test_counts_name_rows_of_the_same_model() -> None:
    rows = {row.name: (row.file, row.model) for row in ROWS}
    named = {entry.counts: (entry.spec, entry.model) for entry in ENTRIES if entry.counts}
    assert {name: place for name, place in named.items() if rows.get(name) != place} == {}


def test_every_spec_has_an_entry() -> None:
    specs = {path.stem for path in (ROOT / "examples" / "zoo").glob("*.msl")}
    assert specs == {entry.spec for entry in ENTRIES}
    assert folder() == str(ROOT / "examples" / "zoo")


def test_names_are_in_one_style() -> None:
    assert [entry.name for entry in ENTRIES if entry.name != entry.name.lower()] == []
    assert [entry.name for entry in ENTRIES if set(entry.name) & set("_/ ")] == []
    places = [(entry.spec, entry.model) for entry in ENTRIES]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize("entry", ENDS, ids=lambda entry: entry.name)
def test_an_entry_alone_is_the_same_model(entry: Entry) -> None:
    """What `msl init --from` writes: no imports, one model, the same layers at the same cost."""
    alone = Compilation(Source("alone.msl", extract(entry)))
    assert [str(finding.message) for finding in alone.diagnostics] == []
    whole = entry.compilation()
    assert alone.model is not None
    assert estimate(alone.model).record() == estimate(whole.model).record()
    assert list(alone.plain.module.variants) == []


def test_an_entry_alone_holds_what_it_uses_and_no_more() -> None:
    text = extract(entries()["vgg16"])
    assert "import" not in text
    assert text.startswith("msl 1\n# ")
    assert "model VGG16(" in text
    text = extract(entries()["efficientnet-v2-b0"])
    assert "block ConvNorm(" in text
    assert "block Unpadded" not in text
