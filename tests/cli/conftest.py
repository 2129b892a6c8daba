"""Helpers for tests of the commands."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dsl.cli.main import cli
from tests.conftest import ROOT

Msl = Callable[..., Result]

NET = """\
model Net(width: int = 8) {
  input x: float32[4]
  hidden = Linear(width) -> ReLU
  output y: float32[2] = Linear(2)
}
"""
"""A spec without a fault."""

BROKEN = NET.replace("Linear(2)\n", "Linaer(2)\n")
"""The same with one fault."""


@pytest.fixture
def msl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Msl:
    """Runs a command in an empty folder, without colours."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "MSL_DEBUG"):
        monkeypatch.delenv(name, raising=False)

    def run(*words: object, input: str | bytes | None = None) -> Result:
        result = CliRunner().invoke(cli, [str(word) for word in words], input=input)
        assert "Traceback" not in result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """A file with a spec without a fault."""
    return written(tmp_path, "net.msl", NET)


def written(folder: Path, name: str, text: str) -> Path:
    """A file with a text."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def spawn(
    *words: object, cwd: Path | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs ``python -m dsl`` in a process of its own."""
    command = [sys.executable, "-m", "dsl", *map(str, words)]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(Path.home())}
    return subprocess.run(
        command,
        cwd=cwd or ROOT,
        env=environment | (env or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
