"""No command that reads a spec executes, imports or downloads, or writes where not told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import EXAMPLES, ROOT, SPECS
from tests.safety import traps

pytestmark = pytest.mark.slow

Deeds = list[list[str]]


class Watched:
    """A process that runs commands, in a folder of its own, and tells what they did."""

    def __init__(self, folder: Path, cache: Path) -> None:
        env = {**os.environ, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(cache)}
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-B", "-m", "tests.safety.watched"],
            cwd=folder, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __call__(self, *words: object) -> dict[str, Any]:
        """Runs a command."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps([str(word) for word in words]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def deeds(self, *words: object, code: int = 0) -> Deeds:
        """What a command did, which ends with a code."""
        result = self(*words)
        assert result["code"] == code, result["err"] or result["out"]
        return result["deeds"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stranger's folder, full of traps."""
    path = tmp_path_factory.mktemp("stranger")
    traps.lay(path)
    return path


@pytest.fixture(scope="module")
def msl(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Commands in that folder; the parser's cache is filled."""
    watched = Watched(folder, tmp_path_factory.mktemp("cache"))
    watched("check", SPECS / "gpt2.msl")
    yield watched
    watched.process.stdin.close()  # type: ignore[union-attr]
    watched.process.wait()
    assert traps.sprung(folder) == []


OWN = [*sorted(EXAMPLES.glob("*.msl")), *sorted(SPECS.glob("*.msl"))]
ZOO = sorted((EXAMPLES / "zoo").glob("*.msl"))


@pytest.mark.parametrize("path", [*OWN, *ZOO[::4]], ids=lambda path: path.stem)
def test_reading_a_spec_does_nothing(msl: Watched, path: Path) -> None:
    commands = (
        ("check",),
        ("cost",),
        ("cost", "--json"),
        ("show", "--resolved"),
        ("fmt", "--diff"),
    )
    for words in commands if path in OWN else commands[:1]:
        code = 1 if words[0] == "fmt" and msl("fmt", "--check", path)["code"] else 0
        assert msl.deeds(*words, path, code=code) == []


@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.msl")), ids=lambda path: path.stem)
def test_compiling_writes_the_output_alone(
    msl: Watched, folder: Path, path: Path, backend: str
) -> None:
    output = folder / "out" / f"{path.stem}_{backend}.py"
    output.parent.mkdir(exist_ok=True)
    assert all_at(output, msl.deeds("compile", path, "--backend", backend, "-o", output))
    assert os.listdir(output.parent).count(output.name) == 1
    assert output.read_text().isascii()
    assert all_at(output, msl.deeds("compile", path, "--backend", backend, "-o", output))
    output.unlink()
    assert os.listdir(output.parent) == []


def all_at(output: Path, deeds: Deeds) -> bool:
    """Whether there are deeds, and each is about one file: a fresh one beside it becomes it."""
    deeds = [deed for deed in deeds if deed != ["read code", str(output)]]  # is it ours to replace?
    fresh = [deed[1] for deed in deeds if deed[0] == "write"]
    assert len(fresh) == 1 and os.path.dirname(fresh[0]) == str(output.parent)
    for event, *paths in deeds:
        assert event in ("write", "os.chmod", "os.rename"), (event, paths)
        assert paths[0] == fresh[0]
    assert deeds[-1][:3] == ["os.rename", fresh[0], str(output)]
    return True


COMMANDS = [
    ("check",), ("check", "--format", "json"), ("check", "--format", "sarif"),
    ("check", "--format", "github"), ("check", "--diff"), ("cost",), ("cost", "--json"),
    ("show",), ("show", "--resolved"), ("fmt", "--check"), ("fmt", "--diff"),
    ("compile", "--backend", "torch"), ("compile", "--backend", "tensorflow"),
    ("check", "-D", "canary=__import__('os').system('canary')"),
    ("check", "--set", "train.canary=open('canary')"), ("check", "--model", "{{canary}}"),
]  # fmt: skip


@pytest.mark.parametrize("name", traps.SPECS)
def test_hostile_specs_do_nothing(msl: Watched, folder: Path, name: str) -> None:
    for words in COMMANDS:
        result = msl(*words, name)
        assert result["code"] in (0, 1), (words, result)
        assert result["deeds"] == [], words
        assert "\x1b" not in result["out"] + result["err"]
    assert traps.sprung(folder) == []


def test_commands_without_a_spec_do_nothing(msl: Watched) -> None:
    for words in (("explain",), ("explain", "Conv2d"), ("explain", "MSL301"), ("init", "--list"),
        ("init", "cnn", "-o", "-"), ("zoo", "show", "lenet5"), ("fuzz", "--n", "1")):  # fmt: skip
        result = msl(*words)
        if words[0] != "zoo":  # whose counts are kept in the cache
            assert result["deeds"] == [], words


def test_externs_are_written_and_not_imported(msl: Watched, folder: Path) -> None:
    result = msl("compile", "extern.msl", "--backend", "torch")
    assert "from canary_ops import CanaryTorch" in result["out"]
    assert msl.deeds("cost", "extern.msl") == []
    assert not (folder / "canary_ops.sprung").exists()


def test_the_watch_sees_deeds(tmp_path: Path) -> None:
    """The hook that finds nothing above finds what it should."""
    program = f"""
import sys, os, json
from tests.safety import watched
sys.addaudithook(watched.hook)
os.chdir({str(tmp_path)!r})
sys.path.insert(0, ".")
open("canary_trap.py", "w").write("")
def act(args, prog_name):
    import canary_trap, socket, subprocess
    open("x", "w").close(); os.remove("x"); exec("canary = 1"); os.mkdir("d")
    socket.socket().close(); subprocess.run(["true"])
print(json.dumps(watched.run([], act)["deeds"]))
"""
    done = subprocess.run(
        [sys.executable, "-B", "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    seen = {deed[0] for deed in json.loads(done.stdout)}
    wanted = "import write exec os.remove os.mkdir socket.__new__ subprocess.Popen"
    assert set(wanted.split()) | {"read code"} <= seen
