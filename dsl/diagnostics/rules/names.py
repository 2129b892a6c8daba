"""Rules about names and references (MSL1xx)."""

from __future__ import annotations

from dsl.diagnostics.model import Rule

RULES: tuple[Rule, ...] = ()
