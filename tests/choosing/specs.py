"""Specs that the tests of this folder ask about."""

from __future__ import annotations

from dsl.choosing.subject import Subject, subject_of
from dsl.compilation import Compilation, Options
from dsl.source import Source

LARGE = """\
msl 1

block Layer(width: int, heads: int) {
  residual { LayerNorm -> SelfAttention(heads, causal=true) }
  residual { LayerNorm -> Linear(4 * width) -> GELU -> Linear(width) }
}

model Reader(depth: int = 24, width: int = 1024, heads: int = 16) {
  input tokens: int64[time=512]

  Embedding(1000, width)
  repeat depth { Layer(width, heads) }
  output next: float32[time, 1000] = Linear(1000)
}

variant Wide = Reader(width=2048)

loss CrossEntropy
optimizer AdamW(lr=3e-4)
train { epochs = 1; batch = 64 }  # a comment
"""
"""A language model whose step does not fit on a small card."""


def subject(text: str = LARGE, model: str = "", trained: bool | None = None) -> Subject:
    """The model of a text."""
    return subject_of("net", Compilation(Source("net.msl", text), Options(model)), trained)
