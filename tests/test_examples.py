"""The examples are clean specs, listed in their README, and cost what they say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import dsl
from dsl.cli.main import cli
from tests.conftest import EXAMPLES

pytestmark = pytest.mark.slow

SPECS = sorted(EXAMPLES.glob("*.msl"))
README = (EXAMPLES / "README.md").read_text(encoding="utf-8")
ALL = pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)


@ALL
def test_example_is_free_of_findings_and_canonical(path: Path) -> None:
    for command in (["check", "--strict"], ["fmt", "--check"]):
        result = CliRunner().invoke(cli, [*command, str(path)])
        assert result.exit_code == 0, result.output


@ALL
def test_example_begins_with_what_it_is(path: Path) -> None:
    first, second = path.read_text(encoding="utf-8").splitlines()[:2]
    assert first == "msl 1" and second.startswith("# ")


@ALL
def test_example_is_in_the_readme_with_its_size(path: Path) -> None:
    row = next(line for line in README.splitlines() if line.startswith(f"| [`{path.name}`]"))
    result = CliRunner().invoke(cli, ["cost", "--json", str(path)])
    figures = json.loads(result.output)
    assert f" {figures['params']['total']:,} " in row
    layers = sum(layer["params"] for layer in figures["layers"])
    assert layers == figures["params"]["total"] == figures["params"]["trainable"]


@ALL
@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
def test_example_compiles_the_same_twice(path: Path, backend: str) -> None:
    text = dsl.load(str(path)).compile(backend)
    compile(text, path.name, "exec")
    assert dsl.load(str(path)).compile(backend) == text


def test_readme_lists_nothing_else() -> None:
    listed = {line.split("`")[1] for line in README.splitlines() if line.startswith("| [`")}
    assert listed == {path.name for path in SPECS}
