"""The examples train in both frameworks, and learn what knowing nothing cannot."""

from __future__ import annotations

import csv
import importlib.util
import json
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import pytest
import tensorflow as tf
import torch
from click.testing import CliRunner

import dsl
from dsl.cli.main import cli
from tests.conftest import EXAMPLES
from tests.golden import BACKENDS, ROOT, SPECS, golden

SOURCES = sorted(path.stem for path in EXAMPLES.glob("*.msl"))
TRAINED = [name for name in SOURCES if name != "resnet_squeeze"]
BOTH = pytest.mark.parametrize("backend", BACKENDS)


@dataclass(frozen=True)
class Short:
    """A short run of an example, and what must come of it.

    Attributes:
        flags: What shortens it.
        figure: What is measured on the test rows.
        least, most: Bounds that a model which learned nothing misses; see data/README.md.
        options: What ``msl compile`` gets besides.
    """

    flags: str
    figure: str
    least: float
    most: float
    options: tuple[str, ...] = ()


RUNS = {
    "digits_cnn": Short("--epochs 4", "accuracy", 0.95, 1),
    "digits_unet": Short("--epochs 2", "rmse", 0, 0.3),  # 0.57 as it came
    "hidden_letters": Short(
        "--steps 200", "loss", 0, 3.2, ("--model", "Tiny")
    ),  # 3.32 by how often characters occur
    "investment": Short("--epochs 60", "rmse", 0, 0.75),  # 1.5 by their mean
    "sea_temperature": Short("--epochs 25", "rmse", 0, 1),  # 1.14 by the month before
    "shakespeare": Short(
        "--steps 120", "loss", 0, 3, ("--model", "Tiny")
    ),  # 3.32 by how often bytes occur
    "vowels": Short("--epochs 2", "accuracy", 0.3, 1),  # 0.13 by always ending the word
    "voters_mlp": Short("--epochs 10", "accuracy", 0.8, 1),  # 0.58 by the larger party
    "voters_two_tasks": Short("--epochs 10", "vote_accuracy", 0.8, 1),
}


@pytest.fixture(scope="module", autouse=True)
def few_threads() -> Iterator[None]:
    """Nets as small as these are slower with more threads than one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def main(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Runs a script's `main` as from a command line; its folder for results is `tmp_path`."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = {number: signal.getsignal(number) for number in numbers}

    def run(script: ModuleType, *words: str) -> None:
        given = ["script", *words, "--out", str(tmp_path), "--device", "cpu"]
        monkeypatch.setattr(sys, "argv", given)
        script.main()

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)
    keras.backend.clear_session()


def load(path: Path) -> ModuleType:
    """A generated file as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compiled(name: str, backend: str, folder: Path, *options: str) -> ModuleType:
    """An example, compiled to a file and imported."""
    path = folder / f"{name}_{backend}.py"
    source = str(EXAMPLES / f"{name}.msl")
    words = ["compile", source, "--backend", backend, "-o", str(path), *options]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, result.output
    return load(path)


def parameters(module: ModuleType, backend: str) -> int:
    """The number of trainable values that a generated model has by its own count."""
    if backend == "torch":
        with torch.device("meta"):
            return sum(weight.numel() for weight in module.build_model().parameters())
    with keras.StatelessScope(initialize_variables=False):
        weights = module.build_model().trainable_weights
    return sum(tf.TensorShape(weight.shape).num_elements() for weight in weights)


@BOTH
@pytest.mark.parametrize("name", SOURCES)
def test_generated_model_has_the_parameters_that_are_costed(
    name: str, backend: str, tmp_path: Path
) -> None:
    expected = dsl.load(str(EXAMPLES / f"{name}.msl")).cost().params
    assert parameters(compiled(name, backend, tmp_path), backend) == expected


@BOTH
@pytest.mark.parametrize("name", [name for name in SPECS if name not in SOURCES])
def test_golden_model_has_the_parameters_that_are_costed(name: str, backend: str) -> None:
    expected = dsl.load(str(ROOT / SPECS[name])).cost().params
    assert parameters(load(golden(name, backend)), backend) == expected


@BOTH
@pytest.mark.parametrize("name", TRAINED)
def test_dry_run(name: str, backend: str, tmp_path: Path, main: Any, capsys: Any) -> None:
    main(compiled(name, backend, tmp_path, *RUNS[name].options), "--dry-run")
    assert "dry run" in capsys.readouterr().out


@BOTH
@pytest.mark.parametrize("name", TRAINED)
def test_example_learns(name: str, backend: str, tmp_path: Path, main: Any) -> None:
    short, scores = RUNS[name], tmp_path / "test.json"
    script = compiled(name, backend, tmp_path, *short.options)
    main(script, *short.flags.split())
    with open(tmp_path / "metrics.csv", newline="") as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert losses[-1] < losses[0] or len(losses) == 1
    main(script, "evaluate", "--output", str(scores))
    assert short.least <= json.loads(scores.read_text())[short.figure] <= short.most
