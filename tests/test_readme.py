"""The first page shows what MSL reads and writes today, and names what is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from dsl.cli.main import cli
from tests.conftest import EXAMPLES, ROOT
from tests.golden import golden

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL))
MISTAKE = """\
model Net {
  input image: float32[1, 28, 28]
  Conv2d(64, 3, padding=1) -> ReLU
  output digit: float32[10] = Linear(10)
}
"""


def test_spec_and_code_are_those_of_the_example() -> None:
    assert BLOCKS["msl"] in (EXAMPLES / "shakespeare.msl").read_text(encoding="utf-8")
    assert BLOCKS["python"] in golden("shakespeare", "torch").read_text(encoding="utf-8")


def test_finding_is_what_check_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.msl").write_text(MISTAKE, encoding="utf-8")
    output = CliRunner().invoke(cli, ["check", "net.msl"]).output
    assert output.startswith(BLOCKS["text"])


def test_the_session_with_the_zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"^\$ msl (.*)\n((?:[^$].*\n)*)", BLOCKS["console"], re.MULTILINE)
    assert len(commands) == 2
    for words, printed in commands:
        assert CliRunner().invoke(cli, words.split()).output == printed


def test_what_a_device_makes_of_it_is_what_cost_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    command, *shown = BLOCKS["shell"].splitlines()
    words = command.removeprefix("$ msl ").partition(" | tail -4")[0].split()
    assert CliRunner().invoke(cli, words).output.splitlines()[-4:] == shown


@pytest.mark.parametrize(
    ("spec", "figure", "path"),
    [
        ("gpt2", "124,439,808 parameters, 291.6 GFLOPs", ("flops", "forward", 10**9)),
        ("resnet50", "25,557,032 parameters, 4.089 GMACs", ("macs", "forward", 10**9)),
    ],
)
def test_costs_are_those_that_the_command_prints(
    spec: str, figure: str, path: tuple[str, str, int]
) -> None:
    command = f"msl cost tests/specs/{spec}.msl"
    row = next(line for line in README.splitlines() if f"`{command}`" in line)
    assert figure in row
    words = [*command.split()[1:], "--json"]
    words[1] = str(ROOT / words[1])
    figures = json.loads(CliRunner().invoke(cli, words).output)
    parameters, amount = re.findall(r"[\d,.]*\d", figure)[:2]
    assert int(parameters.replace(",", "")) == figures["params"]["total"]
    section, name, unit = path
    assert float(amount) == pytest.approx(figures[section][name] / unit, rel=2e-4)


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", EXAMPLES / "README.md", EXAMPLES / "data" / "README.md"]
)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert all("://" in link or (page.parent / link).exists() for link in links)


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", README)) <= targets
