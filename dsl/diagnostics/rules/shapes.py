"""Rules about shapes (MSL3xx)."""

from __future__ import annotations

from dsl.diagnostics.model import Rule

RULES: tuple[Rule, ...] = ()
