"""Blocks that run again in the backward pass: the same gradients, the same keys."""

from __future__ import annotations

import argparse
import types
from pathlib import Path

import torch

import backends
from dsl.compilation import Compilation
from dsl.source import Source

SPEC = """
block Layer(width: int) {
  residual { LayerNorm -> Linear(4 * width) -> GELU -> Dropout(0.5) -> Linear(width) }
}
model Net {
  input x: float32[16]
  repeat 3 { Layer(16) }
  output y = Linear(3)
}
loss CrossEntropy
device { target = "cpu"; recompute = ["Layer"] }
"""


def script() -> types.ModuleType:
    """The generated script as a module."""
    text = Compilation(Source("net.msl", SPEC)).emit(backends.get("torch")).text
    assert text is not None
    module = types.ModuleType("generated")
    module.__file__ = str(Path("generated.py"))
    exec(compile(text, "generated.py", "exec"), module.__dict__)
    return module


def gradients(model: torch.nn.Module) -> list[torch.Tensor]:
    """Of all weights, with dropout drawn from one seed."""
    torch.manual_seed(3)
    model.train()(torch.linspace(-1, 1, 128).view(8, 16)).pow(2).sum().backward()
    return [weight.grad for weight in model.parameters()]


def test_gradients_are_those_of_a_model_that_keeps_everything() -> None:
    module = script()
    again = module.start_model(argparse.Namespace(seed=0), torch.device("cpu"))
    torch.manual_seed(0)
    plain = module.build_model()
    assert list(again.state_dict()) == list(plain.state_dict())
    assert all(map(torch.equal, gradients(again), gradients(plain)))


def test_what_ran_once_runs_again() -> None:
    module = script()
    runs = []
    forward = module.Layer.forward
    module.Layer.forward = lambda self, x: runs.append(1) or forward(self, x)
    gradients(module.start_model(argparse.Namespace(seed=0), torch.device("cpu")))
    assert len(runs) == 6
