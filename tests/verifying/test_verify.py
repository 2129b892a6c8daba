"""Both backends agree on every example."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import keras
import pytest

from tests.cli.conftest import Msl, msl, written  # noqa: F401  (a fixture)
from tests.conftest import EXAMPLES

pytestmark = [pytest.mark.torch, pytest.mark.tensorflow]

NET = """\
model Net(drop: float = 0.2) {
  input image: float32[2, 8, 8]
  conv = Conv2d(4, 3, stride=2, padding="same")
  Tanh
  norm = GroupNorm(2)
  MaxPool2d(2)
  ToSequence
  gru = GRU(5, return_sequences=true)
  spread = Dropout(drop)
  attention = SelfAttention(1)
  GlobalAvgPool
  output label: float32[3] = Linear(3)
}
loss CrossEntropy
optimizer Adam(lr=0.01)
schedule Cosine(warmup=2)
regularization { L2(0.01) }
"""

DRAWING = """\
model Net {
  input image: float32[3, 4, 6]
  Conv2d(4, 3, padding="same") -> SpatialDropout(0.4)
  residual { Conv2d(4, 1) -> StochasticDepth(0.5) }
  AlphaDropout(0.3)
  ToSequence
  LSTM(4, return_sequences=true, layers=3, dropout=0.3, bidirectional=true) -> Dropout(0.2)
  SelfAttention(2, causal=true, dropout=0.4)
  SelfAttention(4, kv_heads=2, rope=100, dropout=0.4)
  GRU(3, layers=2, dropout=0.5)
  output y = Linear(2)
}
"""

TRAINING = """\
loss MSE
optimizer SGD(lr=0.1, momentum=0.9)
regularization { Augment(RandomCrop([4, 6], padding=1), HorizontalFlip); ClipNorm(0.5) }
train { batch = 4; accumulate = 3; epochs = 2 }
device { precision = bfloat16 }
"""


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Keras forgets the models of a test."""
    yield
    keras.backend.clear_session()


@pytest.fixture
def net(tmp_path: Path) -> Path:
    return written(tmp_path, "net.msl", NET)


def test_all_agree(msl: Msl, net: Path):  # noqa: F811
    done = msl("verify", net)
    assert done.exit_code == 0, done.output
    assert "torch, tensorflow and reference agree" in done.stdout
    for subject in ("outputs", "layers", "losses", "gradients", "weights", "order of rows"):
        assert subject in done.stdout


def test_as_json(msl: Msl, net: Path):  # noqa: F811
    found = json.loads(msl("verify", net, "--steps", 2, "--batch", 3, "--json").stdout)
    assert found["ok"]
    assert found["steps"] == 2
    assert found["batch"] == 3
    (gradients,) = [check for check in found["checks"] if check["subject"] == "gradients"]
    assert gradients["count"] == 2 * 18
    layers = [check for check in found["checks"] if check["subject"] == "layers"]
    assert {(check["mode"], check["left"], check["right"]) for check in layers} >= {
        ("evaluation", "torch", "tensorflow"), ("training", "tensorflow", "reference")
    }  # fmt: skip
    assert all(check["count"] >= 8 for check in layers)


@pytest.mark.parametrize("sections", ["", TRAINING], ids=["module", "script"])
def test_draws_agree(msl: Msl, tmp_path: Path, sections: str):  # noqa: F811
    done = msl("verify", written(tmp_path, "net.msl", DRAWING + sections))
    assert done.exit_code == 0, done.output


CHOSEN = {"shakespeare.msl": "Tiny", "hidden_letters.msl": "Tiny"}


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.msl")), ids=lambda path: path.stem)
def test_examples_agree(msl: Msl, path: Path):  # noqa: F811
    done = msl("verify", path, "--model", CHOSEN.get(path.name, ""), "--batch", 2)
    assert done.exit_code == 0, done.output


ZOO = [
    ("resnet", "", ("depths=[1, 1]", "size=32", "classes=5")),
    ("gpt2", "GPT2", ("depth=2", "width=24", "heads=4", "vocab=17", "context=9")),
    ("swin", "Swin", ("size=32", "classes=5", "depths=[2, 1]", "window=2", "embed_dim=8",
        "heads=[1, 2]")),
    ("mamba", "Mamba", ("depth=2", "width=24", "vocab=17", "context=9")),
    ("mixtral", "Mixtral", ("depth=2", "width=24", "heads=4", "vocab=17", "context=9",
        "kv_heads=2", "hidden=20", "experts=4", "top_k=2")),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name, model, define", ZOO, ids=[row[0] for row in ZOO])
def test_the_zoo_agrees(msl: Msl, name: str, model: str, define: tuple[str, ...]):  # noqa: F811
    words = [word for item in define for word in ("-D", item)]
    done = msl("verify", EXAMPLES / "zoo" / f"{name}.msl", "--model", model, *words)
    assert done.exit_code == 0, done.output


def test_sizes_of_symbols(msl: Msl, tmp_path: Path):  # noqa: F811
    text = "model Net {\n  input x: float32[time=512, 3]\n  output y = Conv1d(2, 5)\n}\n"
    text = text.replace("output y", "Permute([features, time])\n  output y")
    spec = written(tmp_path, "net.msl", text)
    assert json.loads(msl("verify", spec, "--json").stdout)["sizes"] == {"time": 8}
    found = json.loads(msl("verify", spec, "--size", "time=6", "--json").stdout)
    assert found["ok"]
    assert found["sizes"] == {"time": 6}
    assert "there are time" in msl("verify", spec, "--size", "tmie=8").output
    assert "whole number" in msl("verify", spec, "--size", "time=-8").output


def test_a_large_model_is_not_tried(
    msl: Msl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
):
    monkeypatch.setattr("dsl.cli.memory.free_memory", lambda: 8 * 2**30)
    text = "model Net {\n  input x: float32[16000]\n  output y = Linear(16000)\n}\n"
    spec = written(tmp_path, "net.msl", text)
    done = msl("verify", spec)
    assert done.exit_code == 2
    assert "256,016,000 weights" in done.output
    assert "about 19.2 GiB, and 8.0 GiB are free" in done.output
    assert "make them parameters (`model Net(width: int = ..)`)" in done.output
    written(tmp_path, "net.msl", LARGE)
    done = msl("verify", spec)
    assert done.exit_code == 2
    assert "--shrink chooses smaller values" in done.output
    assert "depth=4, width=9000, heads=6" in done.output
    done = msl("verify", spec, "--shrink", "-D", "heads=3")
    assert done.exit_code == 0, done.output
    assert "shrunk: -D 'heads=3' -D 'width=" in done.output
    assert "torch, tensorflow and reference agree" in done.output


LARGE = """\
model Net(depth: int = 4, width: int = 9000, heads: int = 6) {
  input x: float32[time=9, 4]
  Linear(width)
  repeat depth { SelfAttention(heads) }
  output y = Linear(2)
}
"""


def test_layers_written_by_hand(msl: Msl, tmp_path: Path):  # noqa: F811
    (tmp_path / "my_ops.py").write_text(
        "import torch, keras\n"
        "class TwiceTorch(torch.nn.Module):\n    def forward(self, x):\n        return 2 * x\n"
        "class TwiceKeras(keras.layers.Layer):\n    def call(self, x):\n        return 2 * x\n"
    )
    text = """\
extern layer Twice() from "my_ops.py" {
  output = float32[input.features]
  torch = "TwiceTorch"; tensorflow = "TwiceKeras"
}
model Net {
  input x: float32[4]
  Linear(4)
  Twice
  output y = Linear(2)
}
"""
    done = msl("verify", written(tmp_path, "net.msl", text))
    assert done.exit_code == 0, done.output
    assert "the reference has no `Twice`" in done.output
    own = text.replace("float32[input.features]\n", "float32[input.features]\n  params = 4\n")
    done = msl("verify", written(tmp_path, "own.msl", own))
    assert done.exit_code == 2
    assert "weights of its own" in done.output


def test_lower_precision_is_not_compared(msl: Msl, net: Path):  # noqa: F811
    done = msl("verify", net, "--set", "device.precision=bfloat16")
    assert done.exit_code == 2
    assert "leave this setting out" in done.output


def test_mistakes_in_the_spec_come_first(msl: Msl, tmp_path: Path):  # noqa: F811
    done = msl("verify", written(tmp_path, "net.msl", NET.replace("Tanh", "Tahn")))
    assert done.exit_code == 1
    assert "Tahn" in done.output


def test_a_framework_that_is_not_installed(
    msl: Msl, net: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "torch" else find(name)
    )
    done = msl("verify", net)
    assert done.exit_code == 2
    assert "pip install 'msl-lang[torch]'" in done.output


def test_each_round_has_shared_layers_of_its_own(msl: Msl, tmp_path: Path):  # noqa: F811
    text = """\
model Net {
  input x: float32[4]
  repeat 2 { shared twice = Linear(4); twice -> ReLU -> twice -> Tanh }
  output y = Linear(2)
}
"""
    done = msl("verify", written(tmp_path, "net.msl", text))
    assert done.exit_code == 0, done.output
    assert "torch, tensorflow and reference agree" in done.output


def test_layers_of_groups_without_weights_are_told_apart(msl: Msl, tmp_path: Path):  # noqa: F811
    text = """\
model Net {
  input a: float32[4]
  x_dropout = a -> Linear(4) -> Dropout(0.5)
  x = x_dropout -> Tanh -> Dropout(0.1)
  y = x -> Tanh -> Dropout(0.3) -> residual { Dropout(0.2) -> Tanh }
  output z = y -> Linear(3)
}
"""
    done = msl("verify", written(tmp_path, "net.msl", text))
    assert done.exit_code == 0, done.output
