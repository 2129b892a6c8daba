"""The command line as a whole: help, exit codes, faults of its own, pipes and interrupts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

import dsl
from dsl.cli.main import COMMANDS, cli
from tests.cli.conftest import NET, Msl, spawn, written
from tests.conftest import ROOT


def test_help_lists_every_command(msl: Msl) -> None:
    result = msl("--help")
    assert result.exit_code == 0
    for name, text in COMMANDS.items():
        assert f"  {name} " in result.stdout
        assert text.split()[0] in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(msl: Msl, name: str) -> None:
    result = msl(name, "--help")
    assert result.exit_code == 0
    assert f"Usage: msl {name}" in result.stdout.replace("cli", "msl")
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert all(option.help for option in command.params if isinstance(option, click.Option))


def test_an_unknown_command_gets_a_hint(msl: Msl) -> None:
    result = msl("chekc", "net.msl")
    assert result.exit_code == 2
    assert "did you mean `check`?" in result.output


def test_version(msl: Msl) -> None:
    assert msl("--version").stdout == f"msl {dsl.VERSION}, language 1\n"
    assert f'version = "{dsl.VERSION}"' in (ROOT / "pyproject.toml").read_text()


def test_a_fault_of_ours_is_one_short_report(msl: Msl, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*words: object, **options: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("dsl.cli.check.compilation_of", fail)
    result = msl("check", "-", input=NET)
    assert result.exit_code == 70
    assert "ZeroDivisionError: division by zero" in result.stderr
    assert len(result.stderr.splitlines()) == 2


def test_an_interrupt_exits_with_130(msl: Msl, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*words: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dsl.cli.check.compilation_of", interrupt)
    assert msl("check", "-", input=NET).exit_code == 130


def test_a_reader_that_goes_away_is_no_fault() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "dsl", "cost", "tests/specs/densenet121.msl", "--json"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(60) in (0, 141)


def test_python_dash_m() -> None:
    result = spawn("check", "tests/specs/gpt2.msl")
    assert (result.returncode, result.stdout) == (0, "1 file checked, nothing found\n")
    assert result.stderr == ""


def test_letters_that_the_output_lacks_are_escaped(tmp_path: Path) -> None:
    path = written(tmp_path, "net.msl", NET.replace("x:", "\u4e2d:"))
    result = spawn("check", path, env={"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"})
    assert result.returncode == 1
    assert "\\u4e2d" in result.stdout
    assert result.stderr == ""


def test_shell_completion_offers_commands() -> None:
    env = {"_MSL_COMPLETE": "bash_complete", "COMP_WORDS": "msl co", "COMP_CWORD": "1"}
    code = "from dsl.cli.main import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | env, cwd=ROOT, capture_output=True, text=True
    )
    assert "plain,cost" in result.stdout
    assert "plain,compile" in result.stdout
