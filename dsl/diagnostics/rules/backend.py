"""Rules about what a backend lacks (MSL6xx)."""

from __future__ import annotations

from dsl.diagnostics.model import Rule

RULES: tuple[Rule, ...] = ()
