"""Rules about models that are legal and doubtful (MSL5xx)."""

from __future__ import annotations

from dsl.diagnostics.model import Rule

RULES: tuple[Rule, ...] = ()
