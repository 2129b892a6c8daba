"""Whole models: both frameworks build what the spec says, and compute the same."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch

import dsl
from backends.pycode.render import tidy
from backends.tensorflow.runtime.precision import computing_in
from backends.tensorflow.weights import load
from tests.backends.harness_models import (
    Subject,
    arrays,
    compare,
    expected_keys,
    module,
    run_keras,
    run_torch,
    scramble,
    source,
    subjects,
    torch_state,
    traced,
)

ROOT = Path(__file__).resolve().parents[2]
CASES = pytest.mark.parametrize("case", subjects(), ids=lambda case: case.name)


@pytest.fixture(autouse=True)
def in_double() -> Iterator[None]:
    """Keras computes in float64."""
    with computing_in("float64"):
        yield
    keras.backend.clear_session()


def made_class(case: Subject, backend: str, folder: Path) -> Any:
    """The class that a spec's code defines."""
    model = traced(case.elaborated())
    return getattr(module(source(model, backend), folder, case.path.parent), model.name)


def make(case: Subject, backend: str, folder: Path) -> Any:
    """The model that a spec's code builds."""
    text = source(traced(case.elaborated()), backend)
    return module(text, folder, case.path.parent).build_model()


def hold(
    case: Subject, built_torch: Any, built_keras: Any, define: dict[str, str], grow: int = 2
) -> None:
    """Holds two built models against a spec with parameters, and against each other.

    Sizes that are symbols are tried as declared and larger by `grow`.
    """
    spec = case.elaborated(define)
    model = traced(spec)
    built_torch = built_torch.double().eval()
    scramble(built_torch)
    state = torch_state(model, built_torch)
    keys = expected_keys(spec.compilation.model)
    assert sorted(state) == sorted(keys)
    count = spec.cost().params
    assert sum(item.numel() for item in built_torch.parameters()) == count
    assert sum(int(np.prod(item.shape)) for item in built_keras.trainable_weights) == count
    load(model, built_keras, state, np)
    wanted = run_torch(model, built_torch, arrays(model))
    got = run_keras(model, built_keras, arrays(model))
    compare("outputs", got.outputs, wanted.outputs)
    for output in model.body.outputs:
        shape = (2, *output.value.type.sized(model.symbols).shape)
        assert wanted.outputs[output.name].shape == shape
    compare("inputs", got.inputs, wanted.inputs)
    trained = sorted(key for key, trainable in keys.items() if trainable)
    compare(
        "weights",
        {key: got.weights[key] for key in trained},
        {key: wanted.weights[key] for key in trained},
    )
    if model.symbols:
        longer = arrays(model, grow=grow)
        wanted, got = run_torch(model, built_torch, longer), run_keras(model, built_keras, longer)
        compare("outputs of other sizes", got.outputs, wanted.outputs)


@CASES
def test_models_agree(case: Subject, tmp_path: Path) -> None:
    hold(case, make(case, "torch", tmp_path), make(case, "tensorflow", tmp_path), {})


OTHERS = [(case, define) for case in subjects() for define in (*case.also, *case.only)]


@pytest.mark.parametrize("case, define", OTHERS, ids=lambda item: getattr(item, "name", str(item)))
def test_other_arguments(case: Subject, define: dict[str, str], tmp_path: Path) -> None:
    other = Subject(case.path, define, model=case.model)
    hold(other, make(other, "torch", tmp_path), make(other, "tensorflow", tmp_path), define)
    if define in case.only:
        return
    arguments = traced(other.elaborated()).args
    given = {name: arguments[name] for name in define if name in arguments}
    kinds = [made_class(case, backend, tmp_path) for backend in ("torch", "tensorflow")]
    if given and all(set(given) <= set(signature(kind).parameters) for kind in kinds):
        hold(other, *(kind(**given) for kind in kinds), define)


@CASES
def test_builds_without_memory(case: Subject, tmp_path: Path) -> None:
    count = case.elaborated().cost().params
    with torch.device("meta"):
        built = make(case, "torch", tmp_path)
    assert sum(item.numel() for item in built.parameters()) == count
    with keras.StatelessScope(initialize_variables=False):
        built = make(case, "tensorflow", tmp_path)
        assert sum(int(np.prod(item.shape)) for item in built.trainable_weights) == count


@CASES
def test_text_is_clean(case: Subject) -> None:
    for backend in ("torch", "tensorflow"):
        text = source(traced(case.elaborated()), backend)
        assert text.isascii() and tidy(text) == text
        # a string or a comment may be long; code may not
        assert all(len(line) <= 100 for line in text.splitlines())


def test_linters_are_content(tmp_path: Path) -> None:
    for case in subjects():
        for backend in ("torch", "tensorflow"):
            text = source(traced(case.elaborated()), backend)
            (tmp_path / f"{case.path.stem}_{backend}.py").write_text(text, encoding="ascii")
    command = [
        sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--line-length", "100",
        "--select", "E,F,W,B,UP", "--ignore", "B905", str(tmp_path),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_same_bytes_in_every_process() -> None:
    command = "from tests.backends.harness_models import digest; print(digest())"
    seen = {
        subprocess.run(
            [sys.executable, "-c", command],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(seen) == 1


REFUSED = {
    "an extern layer of one framework": (
        "tensorflow",
        """
        extern layer Wave(n: int = 2) from "my_ops.py" {
          output = float32[input.features]
          torch = "WaveTorch"
        }
        model Net {
          input x: float32[4]
          output y = Wave -> Linear(2)
        }
        """,
    ),
    "a tie within a round of a block's repeat": (
        "tensorflow",
        """
        block Layers(n: int) {
          repeat n {
            encoder = Linear(4)
            again = Linear(4, tie=encoder)
            (encoder, again) -> Add
          }
        }
        model Net {
          input x: float32[4]
          output y = Layers(2) -> Linear(2)
        }
        """,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_expressed_is_a_finding(name: str) -> None:
    backend, text = REFUSED[name]
    spec = dsl.loads(textwrap.dedent(text))
    assert spec.ok
    with pytest.raises(dsl.SpecError) as refused:
        spec.compile(backend)
    assert [item.rule.code for item in refused.value.diagnostics if item.is_error] == ["MSL601"]
    assert "def build_model" in spec.compile("torch")


def test_a_shared_layer_has_one_set_of_weights() -> None:
    text = """
    model Net {
      input x: float32[4]
      shared twice = Linear(5)
      x -> twice -> Tanh -> twice
      output y = Linear(2)
    }
    """
    assert [item.rule.code for item in dsl.loads(text).diagnostics if item.is_error] == ["MSL317"]
