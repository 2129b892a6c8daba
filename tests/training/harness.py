"""A spec's training sections, elaborated as a compilation does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dsl.compilation import Compilation
from dsl.cost.budget import Figures
from dsl.diagnostics.model import Diagnostic, Reporter
from dsl.ir import Model
from dsl.passes.arguments import Evaluator
from dsl.passes.budget import check_budget
from dsl.passes.sections import elaborate_sections
from dsl.source import Source
from dsl.training.plan import Training

VECTOR = """\
model Net {
  input x: float32[8]
  hidden = Linear(16) -> ReLU
  output y = Linear(3)
}
"""
PAIR = """\
model Net {
  input x: float32[8]
  hidden = Linear(16) -> ReLU
  output digit = hidden -> Linear(3)
  output box = hidden -> Linear(4)
}
"""
IMAGE = """\
model Net {
  input image: float32[3, 32, 32]
  Conv2d(8, 3, padding="same") -> BatchNorm -> ReLU
  output y = GlobalAvgPool -> Linear(3)
}
"""
TEXT = """\
model Net {
  input tokens: int64[time=16]
  Embedding(256, 8) -> GRU(8, return_sequences=true)
  output y = Linear(256)
}
"""


@dataclass(frozen=True)
class Result:
    """What became of a spec."""

    model: Model | None
    training: Training
    diagnostics: tuple[Diagnostic, ...]

    @property
    def codes(self) -> list[str]:
        """The codes of all findings."""
        return [diagnostic.rule.code for diagnostic in self.diagnostics]

    @property
    def helps(self) -> str:
        """All helps of all findings."""
        return "\n".join(help for diagnostic in self.diagnostics for help in diagnostic.helps)

    @property
    def marked(self) -> list[str]:
        """The text that each finding marks."""
        return [d.primary.span.text if d.primary else "" for d in self.diagnostics]


def elaborate(text: str, overrides: Mapping[str, str] | None = None) -> Result:
    """Elaborates a whole spec, its budget included."""
    compilation = Compilation(Source("test.msl", text))
    plain = compilation.plain
    syntax = compilation._parsed[1]
    reporter = Reporter()
    training = elaborate_sections(
        plain.module, plain.model, Evaluator(reporter), overrides or {}, reporter
    )
    if plain.model is not None:
        check_budget(training.budget, Figures(plain.model, training).of, reporter)
    found = (*syntax, *plain.diagnostics, *reporter.diagnostics)
    return Result(plain.model, training, found)


def only(text: str, overrides: Mapping[str, str] | None = None) -> Training:
    """The plan of a spec in which nothing is wrong."""
    result = elaborate(text, overrides)
    assert [(d.rule.code, d.message) for d in result.diagnostics] == []
    return result.training
