"""The documentation: its examples run, and its tables are those that the registry makes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

import dsl
from tests.conftest import ROOT

PAGE = ROOT / "grammar" / "README.md"
_BLOCK = re.compile(r"^```msl(?: (?P<word>\w+)=(?P<value>\S+))?\n(?P<text>.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Example:
    """One example: the finding it gives (``error``, ``warning``), or the file it is (``file``)."""

    line: int
    word: str
    value: str
    text: str

    def __str__(self) -> str:
        return f"line {self.line}"


def examples(page: Path) -> list[Example]:
    """The examples of a page in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Example(
            text.count("\n", 0, match.start()) + 1,
            match["word"] or "", match["value"] or "", match["text"],
        )
        for match in _BLOCK.finditer(text)
    ]  # fmt: skip


EXAMPLES = examples(PAGE)
FILES = {example.value: example.text for example in EXAMPLES if example.word == "file"}


def test_the_page_has_examples_of_every_sort() -> None:
    assert len(EXAMPLES) > 20
    assert {example.word for example in EXAMPLES} == {"", "error", "warning", "file"}
    fences = PAGE.read_text(encoding="utf-8").count("```msl")
    assert fences == len(EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_an_example_gives_the_findings_it_says(example: Example, tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    path = tmp_path / "example.msl"
    path.write_text(example.text, encoding="utf-8")
    wanted = [example.value] if example.word in ("error", "warning") else []
    found = dsl.load(path).diagnostics
    assert [finding.rule.code for finding in found] == wanted, [f.message for f in found]
    assert all(finding.rule.severity.value == example.word for finding in found)


def test_tables_are_those_of_the_registry() -> None:
    from grammar.docs import page

    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text, "run `make docs`"


def test_every_kind_and_rule_is_in_a_table() -> None:
    from dsl.cli.explain import registry
    from dsl.diagnostics.rules import RULES

    text = PAGE.read_text(encoding="utf-8")
    for kinds in registry().values():
        for name in kinds:
            assert re.search(rf"^\| `{name}[(`]", text, re.M), name
    assert all(f"| {code} | {rule.slug}" in text for code, rule in RULES.items())


def test_keywords_are_those_of_the_grammar() -> None:
    from dsl.syntax.tables import load_tables

    text = PAGE.read_text(encoding="utf-8")
    listed = re.search(r"^    (msl import .*?)\n\n", text, re.M | re.S)
    sections = re.search(r"words of sections \(`([^`]*)`\)", text)
    assert listed and sections
    words = set(listed[1].split()) | set(sections[1].split())
    tables = load_tables()
    known = {*tables.keywords, *tables.soft_keywords}
    assert known - {"layer"} == words
