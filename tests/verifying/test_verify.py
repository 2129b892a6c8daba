"""Both backends agree on every example; a mistake planted in one of them is found and named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import keras
import pytest

import backends.writing as writing
from backends.tensorflow.layers import TENSORFLOW
from dsl.layers.recurrent import GRU
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


def plant(monkeypatch: pytest.MonkeyPatch, backend: str, old: str, new: str) -> None:
    """Has the code of a backend written with a mistake."""
    tidy, sign = writing.tidy, {"torch": "import torch\n", "tensorflow": "import keras\n"}[backend]

    def careless(text: str) -> str:
        text = tidy(text)
        if sign not in text:
            return text
        assert old in text
        return text.replace(old, new)

    monkeypatch.setattr(writing, "tidy", careless)


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


PLANTED = [
    ("torch", "[total // 2, total - total // 2,", "[total - total // 2, total // 2,",
        ("conv (Conv2d), in evaluation: torch is off",)),
    ("tensorflow", 'epsilon=1e-5, name="norm"', 'epsilon=1e-3, name="norm"',
        ("norm (GroupNorm), in evaluation: tensorflow is off",)),
    ("tensorflow", "keras.ops.tanh(conv)", "keras.ops.sigmoid(conv)",
        ("tanh (Tanh), in evaluation: tensorflow is off",)),
    ("tensorflow", "keras.ops.max_pool(norm, 2)", "keras.ops.average_pool(norm, 2)",
        ("tensorflow is off", "max_pool2d (MaxPool2d)")),
    ("torch", "F.scaled_dot_product_attention(q, k, v)", "F.scaled_dot_product_attention(k, q, v)",
        ("attention (SelfAttention), in evaluation: torch is off",)),
    ("torch", "nn.Dropout(drop)", "nn.Dropout(0.4)",
        ("spread (Dropout), in training: torch is off",)),
    ("torch", "nn.Linear(5, 3)", "nn.Linear(5, 3, bias=False)",
        ("keys and shapes (weights): label.bias, torch against spec",)),
    ("tensorflow", "dense(5, 3, name=", "dense(5, 3, use_bias=False, name=",
        ("tensorflow fails", "label.bias")),
    ("tensorflow", "0.01 * tf.add_n", "0.02 * tf.add_n", ("the gradients of step 1",)),
    ("torch", "eps=1e-8", "eps=1e-3", ("what step 1 makes of the weights",)),
    ("tensorflow", "return (step + 1) / warmup", "return step / warmup",
        ("what step 1 makes of the weights",)),
    ("torch", "(seed, epoch)).permutation", "(epoch, seed)).permutation", ("order of rows",)),
    ("torch", "return self.label(x)", "return self.lable(x)",
        ("torch fails in evaluation", "lable")),
]  # fmt: skip


@pytest.mark.parametrize("backend, old, new, told", PLANTED, ids=[row[2] for row in PLANTED])
def test_a_planted_mistake_is_found(
    msl: Msl, net: Path, monkeypatch: pytest.MonkeyPatch,  # noqa: F811
    backend: str, old: str, new: str, told: tuple[str, ...],
):  # fmt: skip
    plant(monkeypatch, backend, old, new)
    done = msl("verify", net)
    assert done.exit_code == 1
    last = done.stdout.splitlines()[-1]
    for words in told:
        assert words in last
    assert "agree" not in last


def test_swapped_gates_are_found(
    msl: Msl, net: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
):
    import dataclasses

    emit = TENSORFLOW.native[GRU]

    def careless(layer, site):
        emission = emit(layer, site)
        swapped = tuple(dataclasses.replace(rule, gates=()) for rule in emission.weights)
        return dataclasses.replace(emission, weights=swapped)

    monkeypatch.setitem(TENSORFLOW.native, GRU, careless)
    done = msl("verify", net)
    assert done.exit_code == 1
    assert "gru (GRU), in evaluation: tensorflow is off" in done.stdout


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


def test_a_large_model_is_not_tried(msl: Msl, tmp_path: Path):  # noqa: F811
    text = "model Net {\n  input x: float32[9000]\n  output y = Linear(9000)\n}\n"
    done = msl("verify", written(tmp_path, "net.msl", text))
    assert done.exit_code == 2
    assert "81,009,000 parameters" in done.output
    assert "give smaller values" in done.output


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
