"""``msl zoo``, and ``msl init --from`` an entry."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from dsl.cli.zoo import entry_text
from dsl.zoo.index import entries
from tests.cli.conftest import Msl, written

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache directory."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


def test_a_line_for_each_entry(msl: Msl) -> None:
    result = msl("zoo", "list", "gpt2")
    assert result.exit_code == 0
    head, *lines = result.stdout.splitlines()
    assert head.split() == ["name", "task", "params", "MACs", "input"]
    assert [line.split()[0] for line in lines] == ["gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl"]
    assert "language model" in lines[0]
    assert "124,439,808  145.8 G  tokens [time=1024]" in lines[0]
    assert msl("zoo", "gpt2").stdout == result.stdout


def test_a_terminal_gets_a_heading_for_each_task(msl: Msl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsl.cli.zoo.is_terminal", lambda stream: True)
    lines = [line.rstrip() for line in msl("zoo", "bert-base").stdout.splitlines()]
    assert lines.index(" masked language model") < lines.index(" text encoder")
    assert any(line.split()[:3] == ["bert-base-mlm", "109,514,298", "60.62"] for line in lines)


def test_words_and_task_choose(msl: Msl) -> None:
    names = [entry.name for entry in entries().values() if entry.task == "translation"]
    lines = msl("zoo", "list", "--task", "Translation").stdout.splitlines()[1:]
    assert [line.split()[0] for line in lines] == names
    names = [line.split()[0] for line in msl("zoo", "resnet", "18").stdout.splitlines()[1:]]
    assert "resnet18" in names
    assert all("18" in name for name in names)
    result = msl("zoo", "resnet05")
    assert (result.exit_code, "did you mean `resnet50`?" in result.stderr) == (2, True)
    result = msl("zoo", "--task", "translaton")
    assert (result.exit_code, "did you mean `translation`?" in result.stderr) == (2, True)


def test_json(msl: Msl) -> None:
    (record,) = json.loads(msl("zoo", "list", "vit-b-16", "--json").stdout)
    assert record == {
        "name": "vit-b-16",
        "task": "image classification",
        "spec": "vit.msl",
        "model": "ViT_B16",
        "counts": "torchvision/vit_b_16",
        "params": 86_567_656,
        "macs": 35_127_656_448 // 2,
        "inputs": ["image [3, 224, 224]"],
    }


def test_show_prints_a_spec(msl: Msl, tmp_path: Path) -> None:
    result = msl("zoo", "show", "resnet50")
    remarks = [line for line in result.stdout.splitlines() if line.startswith("# ")][:2]
    assert "25,557,032 parameters, 4.089 G MACs" in remarks[0]
    assert remarks[1] == "# Counts as published: torchvision/resnet50."
    assert "arXiv:1512.03385" in result.stdout
    path = written(tmp_path, "shown.msl", result.stdout)
    assert msl("check", "--strict", path).exit_code == 0
    assert "25,557,032" in msl("cost", path).stdout
    result = msl("zoo", "show", "resnet5")
    assert (result.exit_code, "did you mean `resnet50`?" in result.stderr) == (2, True)


def test_counts_are_kept_until_something_changes(msl: Msl, monkeypatch: pytest.MonkeyPatch) -> None:
    first = msl("zoo", "list", "mobilenet").stdout

    def refuse(entry: object) -> None:
        raise RuntimeError("counted once more")

    monkeypatch.setattr("dsl.zoo.counts._counted", refuse)
    assert msl("zoo", "list", "mobilenet").stdout == first
    monkeypatch.setattr("dsl.zoo.counts.VERSION", "another")
    assert msl("zoo", "list", "mobilenet").exit_code != 0


def test_the_whole_list_is_quick_once_counted(msl: Msl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsl.zoo.counts._key", lambda: "files may change while tests run")
    assert msl("zoo").exit_code == 0
    began = time.perf_counter()
    lines = msl("zoo").stdout.splitlines()
    assert time.perf_counter() - began < 1
    assert len(lines) == len(entries()) + 1


def test_init_from_an_entry(msl: Msl, tmp_path: Path) -> None:
    result = msl("init", "--from", "llama3-8b")
    path = tmp_path / "llama3-8b.msl"
    assert (result.exit_code, path.read_text()) == (0, entry_text(entries()["llama3-8b"]))
    assert "import" not in path.read_text()
    assert "8,030,261,248" in msl("cost", path).stdout
    assert msl("init", "--from", "llama3-8b", "mine.msl").exit_code == 0
    assert (tmp_path / "mine.msl").read_text() == path.read_text()
    assert msl("init", "--from", "llama3-8b", "-o", "-").stdout == path.read_text()
    assert "did you mean `gpt2`?" in msl("init", "--from", "gpt").stderr
    assert msl("init", "--from", "gpt2", "a.msl", "b.msl").exit_code == 2


def test_init_overwrites_by_force_only(msl: Msl, tmp_path: Path) -> None:
    path = written(tmp_path, "gpt2.msl", "mine")
    result = msl("init", "--from", "gpt2")
    assert (result.exit_code, path.read_text()) == (2, "mine")
    assert "--force" in result.stderr
    assert msl("init", "--from", "gpt2", "--force").exit_code == 0
    assert path.read_text() != "mine"
