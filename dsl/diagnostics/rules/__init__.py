"""The catalogue: every rule by its code, one file for each range of codes."""

from __future__ import annotations

from dsl.diagnostics.model import Rule
from dsl.diagnostics.rules import (
    backend,
    devices,
    limits,
    lint,
    names,
    shapes,
    syntax,
    training,
    values,
)

RULES: dict[str, Rule] = {
    rule.code: rule
    for family in (syntax, names, limits, values, shapes, training, lint, backend, devices)
    for rule in family.RULES
}
SLUGS: dict[str, Rule] = {rule.slug: rule for rule in RULES.values()}
