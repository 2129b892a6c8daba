"""Generated TensorFlow scripts: as text, step by step against PyTorch, and as programs that run."""

from __future__ import annotations

import ast
import importlib.util
import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import pytest
import tensorflow as tf
import torch

import backends.tensorflow.layers.families  # noqa: F401
from backends.pycode.render import draw, import_lines, tidy
from backends.scripting import ModelCode, Origin
from backends.tensorflow.model import write_model
from backends.tensorflow.training.script import script_context
from backends.torch.backend import BACKEND as TORCH
from dsl.compilation import Compilation
from dsl.source import Source

DIGITS = Path(__file__).resolve().parents[2] / "examples" / "data" / "digits.csv"

NET = """\
model Net {
  input x: float32[8]
  body = Linear(6)
  norm = LayerNorm
  ReLU
  output y: float32[3] = Linear(3)
}
"""
IMAGES = """\
model Net {
  input image: float32[1, 8, 8]
  conv = Conv2d(4, 3, padding=1) -> BatchNorm -> ReLU
  Dropout(0.2)
  GlobalAvgPool
  output label: float32[10] = Linear(10)
}
"""
MASKS = """\
model Net {
  input image: float32[2, 6, 5]
  output mask: float32[3, 6, 5] = Conv2d(3, 3, padding=1)
}
"""
SEQUENCES = """\
model Net {
  input tokens: int64[time=12]
  Embedding(256, 8)
  GRU(8, return_sequences=true)
  output following: float32[time, 256] = Linear(256)
}
"""
HEADS = """\
model Net {
  input x: float32[8]
  input z: float32[4]
  hidden = (x, z) -> Concat(dim=features) -> Linear(6) -> ReLU
  output kind = hidden -> Linear(4)
  output box = hidden -> Linear(2)
}
"""


# --- making scripts ---------------------------------------------------------------------


def compiled(text: str) -> Compilation:
    """A spec without mistakes."""
    compilation = Compilation(Source("net.msl", "msl 1\n" + text))
    problems = [d for d in compilation.diagnostics if d.is_error]
    assert not problems, [d.message for d in problems]
    return compilation


def drawn(text: str, backend: str, stem: str = "net") -> str:
    """The script of a spec in a backend, before black."""
    compilation = compiled(text)
    model, training = compilation.traced.model, compilation.training
    write, context = {
        "tensorflow": (write_model, script_context),
        "torch": (TORCH.write_model, TORCH.context),
    }[backend]
    code = write(model)
    script = ModelCode(code.text, code.name, import_lines(code.text))
    told = context(model, training, script, Origin("net.msl", "0", "", stem, None))
    return draw(f"backends.{backend}", "script.py.jinja", told)


def loaded(text: str, folder: Path, name: str) -> ModuleType:
    """A script as a module."""
    path = folder / f"{name}.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def twins(text: str, folder: Path) -> tuple[ModuleType, ModuleType]:
    """The scripts of a spec in TensorFlow and in PyTorch."""
    ours, theirs = (
        loaded(drawn(text, backend), folder, f"in_{backend}") for backend in ("tensorflow", "torch")
    )
    return ours, theirs


@pytest.fixture
def float64() -> Iterator[None]:
    """Models computed in float64."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(before)


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


# --- steps against PyTorch --------------------------------------------------------------

OPTIMIZERS = (
    "SGD(lr=0.1)",
    "SGD(lr=0.1, momentum=0.9, weight_decay=0.01)",
    "SGD(lr=0.1, momentum=0.9, nesterov=true)",
    "SGD(lr=0.1, momentum=0.8, dampening=0.3)",
    "Adam(lr=0.01, eps=0.01)",
    "Adam(lr=0.01, betas=[0.8, 0.95], weight_decay=0.1)",
    'Adam(lr=0.01, weight_decay=0.1, decay_on="*")',
    "AdamW(lr=0.01, eps=0.01, weight_decay=0.1)",
    'AdamW(lr=0.01, weight_decay=0.1, decay_on=["body.*", "norm.weight"])',
    "RMSprop(lr=0.01, eps=0.01, weight_decay=0.1)",
    "RMSprop(lr=0.01, momentum=0.5, eps=0.1)",
    "RMSprop(lr=0.01, centered=true, momentum=0.5, eps=0.1)",
    "Adagrad(lr=0.1, eps=0.1, weight_decay=0.1)",
    "Adagrad(lr=0.1, lr_decay=0.5, initial_accumulator_value=0.2)",
)
REGULARIZATION = (
    "",
    "regularization { L2(0.01) }",
    'regularization { L1(0.01) on "body.*"; L2(0.02) on "*.bias" }',
    "regularization { ClipNorm(0.3) }",
    "regularization { L2(0.1); ClipValue(0.05); ClipNorm(0.2) }",
)
LOSSES = ("CrossEntropy", "CrossEntropy(weight=[1, 2, 3], label_smoothing=0.2)")
TRAIN = ("train { batch = 5 }", "train { batch = 2; accumulate = 3 }")


def _step_cases() -> list[str]:
    """Every optimizer with every other setting, round robin."""
    others = itertools.cycle(REGULARIZATION), itertools.cycle(TRAIN), itertools.cycle(LOSSES)
    specs = []
    for optimizer in OPTIMIZERS:
        for _ in range(2):
            regularization, train, loss = (next(values) for values in others)
            specs.append(f"loss {loss}\noptimizer {optimizer}\n{regularization}\n{train}\n")
        next(others[2])
    return specs


@pytest.mark.parametrize("large", [False, True], ids=["plain", "fused"])
@pytest.mark.parametrize("sections", _step_cases(), ids=lambda text: _word(text, "optimizer "))
def test_steps_are_those_of_pytorch(
    sections: str, large: bool, tmp_path: Path, float64: None, monkeypatch: pytest.MonkeyPatch
):
    if large:
        monkeypatch.setattr("backends.tensorflow.training.optimizers.FUSED_FROM", 0)
    ours, theirs = twins(NET + "schedule Cosine(2)\n" + sections, tmp_path)
    model, twin = ours.build_model(), theirs.build_model().double()
    _copy(twin, model)
    optimizer, other = getattr(ours, _word(sections, "optimizer "))(model), theirs.make_optimizer(
        twin
    )
    rng = np.random.default_rng(0)
    for step in range(4):
        rows = 6 if step < 3 else 5  # the last batch of an epoch may be short
        x, y = rng.normal(size=(rows, 8)), rng.integers(0, 3, rows)
        x = x.astype(np.float32).astype(np.float64)  # as inputs are declared
        rate = ours.LEARNING_RATE * ours.schedule(step, 8)
        for group in other.param_groups:
            group["lr"] = rate
        batch = {"x": tf.constant(x), "y": tf.constant(y)}
        loss = ours.train_step(model, optimizer, batch, tf.constant(rate, "float64"))
        batch = {"x": torch.tensor(x), "y": torch.tensor(y)}
        wanted = theirs.train_step(twin, other, batch)
        assert float(loss) == pytest.approx(float(wanted), rel=1e-10)
    for name, values in twin.state_dict().items():
        (mine,) = [v for v in model.weights if ours.key_of(v) == name]
        mine = mine.numpy().T if mine.ndim > 1 else mine.numpy()
        np.testing.assert_allclose(mine, values.numpy(), rtol=1e-10, atol=1e-12)


def _word(text: str, before: str) -> str:
    """The capitalized word after some text."""
    return text.partition(before)[2].partition("(")[0]


def _copy(twin: torch.nn.Module, model: keras.Model) -> None:
    """Puts the weights of linear and norm layers into a Keras model."""
    values = {name: value.numpy() for name, value in twin.state_dict().items()}
    for variable in model.weights:
        layer, word = variable.path.split("/")
        name = f"{layer}.{'bias' if word in ('bias', 'beta') else 'weight'}"
        variable.assign(values[name].T)
