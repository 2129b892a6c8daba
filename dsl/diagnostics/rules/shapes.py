"""Rules about shapes (MSL3xx)."""

from __future__ import annotations

from dsl.diagnostics.model import Rule, Severity


def _positions(line: str) -> str:
    """A whole spec with a line that tells positions of a sequence of 20 apart."""
    return (
        f"model Net {{\n  input x: float32[20, 8]\n  {line}\n  output y = GRU(4) -> Linear(3)\n}}\n"
    )


RULES: tuple[Rule, ...] = (
    Rule(
        "MSL340",
        "sequence-longer-than-table",
        Severity.ERROR,
        "A sequence has more steps than `PositionEmbedding` has positions.",
        "Each position has a learned vector of its own, so the table must be as long as the "
        "longest sequence. `SinusoidalPosition` computes its waves and takes any length.",
        _positions("PositionEmbedding(16)"),
        _positions("PositionEmbedding(20)"),
        _positions("SinusoidalPosition"),
    ),
)
