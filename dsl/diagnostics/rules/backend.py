"""Rules about what a backend lacks (MSL6xx)."""

from __future__ import annotations

from dsl.diagnostics.model import Rule, Severity


def _rows(line: str) -> str:
    """A whole spec around one line on an image whose height is known when the model runs."""
    return (
        f"model Net {{\n  input image: float32[3, height=32, 32]\n  {line}\n"
        "  output y = GlobalAvgPool -> Linear(3)\n}\n"
    )


def _deep(rounds: str) -> str:
    """A whole spec of many layers."""
    return (
        f"model Net {{\n  input x: float32[8]\n  repeat {rounds} {{ Linear(8) -> ReLU }}\n"
        "  output y = Linear(3)\n}\n"
    )


def _recomputed(device: str) -> str:
    """A whole spec of one block with a loss."""
    return (
        "block Layer {\n  Linear(8) -> ReLU\n}\nmodel Net {\n  input x: float32[8]\n"
        f"  repeat 3 {{ Layer }}\n  output y = Linear(3)\n}}\nloss CrossEntropy\n{device}\n"
    )


RULES: tuple[Rule, ...] = (
    Rule(
        "MSL601",
        "backend-cannot-express",
        Severity.ERROR,
        "A layer, or an argument of it, that the backend asked for cannot express exactly.",
        "Nothing is dropped and nothing is approximated: what a framework lacks is an error that "
        "says what it lacks. The other backend may have it; `extern` reaches code of your own.",
        _rows('Upsample(size=[height + 1, 64], mode="bilinear")'),
        _rows('Upsample(scale_factor=2, mode="bilinear")'),
        _rows('Upsample(size=[2 * height, 64], mode="bilinear")'),
    ),
    Rule(
        "MSL602",
        "too-many-layers",
        Severity.ERROR,
        "A model of so many layers that no machine could build it.",
        "Costs are known in closed form whatever the number of rounds; code is written for at most "
        "100,000 layers, the rounds of repeats counted.",
        _deep("60K"),
        _deep("40"),
        _deep("40K"),
    ),
    Rule(
        "MSL603",
        "setting-not-used",
        Severity.WARNING,
        "A setting of `device` that the backend asked for has nothing for.",
        "`device` is a request about the machine: the code is written without it, and computes the "
        "same.",
        _recomputed('device { recompute = ["Layer"] }'),
        _recomputed(""),
        _recomputed("device { precision = bfloat16 }"),
    ),
)
