"""Specs that tests plan."""

from __future__ import annotations

from typing import Any

import dsl
from dsl.devices import find
from dsl.planning.plan import Ask, Planner
from dsl.planning.strategy import Strategy
from tests.conftest import SPECS

SQUARE = """\
msl 1
model Square {
  input x: float32[1000]
  repeat 4 { Linear(1000) -> ReLU }
  output y: float32[10] = Linear(10)
}
loss CrossEntropy
optimizer Adam(lr=1e-3)
"""

PARAMS = 4 * 1001000 + 10010


def square(data: str = "ddp", **asked: Any) -> Planner:
    """A plan of four square layers in float32 on A100."""
    return planner(SQUARE, **{"precision": "float32", "strategy": Strategy(data), **asked})


def planner(text: str, device: str = "a100-40gb", **asked: Any) -> Planner:
    """A plan of a text."""
    compilation = dsl.loads(text).compilation
    assert compilation.model is not None
    return Planner(compilation.model, compilation.training, Ask(find(device), **asked))


def of_spec(name: str, device: str, model: str = "", **asked: Any) -> Planner:
    """A plan of one of the specs that every release must compile."""
    named = {"model": model} if model else {}
    compilation = dsl.load(str(SPECS / name), **named).compilation
    assert compilation.model is not None
    asked.setdefault("precision", "bfloat16")
    return Planner(compilation.model, compilation.training, Ask(find(device), **asked))
