"""Rules about what a backend lacks (MSL6xx)."""

from __future__ import annotations

from dsl.diagnostics.model import Rule, Severity

RULES: tuple[Rule, ...] = (
    Rule(
        "MSL601",
        "backend-cannot-express",
        Severity.ERROR,
        "A layer, or an argument of it, that the backend asked for cannot express exactly.",
        "Nothing is dropped and nothing is approximated: what a framework lacks is an error that "
        "says what it lacks. The other backend may have it; `extern` reaches code of your own.",
    ),
    Rule(
        "MSL602",
        "too-many-layers",
        Severity.ERROR,
        "A model of so many layers that no machine could build it.",
        "Costs are known in closed form whatever the number of rounds; code is written for at most "
        "100,000 layers, the rounds of repeats counted.",
    ),
)
