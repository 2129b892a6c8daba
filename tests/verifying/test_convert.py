"""Trained weights go from one framework to the other and back, bit by bit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
import safetensors.numpy
import torch

from backends.torch.model import COUNTER
from backends.verifying.importing import beside, imported
from tests.cli.conftest import Msl, msl, written  # noqa: F401  (a fixture)

NET = """\
model Net {
  input image: float32[2, 8, 8]
  conv = Conv2d(4, 3, padding=1)
  norm = BatchNorm
  ReLU
  ToSequence
  train = Linear(4, weight=WeightNorm(dim=1))
  gru = GRU(5)
  output label: float32[3] = Linear(3)
}
loss CrossEntropy
"""

pytestmark = [pytest.mark.torch, pytest.mark.tensorflow]


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Keras forgets the models of a test."""
    yield
    keras.backend.clear_session()


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    return written(tmp_path, "net.msl", NET)


@pytest.fixture
def trained(tmp_path: Path, msl: Msl, spec: Path) -> Path:  # noqa: F811
    """A checkpoint as a PyTorch script writes it, every number of it another one."""
    code = code_of(msl, spec, "torch", tmp_path)
    torch.manual_seed(5)
    state = code.build_model().state_dict()
    for key, value in state.items():
        drawn = torch.randn(value.shape) if value.is_floating_point() else torch.tensor(41)
        state[key] = drawn.abs() if key.endswith("running_var") else drawn
    notes = {"fitted": {"scale": [1.5, 2.5]}, "settings": {"seed": 3, "synthetic": True}}
    torch.save({"model": state, **notes}, tmp_path / "best.pt")
    return tmp_path / "best.pt"


def code_of(msl: Msl, spec: Path, backend: str, folder: Path):  # noqa: F811
    text = msl("compile", spec, "--backend", backend).stdout
    with beside(str(spec.parent)):
        return imported(text, str(folder))


def state_of(path: Path) -> dict:
    return torch.load(path, weights_only=True)


def assert_same(found: dict, wanted: dict) -> None:
    assert set(found) == set(wanted)
    for key, value in wanted.items():
        assert found[key].dtype == value.dtype, key
        assert torch.equal(found[key], value), key


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_there_and_back(msl: Msl, spec: Path, trained: Path, suffix: str):  # noqa: F811
    there, back = f"there{suffix}", "back.pt"
    assert msl("convert", trained, "--spec", spec, "--to", "tensorflow", "-o", there).exit_code == 0
    words = ("--from", "tensorflow", "--to", "torch", "-o", back)
    done = msl("convert", there, "--spec", spec, *words)
    assert done.exit_code == 0, done.output
    found, wanted = state_of(Path(back)), state_of(trained)
    assert_same(found["model"], wanted["model"])
    assert found["fitted"] == wanted["fitted"]
    assert found["settings"] == wanted["settings"]


def test_both_scripts_compute_the_same(
    msl: Msl, spec: Path, trained: Path, tmp_path: Path  # noqa: F811
):
    assert msl("convert", trained, "--spec", spec, "--to", "tensorflow").exit_code == 0
    ours, theirs = (code_of(msl, spec, name, tmp_path) for name in ("torch", "tensorflow"))
    built, twin = ours.build_model().eval(), theirs.build_model()
    built.load_state_dict(ours.load_checkpoint(str(trained))["model"])
    state = theirs.load_checkpoint(str(trained.with_suffix(".npz")))
    theirs.restore(theirs.weights_of(twin), state["arrays"])
    assert state["fitted"] == {"scale": [1.5, 2.5]}
    x = np.random.default_rng(0).normal(size=(3, 2, 8, 8)).astype(np.float32)
    with torch.no_grad():
        wanted = built(torch.from_numpy(x)).numpy()
    found = twin(x.transpose(0, 2, 3, 1), training=False).numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_safetensors_hold_the_keys_of_the_spec(msl: Msl, spec: Path, trained: Path):  # noqa: F811
    words = ("--spec", spec, "--from", "torch", "--to", "torch", "-o", "weights.safetensors")
    assert msl("convert", trained, *words).exit_code == 0
    found = safetensors.numpy.load_file("weights.safetensors")
    wanted = state_of(trained)["model"]
    assert set(found) == set(wanted)
    assert {"conv.weight", "norm.running_var", "gru.weight_ih_l0"} <= set(found)
    assert all(np.array_equal(found[key], wanted[key].numpy()) for key in wanted)
    # as others write them: without notes and counters
    plain = {key: value for key, value in found.items() if not key.endswith(COUNTER)}
    safetensors.numpy.save_file(plain, "plain.safetensors")
    words = ("--spec", spec, "--from", "torch", "--to", "tensorflow")
    done = msl("convert", "plain.safetensors", *words)
    assert done.exit_code == 0, done.output
    kept = safetensors.numpy.load_file("plain_tensorflow.safetensors")
    assert set(kept) >= {"conv.weight", "train.weight_g", "gru.bias_ih_l0", "label.bias"}
    assert not any("_hh" in key and "bias" in key for key in kept)  # both biases lie in one
    assert kept["gru.bias_ih_l0"].shape == (2, 15)
    np.testing.assert_array_equal(kept["conv.weight"], plain["conv.weight"].transpose(2, 3, 1, 0))


def test_what_does_not_fit_is_refused(msl: Msl, spec: Path, trained: Path):  # noqa: F811
    to = ("--spec", spec, "--to", "tensorflow")
    state = state_of(trained)
    cases = {
        "there is no label.bias": {k: v for k, v in state["model"].items() if k != "label.bias"},
        "the spec has no other": state["model"] | {"other": torch.zeros(2)},
        "label.bias has the shape [4]": state["model"] | {"label.bias": torch.zeros(4)},
    }
    for told, model in cases.items():
        torch.save({"model": model}, "odd.pt")
        done = msl("convert", "odd.pt", *to)
        assert done.exit_code == 2
        assert told in done.output
        assert not Path("odd.npz").exists()


class Harmful:
    """Something whose unpickling would execute code."""

    def __reduce__(self):
        return (Path.touch, (Path("harmed"),))


def test_nothing_that_needs_to_be_executed_is_read(
    msl: Msl, spec: Path, tmp_path: Path  # noqa: F811
):
    to = ("--spec", spec, "--to", "tensorflow")
    torch.save({"model": {"conv.weight": torch.zeros(1)}, "fitted": Harmful()}, "bad.pt")
    np.savez("bad.npz", weight=np.array([Harmful()], dtype=object))
    for name, direction in (("bad.pt", "tensorflow"), ("bad.npz", "torch")):
        done = msl("convert", name, "--spec", spec, "--to", direction)
        assert done.exit_code == 2
        assert "cannot read" in done.output
    assert not Path("harmed").exists()
    for name in ("weights.pkl", "pytorch_model.bin", "model.h5", "model.keras", "weights.pth"):
        Path(name).write_bytes(b"")
        done = msl("convert", name, *to)
        assert done.exit_code == 2
        assert "only .pt, .npz, .safetensors" in done.output


BROKEN = [
    b"",
    b"\xff" * 8,
    (5).to_bytes(8, "little") + b"hello",
    (2).to_bytes(8, "little") + b"[]",
    *(
        len(text).to_bytes(8, "little") + text + bytes(8)
        for text in (
            json.dumps({"a": entry}).encode()
            for entry in (
                3,
                {"dtype": "F32", "shape": [2]},
                {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]},
                {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]},
                {"dtype": "F32", "shape": [-2], "data_offsets": [8, 0]},
                {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]},
            )
        )
    ),
]


@pytest.mark.parametrize("data", BROKEN, ids=range(len(BROKEN)))
def test_broken_files(msl: Msl, spec: Path, data: bytes):  # noqa: F811
    Path("broken.safetensors").write_bytes(data)
    words = ("--spec", spec, "--from", "torch", "--to", "tensorflow")
    done = msl("convert", "broken.safetensors", *words)
    assert done.exit_code == 2
    assert "cannot read broken.safetensors" in done.output


def test_whose_weights_they_are(msl: Msl, spec: Path, trained: Path):  # noqa: F811
    to = ("--spec", spec, "--to", "tensorflow")
    assert "say with --from" in msl("convert", "w.safetensors", *to).output
    assert ".pt files are torch's" in msl("convert", trained, *to, "--from", "tensorflow").output
    assert "cannot read none.pt" in msl("convert", "none.pt", *to).output
    assert "holds the weights" in msl("convert", trained, "--spec", spec, "--to", "torch").output
