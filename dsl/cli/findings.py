"""Showing findings, and what they mean for the exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import IO, TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dsl.diagnostics.model import Diagnostic

OVER_BUDGET = "MSL432"
"""The rule that a model costs more than its budget."""

_LINTS = "MSL5"


def is_about_model(finding: Diagnostic) -> bool:
    """Whether a finding keeps one from counting: neither the budget nor experience does."""
    code = finding.rule.code
    return code != OVER_BUDGET and not code.startswith(_LINTS)


def wants_color(stream: IO[str]) -> bool:
    """Whether a stream takes colours: ``NO_COLOR`` and ``FORCE_COLOR`` decide, else a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return is_terminal(stream) and os.environ.get("TERM") != "dumb"


def is_terminal(stream: IO[str]) -> bool:
    """Whether a person looks at a stream."""
    return hasattr(stream, "isatty") and stream.isatty()


def show_findings(findings: Sequence[Diagnostic], style: str = "text", err: bool = False) -> None:
    """Prints findings.

    Args:
        findings: In any order.
        style: One of the formats of `dsl.diagnostics.render`.
        err: Whether to print to standard error.
    """
    if not findings and style in ("text", "concise", "github"):
        return
    from dsl.diagnostics.render import render

    color = wants_color(sys.stderr if err else sys.stdout)
    click.echo(render(findings, style, color and style == "text"), nl=False, err=err, color=color)


def count(findings: Iterable[Diagnostic]) -> str:
    """How many findings there are: ``2 errors, 1 warning``."""
    listed = list(findings)
    errors = sum(finding.is_error for finding in listed)
    numbers = ((errors, "error"), (len(listed) - errors, "warning"))
    return ", ".join(f"{number} {word}{'s' * (number > 1)}" for number, word in numbers if number)


def failed(findings: Iterable[Diagnostic], strict: bool = False) -> bool:
    """Whether findings fail a command; warnings do where `strict`."""
    return any(strict or finding.is_error for finding in findings)
