"""Models of one row, of no row, of sizes of one, of many inputs and of many layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import dsl
from backends import get
from backends.verifying.importing import imported
from tests.cli.conftest import Msl, msl, written  # noqa: F401  (a fixture)

pytestmark = [pytest.mark.torch, pytest.mark.tensorflow]

ONES = """\
model Net {
  input image: float32[1, 2, 1]
  Conv2d(1, 1) -> ReLU -> MaxPool2d(1) -> GroupNorm(1)
  ToSequence
  LSTM(1, return_sequences=true)
  SelfAttention(1)
  GlobalAvgPool
  output y = Linear(1)
}
loss MSE
optimizer Adam(lr=0.01)
"""

DEEP = """\
model Net {
  input x: float32[4]
  repeat 600 { Linear(4, bias=false) -> Tanh }
  output y = Linear(2)
}
"""


def built_code(text: str, backend: str, folder: Path):
    """The file of a spec in a framework, imported."""
    emitted = dsl.loads(text).compilation.emit(get(backend))
    assert emitted.text is not None
    return imported(emitted.text, str(folder))


def built(text: str, backend: str, folder: Path):
    """The model of a spec in a framework."""
    return built_code(text, backend, folder).build_model()


def test_sizes_of_one(msl: Msl, tmp_path: Path):  # noqa: F811
    done = msl("verify", written(tmp_path, "net.msl", ONES), "--batch", 1)
    assert done.exit_code == 0, done.output


def test_no_row(tmp_path: Path):
    """A part of the data may be empty; TensorFlow's recurrent kernels alone want a row."""
    import torch

    rows = np.zeros((0, 2, 1, 1), np.float32)
    model = ONES.partition("loss")[0].replace("  LSTM(1, return_sequences=true)\n", "")
    ours = built(model, "torch", tmp_path)(torch.from_numpy(rows.transpose(0, 3, 1, 2)))
    theirs = built(model, "tensorflow", tmp_path)(rows)
    assert tuple(ours.shape) == tuple(theirs.shape) == (0, 1)


def test_a_hundred_inputs(msl: Msl, tmp_path: Path):  # noqa: F811
    names = [f"x{number}" for number in range(100)]
    inputs = "".join(f"  input {name}: float32[3]\n" for name in names)
    text = f"model Net {{\n{inputs}  ({', '.join(names)}) -> Concat\n  output y = Linear(2)\n}}\n"
    done = msl("verify", written(tmp_path, "net.msl", text))
    assert done.exit_code == 0, done.output


def test_hundreds_of_layers_in_a_row(tmp_path: Path):
    """Keras follows a graph by recursion, deeper than Python allows by itself."""
    import torch

    rows = np.ones((2, 4), np.float32)
    assert built(DEEP, "torch", tmp_path)(torch.from_numpy(rows)).shape == (2, 2)
    assert built(DEEP, "tensorflow", tmp_path)(rows).shape == (2, 2)


def test_a_size_of_nothing_is_refused(msl: Msl, tmp_path: Path):  # noqa: F811
    spec = written(tmp_path, "net.msl", ONES.replace("[1, 2, 1]", "[0, 2, 1]"))
    assert msl("check", spec).exit_code == 1
