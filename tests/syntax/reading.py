"""What the tests of this folder share."""

from __future__ import annotations

from dsl.diagnostics.model import Diagnostic, Reporter
from dsl.source import Source
from dsl.syntax import ast
from dsl.syntax.parser import parse


def read(text: str) -> tuple[ast.File, list[Diagnostic]]:
    """The tree of a text and what was found."""
    reporter = Reporter()
    return parse(Source("net.msl", text), reporter), reporter.diagnostics


def clean(text: str) -> ast.File:
    """The tree of a text in which nothing is wrong."""
    tree, found = read(text)
    assert not found, [(one.rule.code, one.message) for one in found]
    return tree


def places(text: str) -> list[tuple[str, int, int]]:
    """Code, line and column of each finding."""
    _, found = read(text)
    return [(one.rule.code, *one.primary.span.position) for one in found if one.primary]
