"""Generated TensorFlow scripts: what they look like, and what they do when they run."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch

from backends.pycode.render import tidy
from backends.tensorflow.training.weights import Selector
from dsl.ir import weight_keys
from tests.backends.twins import (
    HEADS,
    IMAGES,
    MASKS,
    NET,
    SEQUENCES,
    compiled,
    copy_weights,
    drawn,
    loaded,
    twins,
)
from tests.conftest import EXAMPLES

DIGITS = EXAMPLES / "data" / "digits.csv"


# --- text -------------------------------------------------------------------------------

SCRIPTS = {
    "table": NET
    + """
loss CrossEntropy(weight=[1, 2, 3], label_smoothing=0.1)
optimizer SGD(lr=0.1, momentum=0.9, nesterov=true, weight_decay=1e-3)
schedule Step(2epochs, warmup=3)
regularization { L2(1e-4); L1(1e-5) on "body.*"; ClipNorm(1.0); EarlyStopping(2) }
data NPZ("rows.npz", validation=0.2, normalize=true)
train { epochs = 3; accumulate = 4; metrics = [Accuracy, TopK(2), F1] ; checkpoint = "all" }
device { precision = float16 }
""",
    "images": IMAGES
    + """
loss CrossEntropy
optimizer AdamW
schedule Cosine(warmup=0.1, min_lr=1e-5)
regularization { Augment(RandomCrop(8, padding=2), HorizontalFlip) }
data ImageFolder("images")
device { precision = bfloat16; compile = true; count = 4 }
""",
    "masks": MASKS
    + """
loss CrossEntropy(ignore_index=7)
optimizer RMSprop(centered=true, momentum=0.5)
data NPZ("masks.npz", test=0.1)
train { steps = 100; metrics = [Accuracy, F1] }
device { precision = auto }
""",
    "text": SEQUENCES
    + """
loss CrossEntropy
optimizer Adagrad(lr_decay=1e-3)
data Text("book.txt", tokenizer="characters")
train { metrics = [Accuracy] }
""",
    "heads": HEADS
    + """
loss { kind: BinaryCrossEntropy(pos_weight=2.0) * 0.5; box: Huber }
optimizer SGD
train { metrics = [AUC on kind, MAE on box] }
""",
    "one head": HEADS + "loss { box: KLDivergence }\noptimizer AdamW\ndata Synthetic\n",
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_is_a_tidy_python_file(name: str, tmp_path: Path):
    text = tidy(drawn(SCRIPTS[name], "tensorflow"))
    tree = ast.parse(text)
    assert tidy(text) == text
    assert text.isascii() and max(map(len, text.splitlines())) <= 100
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    public = [f for f in tree.body if isinstance(f, ast.FunctionDef)]
    undocumented = {f.name for f in public if not ast.get_docstring(f)}
    assert undocumented <= {"main", "build_model"}
    assert "torch" not in {name for node in ast.walk(tree) for name in _imported(node)}
    assert len(functions) > 20
    path = tmp_path / "script.py"
    path.write_text(text)
    rules = "E,F,W,I,B,UP,RET,C4,PIE"
    command = [
        "-m", "ruff", "check", "--isolated", "--line-length=100",
        "--target-version=py311", f"--select={rules}", "--ignore=B905", str(path),
    ]  # fmt: skip
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    return [node.module.partition(".")[0]] if isinstance(node, ast.ImportFrom) else []


def test_the_same_spec_gives_the_same_bytes():
    spec = SCRIPTS["table"]
    assert drawn(spec, "tensorflow") == drawn(spec, "tensorflow")


# --- keys -------------------------------------------------------------------------------

KEYED = {
    "plain": NET,
    "images": IMAGES,
    "gru": SEQUENCES,
    "recurrent": """\
model Net {
  input x: float32[6, 8]
  first = SimpleRNN(4, return_sequences=true)
  both = LSTM(4, bidirectional=true, return_sequences=true)
  stack = GRU(4, layers=2, bidirectional=true, return_sequences=true)
  l1 = LSTM(4, bias="double")
  output y = Linear(3)
}
""",
    "transformer": """\
block Layer(width: int) {
  residual { norm = RMSNorm; attention = SelfAttention(2) }
  residual { LayerNorm; Linear(16) -> PReLU -> Linear(width) }
}
model Net {
  input tokens: int64[time=5]
  embedding = Embedding(30, 8)
  place = PositionEmbedding(5)
  start = Parameter([1, 8], init=Normal(0.02))
  (place, start) -> Add
  repeat 2 { Layer(8) }
  output y = Linear(30, bias=false, tie=embedding)
}
""",
}


@pytest.mark.parametrize("name", KEYED)
def test_the_keys_of_variables_are_those_of_the_spec(name: str, tmp_path: Path):
    text = KEYED[name] + "loss CrossEntropy\n"
    model = compiled(text).traced.model
    script = loaded(drawn(text, "tensorflow"), tmp_path, "keyed")
    renamed = Selector(model, {}).renamed
    wanted = [renamed.get(key.key, key.key) for key in weight_keys(model.body.nodes)]
    variables = script.build_model().weights
    assert sorted(map(script.key_of, variables)) == sorted(set(wanted))


def test_a_gru_decays_its_matrices_only(tmp_path: Path):
    text = drawn(SEQUENCES + "loss CrossEntropy\noptimizer AdamW\n", "tensorflow")
    script = loaded(text, tmp_path, "gru")
    (line,) = [
        line for line in text.splitlines() if line.lstrip().startswith("if ") and "v)" in line
    ]
    test = line.strip()[3:].partition(":")[0]
    chosen = [
        script.key_of(v)
        for v in script.build_model().trainable_variables
        if eval(test, {**vars(script), "v": v})
    ]
    assert sorted(chosen) == ["embedding.weight", "following.weight"] + [
        f"gru.weight_{side}_l0" for side in ("hh", "ih")
    ]


# --- programs ---------------------------------------------------------------------------


class Interrupt(list):
    """Stands for Ctrl-C after some looks at it."""

    def __init__(self, looks: int) -> None:
        super().__init__([2])
        self.looks = looks

    def __bool__(self) -> bool:
        self.looks -= 1
        return self.looks < 0


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Runs a script's command line in this process: (script, arguments) -> what it printed."""
    monkeypatch.chdir(tmp_path)

    def command(script: ModuleType, *arguments: str, caught: list[int] | None = None) -> str:
        monkeypatch.setattr(script, "catch_signals", lambda: [] if caught is None else caught)
        monkeypatch.setattr(sys, "argv", ["script.py", *arguments])
        script.main()
        return capsys.readouterr().out

    yield command
    keras.config.set_dtype_policy("float32")


DIGITS_TRAINING = f"""
loss CrossEntropy(label_smoothing=0.05)
optimizer AdamW(lr=0.01)
schedule Cosine(warmup=5)
regularization {{ ClipNorm(1.0); L2(1e-5); Augment(RandomCrop(8, padding=1)) }}
data CSV("{DIGITS}", target="label", validation=0.1, test=0.2)
train {{ epochs = 3; batch = 64; seed = 7; metrics = [Accuracy] }}
"""


def _arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return dict(file)


@pytest.mark.parametrize("looks", [1, 4, 7], ids=["at once", "mid-epoch", "later"])
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(looks: int, run, tmp_path: Path):
    script = loaded(drawn(IMAGES + DIGITS_TRAINING, "tensorflow"), tmp_path, "digits")
    run(script, "--out", "whole")
    with pytest.raises(SystemExit) as stop:
        run(script, "--out", "parts", caught=Interrupt(looks))
    assert stop.value.code == 130
    before = json.loads(str(_arrays(tmp_path / "parts/last.npz")["notes/json"]))["run"]
    assert 0 < before["step"] < 60
    run(script, "--out", "parts", "--resume")
    whole, parts = _arrays(tmp_path / "whole/last.npz"), _arrays(tmp_path / "parts/last.npz")
    notes = [json.loads(str(arrays.pop("notes/json"))) for arrays in (whole, parts)]
    for note in notes:
        for figures in note["run"]["history"]:
            figures.pop("seconds")
    assert notes[0] == notes[1]
    assert whole.keys() == parts.keys()
    assert {"conv.conv2d.weight", "conv.batch_norm.running_var", "random/0"} <= whole.keys()
    assert {"optimizer/step", "optimizer/mean/conv.conv2d.weight"} <= whole.keys()
    for name, values in whole.items():
        np.testing.assert_array_equal(values, parts[name], err_msg=name)


def test_a_run_counted_in_steps_is_cut_into_rounds(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("backends.scripting.run.ROUND", 100)
    data = "data Synthetic(700, validation=0)\ntrain { steps = 250; batch = 5 }\n"
    spec = NET + "loss CrossEntropy\n" + data
    script = loaded(drawn(spec, "tensorflow"), tmp_path, "rounds")
    run(script, "--out", "whole")
    with pytest.raises(SystemExit):
        run(script, "--out", "parts", caught=Interrupt(3))
    run(script, "--out", "parts", "--resume")
    whole, parts = (
        np.loadtxt(tmp_path / out / "metrics.csv", delimiter=",", skiprows=1)[:, :3]
        for out in ("whole", "parts")
    )
    np.testing.assert_array_equal(whole, parts)
    assert whole[:, 1].tolist() == [100, 140, 240, 250]  # an epoch has 140 steps


def test_train_evaluate_and_predict_agree(run, tmp_path: Path):
    script = loaded(drawn(IMAGES + DIGITS_TRAINING, "tensorflow"), tmp_path, "digits")
    printed = run(script, "--epochs", "2").splitlines()
    assert printed[-1].startswith("epoch 2  step 40")
    lines = (tmp_path / "runs/net/metrics.csv").read_text().splitlines()
    assert lines[0] == "epoch,step,loss,val_loss,val_accuracy,seconds" and len(lines) == 3
    arguments = ("--checkpoint", "runs/net/best", "--output", "figures.json")
    printed = run(script, "evaluate", *arguments)
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert printed.startswith("359 rows  loss ") and set(figures) == {"loss", "accuracy"}
    run(script, "predict", "--output", "test.csv")
    header, *rows = (line.split(",") for line in (tmp_path / "test.csv").read_text().splitlines())
    assert header == ["label", *(f"label_{digit}" for digit in range(10))]
    probabilities = np.array([row[1:] for row in rows], float)
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-4)
    truth = np.loadtxt(DIGITS, delimiter=",", skiprows=1)[:, -1]
    held_out = np.random.default_rng(0).permutation(len(truth))[-359:]
    right = np.mean([int(row[0]) == truth[place] for row, place in zip(rows, held_out)])
    assert right == pytest.approx(figures["accuracy"], abs=1e-6)
    table = DIGITS.read_text().splitlines()
    (tmp_path / "new.csv").write_text("\n".join(table[:4]) + "\n")
    run(script, "predict", "--input", "new.csv", "--output", "new.npz")
    assert _arrays(tmp_path / "new.npz")["label"].shape == (3, 10)
    assert run(script, "evaluate", "--data", "new.csv").startswith("3 rows")


def test_both_frameworks_see_the_same_batches_and_losses(run, tmp_path: Path):
    sections = f"""
loss CrossEntropy
optimizer SGD(lr=0.05, momentum=0.9)
data CSV("{DIGITS}", target="label", validation=0.1)
train {{ epochs = 2; accumulate = 2; metrics = [Accuracy] }}
"""
    net = "model Net {\n  input x: float32[64]\n  body = Linear(16) -> ReLU\n"
    ours, theirs = twins(net + "  output y = Linear(10)\n}\n" + sections, tmp_path)
    start = theirs.start_model

    def same_start(args: object) -> keras.Model:
        model = ours.build_model()
        copy_weights(start(args, torch.device("cpu")), model)
        return model

    ours.start_model = same_start
    run(ours, "--out", "ours")
    run(theirs, "--out", "theirs")
    found, wanted = (
        np.loadtxt(tmp_path / out / "metrics.csv", delimiter=",", skiprows=1)
        for out in ("ours", "theirs")
    )
    np.testing.assert_allclose(found[:, :-1], wanted[:, :-1], rtol=2e-4)


def test_a_loss_that_is_no_number_ends_the_run(run, tmp_path: Path):
    script = loaded(drawn(SCRIPTS["heads"], "tensorflow"), tmp_path, "heads")
    rng = np.random.default_rng(0)
    arrays = {"x": rng.normal(size=(50, 8)), "z": rng.normal(size=(50, 4))}
    arrays |= {"kind": np.ones((50, 4)), "box": np.full((50, 2), np.nan)}
    np.savez(tmp_path / "rows.npz", **arrays)
    with pytest.raises(SystemExit, match="the loss is nan at step 1"):
        run(script, "--data", "rows.npz")


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_dry_run_fits(name: str, run, tmp_path: Path):
    script = loaded(drawn(SCRIPTS[name], "tensorflow"), tmp_path, "dry")
    assert run(script, "--dry-run", "--batch", "4").startswith("dry run: a step and an evaluation")


def test_several_devices_are_refused_with_the_reason(run, tmp_path: Path):
    script = loaded(drawn(SCRIPTS["images"], "tensorflow"), tmp_path, "images")
    with pytest.raises(SystemExit, match="asks for 4 devices"):
        run(script, "--synthetic")


def test_compiled_steps_are_the_same(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    spec = NET + "loss CrossEntropy\ndata Synthetic(64)\ndevice { compile = true }\n"
    script = loaded(drawn(spec, "tensorflow"), tmp_path, "compiled")
    run(script, "--epochs", "1", "--no-compile", "--out", "plain")
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: ["a card"])
    run(script, "--epochs", "1", "--out", "compiled")
    plain, compiled = (
        np.loadtxt(tmp_path / out / "metrics.csv", delimiter=",", skiprows=1)
        for out in ("plain", "compiled")
    )
    np.testing.assert_allclose(plain[:-1], compiled[:-1], rtol=1e-5)


def test_float16_scales_the_loss_and_passes_over_what_overflows(run, tmp_path: Path):
    script = loaded(drawn(SCRIPTS["table"], "tensorflow"), tmp_path, "half")
    run(script, "--synthetic", "--epochs", "1", "--batch", "8")
    kept = _arrays(tmp_path / "runs/net/last.npz")
    assert kept["optimizer/scale"] <= 65536 and kept["optimizer/good_steps"] > 0
    model = script.build_model()
    optimizer = script.SGD(model)
    before = model.get_weights()
    batch = {"x": tf.fill([4, 8], 60000.0), "y": tf.zeros(4, "int64")}
    script.train_step(model, optimizer, {**batch, "x": batch["x"] * np.inf}, 0.1)
    assert float(optimizer.scale) == 32768
    for old, new in zip(before, model.get_weights()):
        np.testing.assert_array_equal(old, new)
