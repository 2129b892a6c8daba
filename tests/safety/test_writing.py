"""Files are written whole or not at all, and whoever is in the way is told in one line."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dsl.cli import files
from tests.cli.conftest import BROKEN, NET, Msl, written
from tests.conftest import ROOT

UGLY = NET.replace("= Linear", "=   Linear")
Failure = Callable[[pytest.MonkeyPatch], None]


def _full(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)


def _unnameable(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(source: str, target: str) -> None:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "replace", fail)


def _interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", fail)


FAILURES = {
    "full": (_full, 2, "no space left on device"),
    "rename": (_unnameable, 2, "permission denied"),
    "interrupt": (_interrupted, 130, "msl: interrupted"),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("words", [("compile", "net.msl", "--backend", "torch", "-o", "out.py"),
    ("fmt", "net.msl"), ("init", "mlp", "net.msl", "--force"), ("init", "mlp", "out.py")],
    ids=" ".join)  # fmt: skip
def test_a_write_that_fails_changes_nothing(
    msl: Msl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], failure: str
) -> None:  # fmt: skip
    written(tmp_path, "net.msl", UGLY)
    fail, code, said = FAILURES[failure]
    fail(monkeypatch)
    result = msl(*words)
    assert result.exit_code == code and said in result.output
    assert os.listdir(tmp_path) == ["net.msl"]
    assert (tmp_path / "net.msl").read_text() == UGLY


def test_one_of_several_fails(msl: Msl, tmp_path: Path) -> None:
    for name, text in (("a.msl", UGLY), ("b.msl", BROKEN + "}}"), ("d.msl", UGLY)):
        written(tmp_path, name, text)
    result = msl("fmt", "a.msl", "b.msl", "c.msl", "d.msl")
    assert result.exit_code == 2
    assert "formatted a.msl" in result.output and "formatted d.msl" in result.output
    assert "b.msl:" in result.output and "cannot read c.msl" in result.output
    assert (tmp_path / "b.msl").read_text() == BROKEN + "}}"


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_the_output_is_never_the_spec(msl: Msl, tmp_path: Path, force: tuple[str, ...]) -> None:
    written(tmp_path, "net.msl", NET)
    os.symlink("net.msl", tmp_path / "soft.msl")
    os.link(tmp_path / "net.msl", tmp_path / "hard.msl")
    for name in ("net.msl", "./net.msl", "soft.msl", "hard.msl", tmp_path / "net.msl"):
        result = msl("compile", "net.msl", "--backend", "torch", "-o", name, *force)
        assert result.exit_code == 2 and "it is the spec itself" in result.output
    assert (tmp_path / "net.msl").read_text() == NET


def test_places_that_are_none(msl: Msl, tmp_path: Path) -> None:
    written(tmp_path, "net.msl", NET)
    (tmp_path / "folder").mkdir()
    for place, said in (
        ("folder", "it is a folder"), ("none/out.py", "there is no folder none"),
        ("net.msl/out.py", "there is no folder net.msl"), ("folder/", "it is a folder"),
        ("n" * 300, "file name too long"), ("n" * 250, "file name too long"),
    ):  # fmt: skip
        result = msl("compile", "net.msl", "--backend", "torch", "-o", place)
        assert result.exit_code == 2 and said in result.output, place
        assert result.output.count("\n") == 1
    assert sorted(os.listdir(tmp_path)) == ["folder", "net.msl"]


def test_read_only(msl: Msl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "net.msl", UGLY)
    path.chmod(0o444)
    result = msl("fmt", "net.msl")
    assert result.exit_code == 2 and "it is read-only" in result.output
    assert path.read_text() == UGLY


def test_another_file_of_the_fresh_name_stays(tmp_path: Path) -> None:
    """Whoever made it: it is not ours, so it is neither followed nor removed."""
    fresh = tmp_path / f"out.py.{os.getpid()}.tmp"
    os.symlink("elsewhere", fresh)
    with pytest.raises(files.ToolError, match="file exists"):
        files.write_text(str(tmp_path / "out.py"), "text")
    assert fresh.is_symlink() and os.listdir(tmp_path) == [fresh.name]


def spawned(folder: Path, *words: str, code: str = "", **options: Any) -> subprocess.Popen[str]:
    """A command as a process of its own, in a folder; `code` runs before it."""
    program = f"import sys\n{code}\nfrom dsl.cli.main import main\nmain(sys.argv[1:])"
    env = {**os.environ, "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    return subprocess.Popen([sys.executable, "-c", program, *words], cwd=folder, env=env, **pipes)


def test_a_disk_that_is_full_indeed(tmp_path: Path) -> None:
    written(tmp_path, "net.msl", NET)
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))  # noqa: E731
    words = ("compile", "net.msl", "--backend", "torch", "-o", "out.py")
    process = spawned(tmp_path, *words, preexec_fn=limit)
    _, err = process.communicate()
    assert process.returncode == 2 and err == "msl: cannot write out.py: file too large\n"
    assert os.listdir(tmp_path) == ["net.msl"]


@pytest.mark.parametrize("words", [("compile", "net.msl", "--backend", "torch"),
    ("cost", "net.msl"), ("check", "net.msl"), ("fmt", "-"), ("show", "net.msl")],
    ids=" ".join)  # fmt: skip
def test_standard_output_on_a_full_disk(tmp_path: Path, words: tuple[str, ...]) -> None:
    written(tmp_path, "net.msl", NET)
    with open("/dev/full", "w") as full, open(tmp_path / "net.msl") as text:
        process = spawned(tmp_path, *words, stdout=full, stdin=text)
        _, err = process.communicate()
    assert process.returncode == 2
    assert err == "msl: cannot write standard output: No space left on device\n"


def test_nobody_reads(tmp_path: Path) -> None:
    written(tmp_path, "net.msl", NET)
    reader, writer = os.pipe()
    os.close(reader)
    process = spawned(tmp_path, "cost", "net.msl", stdout=writer)
    os.close(writer)
    assert process.communicate()[1] == "" and process.returncode == 141


def test_closed_streams(tmp_path: Path) -> None:
    written(tmp_path, "net.msl", NET)
    process = spawned(tmp_path, "check", "-", preexec_fn=lambda: os.close(0))
    _, err = process.communicate()
    assert (process.returncode, err) == (2, "msl: cannot read standard input: it is closed\n")
    process = spawned(tmp_path, "cost", "net.msl", preexec_fn=lambda: os.close(1), stdout=None)
    assert process.communicate()[1] == "" and process.returncode == 0


def test_output_without_unicode(tmp_path: Path) -> None:
    path = written(tmp_path, "n\u00e4t.msl", NET.replace("x:", "\u4e2d:"))
    for env in ({"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}):
        process = spawned(tmp_path, "check", path.name, env=env)
        out, err = process.communicate()
        assert process.returncode == 1 and "MSL015" in out and err == ""


INTERRUPT = """
import os, signal, dsl.compilation as place
before = place.Compilation.{what}
def interrupted(self, *words):
    os.kill(os.getpid(), signal.SIGINT)
    return before(self, *words)
place.Compilation.{what} = interrupted
"""


def test_ctrl_c(tmp_path: Path) -> None:
    written(tmp_path, "net.msl", NET)
    words = ("compile", "net.msl", "--backend", "torch", "-o", "out.py")
    process = spawned(tmp_path, *words, code=INTERRUPT.format(what="emit"))
    _, err = process.communicate()
    assert process.returncode == 130 and err.strip() == "msl: interrupted"
    assert os.listdir(tmp_path) == ["net.msl"]
