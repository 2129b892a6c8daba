"""The cache of parser tables: private, whole or ignored, and never in the way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dsl.syntax import tables
from grammar import read_grammar

pytestmark = pytest.mark.slow


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh cache directory and a fresh memory."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    monkeypatch.setattr(tables, "_tables", None)
    monkeypatch.setattr(tables.sys, "platform", "linux")
    return tmp_path / "msl"


def _path(cache: Path) -> Path:
    return cache / tables.cache_name(tables.cache_key(read_grammar()))


def _reload(monkeypatch: pytest.MonkeyPatch) -> int:
    """Loads the tables anew and counts how often they were computed."""
    calls = []
    compute = tables.compute_tables
    monkeypatch.setattr(tables, "_tables", None)
    monkeypatch.setattr(
        tables, "compute_tables", lambda grammar: calls.append(1) or compute(grammar)
    )
    tables.load_tables()
    monkeypatch.setattr(tables, "compute_tables", compute)
    return len(calls)


def test_written_once_and_private(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _reload(monkeypatch) == 1
    assert _path(cache).stat().st_mode & 0o777 == 0o600
    assert cache.stat().st_mode & 0o777 == 0o700
    assert os.listdir(cache) == [_path(cache).name]
    assert _reload(monkeypatch) == 0


@pytest.mark.parametrize("damage", [b"", b"junk", b"MSL tables 1\n", None])
def test_damage_is_mended(
    cache: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes | None
) -> None:
    _reload(monkeypatch)
    content = _path(cache).read_bytes()
    broken = content[:-40] + b"\0" * 40 if damage is None else damage
    _path(cache).write_bytes(broken)
    assert _reload(monkeypatch) == 1
    assert tables.read_cache(str(_path(cache)), tables.cache_key(read_grammar())) is not None


def test_what_others_may_write_is_not_read(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _reload(monkeypatch)
    _path(cache).chmod(0o666)
    assert _reload(monkeypatch) == 1
    assert _path(cache).stat().st_mode & 0o777 == 0o600


def test_a_directory_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert _reload(monkeypatch) == 1


def test_the_key_names_grammar_lark_and_python() -> None:
    import lark

    key = tables.cache_key("g: A")
    assert lark.__version__ in key and str(sys.version_info[:3]) in key and "g: A" in key
    assert key != tables.cache_key("g: B")


def test_a_warm_start_leaves_lark_alone(tmp_path: Path) -> None:
    program = (
        "import sys; from dsl.source import Source; from dsl.diagnostics.model import Reporter;"
        "from dsl.syntax.parser import parse; parse(Source('a', 'loss MSE'), Reporter());"
        "print(sorted({'lark', 'pickle', 'numpy', 'difflib'} & set(sys.modules)))"
    )
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    root = Path(__file__).parents[2]
    outputs = [
        subprocess.run([sys.executable, "-c", program], env=env, cwd=root, capture_output=True)
        for _ in range(2)
    ]
    assert b"lark" in outputs[0].stdout
    assert outputs[1].stdout.strip() == b"[]"
