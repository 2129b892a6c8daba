"""A mistake planted in what one backend writes is found, and named where it first shows."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import keras
import pytest

import backends.writing as writing
from backends.base import Emission, KerasWeight
from backends.tensorflow.layers import TENSORFLOW
from dsl.layers.linear import Linear
from dsl.layers.recurrent import GRU, LSTM
from tests.cli.conftest import Msl, msl, written  # noqa: F401  (a fixture)
from tests.verifying.test_verify import NET

pytestmark = [pytest.mark.torch, pytest.mark.tensorflow]

OTHER = """\
model Net(drop: float = 0.25) {
  input image: float32[2, 8, 8]
  conv = Conv2d(4, 3, stride=2, bias=false)
  settle = BatchNorm
  norm = GroupNorm(2)
  ToSequence
  words = LSTM(4, return_sequences=true)
  spread = Dropout(drop)
  bend = GELU(approximate="tanh")
  seen = SelfAttention(2)
  GlobalAvgPool
  first = Linear(4)
  ReLU
  again = Linear(4, tie=first)
  Tanh
  output label: float32[3] = Linear(3)
}
loss CrossEntropy
optimizer SGD(lr=0.1, momentum=0.9, weight_decay=0.1)
schedule Cosine(warmup=2)
regularization { ClipNorm(0.5) }
train { epochs = 3; batch = 4; accumulate = 2; metrics = [Accuracy] }
"""


@pytest.fixture(autouse=True, scope="module")
def fresh() -> Iterator[None]:
    """Keras forgets the models of these tests."""
    yield
    keras.backend.clear_session()


@pytest.fixture
def net(tmp_path: Path) -> Path:
    return written(tmp_path, "net.msl", NET)


TIDY = cache(writing.tidy)
"""The files of both specs are laid out once for all mistakes."""


def steps_of(told: tuple[str, ...]) -> int:
    """As many steps as it takes to tell: one, unless a later one or the last, short one does."""
    return 1 if " in " in told[0] or "keys" in told[0] or "order" in told[0] else 3


def plant(monkeypatch: pytest.MonkeyPatch, backend: str, old: str, new: str) -> None:
    """Has the code of a backend written with a mistake."""
    sign = {"torch": "import torch\n", "tensorflow": "import keras\n"}[backend]

    def careless(text: str) -> str:
        text = TIDY(text)
        if sign not in text:
            return text
        assert old in text
        return text.replace(old, new)

    monkeypatch.setattr(writing, "tidy", careless)


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
    done = msl("verify", net, "--steps", steps_of(told))
    assert done.exit_code == 1
    last = done.stdout.splitlines()[-1]
    for words in told:
        assert words in last
    assert "agree" not in last


BARE = """\
type("Bare", (nn.Dropout,), {"forward": lambda self, x: F.dropout(x, self.p, self.training)
    * (1 - self.p * self.training)})(drop)"""
COPIED = "self.again(x, self.first.weight.detach().clone())"
OTHERS = [
    ("torch", "scale of dropout", "nn.Dropout(drop)", BARE,
        ("spread (Dropout), in training: torch is off",)),
    ("torch", "activation", 'approximate="tanh"', 'approximate="none"',
        ("bend (GELU), in evaluation: torch is off",)),
    ("tensorflow", "groups", "GroupNormalization(2,", "GroupNormalization(4,",
        ("norm (GroupNorm), in evaluation: tensorflow is off",)),
    ("torch", "statistics of a batch", "nn.BatchNorm2d(4)", "nn.BatchNorm2d(4, momentum=0.01)",
        ("what step 1 makes of the weights", "settle.running_")),
    ("torch", "heads", "Attention(4, 2)", "Attention(4, 1)",
        ("seen (SelfAttention), in evaluation: torch is off",)),
    ("torch", "a tie cut", "self.again(x, self.first.weight)", COPIED,
        ("the gradients of step 1", "first.weight")),
    ("torch", "a copy for a tie", "TiedLinear(4, 4)", "nn.Linear(4, 4)",
        ("keys and shapes (weights): again.weight, torch against spec",)),
    ("tensorflow", "momentum", "0.9 * velocity + g", "0.9 * velocity + 0.1 * g",
        ("what step 1 makes of the weights",)),
    ("tensorflow", "rate inside of momentum",
        "0.9 * velocity + g)\n            v.assign_sub(rate *",
        "0.9 * velocity + rate * g)\n            v.assign_sub(1.0 *",
        ("what step 2 makes of the weights",)),
    ("torch", "decay of offsets", '"weight_decay": 0.0', '"weight_decay": 0.1',
        ("what step 1 makes of the weights", "bias")),
    ("tensorflow", "a short last batch", "share = tf.shape(part[INPUTS[0]])[0] / size",
        "share = tf.constant(0.5)", ("the loss of step 3",)),
    ("torch", "a short last batch of evaluation", "share = len(part) / len(rows)",
        "share = size / len(rows)", ("figures (float32): ",)),
    ("torch", "metric", "outputs.argmax(1) ==", "outputs.argmax(1) !=",
        ("figures (float32): accuracy",)),
    ("tensorflow", "sum for mean", "tf.reduce_mean(losses)", "tf.reduce_sum(losses)",
        ("loss, torch against tensorflow",)),
    ("tensorflow", "clipping", "global_norm(gradients) + 1e-6)", "global_norm(gradients[:1]))",
        ("the gradients of step",)),
    ("tensorflow", "end of the schedule", "max(steps, 1), 1.0)", "max(steps - 1, 1), 1.0)",
        ("factors of the rate (schedule): step ",)),
]  # fmt: skip


@pytest.mark.parametrize(
    "backend, old, new, told", [(row[0], *row[2:]) for row in OTHERS], ids=[r[1] for r in OTHERS]
)
def test_json_tells_of_a_planted_mistake(
    msl: Msl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,  # noqa: F811
    backend: str, old: str, new: str, told: tuple[str, ...],
):  # fmt: skip
    plant(monkeypatch, backend, old, new)
    assert_told(msl, written(tmp_path, "net.msl", OTHER), told)


def assert_told(msl: Msl, spec: Path, told: tuple[str, ...]) -> None:  # noqa: F811
    """That a verification fails, and says so where programs read it."""
    done = msl("verify", spec, "--json", "--steps", steps_of(told))
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert not found["ok"]
    for words in told:
        assert words in found["where"]
    if "is off" in found["where"]:
        assert found["first"]["path"] == found["where"].split()[0]
        assert found["first"]["backend"] in found["where"]


Change = Callable[[KerasWeight], KerasWeight]
WEIGHTS: list[tuple[type, Change, str, str]] = [
    (GRU, lambda rule: dataclasses.replace(rule, gates=()), NET, "gru (GRU)"),
    (LSTM, lambda rule: dataclasses.replace(rule, gates=(0, 2, 1, 3)), OTHER, "words (LSTM)"),
    (Linear, lambda rule: dataclasses.replace(rule, permute=()), OTHER, "label (Linear)"),
]


@pytest.mark.parametrize("kind, change, text, told", WEIGHTS, ids=["GRU", "LSTM", "Linear"])
def test_weights_in_another_order_are_found(
    msl: Msl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,  # noqa: F811
    kind: type, change: Change, text: str, told: str,
):  # fmt: skip
    emit: Any = TENSORFLOW.native[kind]

    def careless(layer: Any, site: Any) -> Emission:
        emission = emit(layer, site)
        changed = tuple(
            change(rule) if layer.name != "Linear" or layer.out_features == 3 else rule
            for rule in emission.weights
        )
        return dataclasses.replace(emission, weights=changed)

    monkeypatch.setitem(TENSORFLOW.native, kind, careless)
    spec = written(tmp_path, "net.msl", text)
    assert_told(msl, spec, (f"{told}, in evaluation: tensorflow is off",))
