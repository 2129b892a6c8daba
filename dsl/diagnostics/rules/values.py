"""Rules about values and arguments (MSL2xx)."""

from __future__ import annotations

from dsl.diagnostics.model import Rule

RULES: tuple[Rule, ...] = ()
