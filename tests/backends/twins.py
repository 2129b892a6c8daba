"""Scripts of one spec in TensorFlow and in PyTorch, as modules that can be held together."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import keras
import torch

from backends.pycode.render import draw, import_lines
from backends.scripting import ModelCode, Origin
from backends.tensorflow.backend import BACKEND as TENSORFLOW
from backends.torch.backend import BACKEND as TORCH
from dsl.compilation import Compilation
from dsl.source import Source

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
    writer = {"tensorflow": TENSORFLOW, "torch": TORCH}[backend]
    code = writer.write_model(model)
    script = ModelCode(code.text, code.name, import_lines(code.text), writer.keys(model))
    told = writer.context(model, training, script, Origin("net.msl", "0", "", stem, None))
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


def copy_weights(twin: torch.nn.Module, model: keras.Model) -> None:
    """Puts the weights of linear and norm layers into a Keras model."""
    values = {name: value.numpy() for name, value in twin.state_dict().items()}
    for variable in model.weights:
        layer, word = variable.path.split("/")
        name = f"{layer}.{'bias' if word in ('bias', 'beta') else 'weight'}"
        variable.assign(values[name].T)
