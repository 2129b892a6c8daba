"""The Python interface."""

from __future__ import annotations

from pathlib import Path

import pytest

import dsl
from tests.conftest import SPECS

NET = """\
block Act(act: layer) { Linear(4) -> act }
model Net(width: int = 8, sizes: list[int] = [1, 2], bias: bool = true) {
  input x: float32[4]
  repeat sizes as size { Linear(size, bias=bias) }
  Linear(width) -> ReLU
  output y: float32[2] = Linear(2)
}
"""


def test_load() -> None:
    spec = dsl.load(SPECS / "gpt2.msl", model="GPT2XL", define={"drop": 0.0})
    assert spec.ok and spec.diagnostics == ()
    assert spec.cost().params == 1_557_611_200
    assert spec.cost(batch=2).macs == 2 * spec.cost().macs


@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
def test_compile(backend: str) -> None:
    text = dsl.load(str(SPECS / "seed_cnn.msl")).compile(backend)
    assert "class CNN" in text
    compile(text, "cnn", "exec")


def test_python_values_are_written_as_the_language_does() -> None:
    text = NET.removeprefix(NET.splitlines(keepends=True)[0])
    values = {"width": 3, "sizes": [5, 7], "bias": False}
    spec = dsl.loads(text, define=values)
    assert [finding.message for finding in spec.compilation.plain.diagnostics] == []
    assert spec.cost().params == 4 * 5 + 5 * 7 + (7 * 3 + 3) + (3 * 2 + 2)
    same = dsl.loads(text, define={"width": "3", "sizes": "[5, 7]", "bias": "false"})
    assert same.cost().params == spec.cost().params


def test_settings() -> None:
    spec = dsl.load(str(SPECS / "seed_cnn.msl"), set={"train.epochs": 3})
    assert spec.compilation.training.train.epochs == 3


def test_mistakes_are_data_until_somebody_needs_the_model() -> None:
    spec = dsl.loads("model M { input x: float32[4]; output y = Linaer(2) }")
    assert not spec.ok
    assert len(spec.diagnostics) == 1
    with pytest.raises(dsl.SpecError, match="Linaer") as caught:
        spec.cost()
    assert caught.value.diagnostics == spec.diagnostics
    with pytest.raises(dsl.SpecError):
        spec.compile("torch")


def test_a_missing_file_and_an_unknown_backend() -> None:
    with pytest.raises(FileNotFoundError):
        dsl.load("missing.msl")
    with pytest.raises(KeyError):
        dsl.load(str(SPECS / "seed_cnn.msl")).compile("jax")


def test_imports_work_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "blocks.msl").write_text("block Unit { Linear(3) }\n")
    main = tmp_path / "net.msl"
    main.write_text('import "blocks.msl"\nmodel M { input x: float32[4]; output y = Unit }\n')
    assert dsl.load(main).cost().params == 15
