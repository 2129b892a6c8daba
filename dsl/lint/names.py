"""Lints about names that nothing reads."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from dsl.lint.subject import Subject
from dsl.source import Span
from dsl.syntax import ast

_NAME = re.compile(r"(?<![\w.])[a-zA-Z_]\w*\b(?!\s*=[^=])")
"""A name where code reads it; an argument of that name, or an attribute, does not."""
_SILENT = re.compile(r'"(?:\\.|[^"\\\n])*"|#[^\n]*')


def check(subject: Subject) -> None:
    """MSL510, MSL511: constants and parameters that the file declares and never reads."""
    declared = [item for item in _declared(subject.file) if not item[1].startswith("_")]
    if not declared:
        return
    code = _SILENT.sub(lambda match: " " * len(match.group()), subject.file.span.source.text)
    reads = _reads(code, {name for _, name, _, _ in declared})
    for kind, name, span, inside in declared:
        if _is_read(reads.get(name, []), span, inside):
            continue
        if kind == "constant":
            subject.reporter.report(
                "MSL510", f"nothing reads `{name}`", span, helps=("remove it, or use it",)
            )
        else:
            subject.reporter.report(
                "MSL511", f"nothing reads {kind} `{name}`", span, "has no effect",
                helps=("remove it, or use it",),
            )  # fmt: skip


def _declared(file: ast.File) -> Iterator[tuple[str, str, Span, Span]]:
    """What a file declares: its sort, its name, its place, and where it can be read."""
    for item in file.statements:
        if isinstance(item, ast.Let):
            yield "constant", item.name, item.name_span, file.span
        elif isinstance(item, ast.ParamDecl):
            yield "parameter", item.param.name, item.param.name_span, file.span
        elif isinstance(item, (ast.BlockDecl, ast.ModelDecl)):
            for param in item.params:
                yield "parameter", param.name, param.name_span, item.span
            for statement in _lets(item.body):
                yield "constant", statement.name, statement.name_span, item.span


def _lets(body: ast.Body) -> Iterator[ast.Let]:
    """The constants of a body, those of inner bodies included."""
    if " let " not in f" {body.span.text}".replace("\n", " ").replace(";", " ").replace("{", " "):
        return

    yield from (node for node in ast.tree(body) if isinstance(node, ast.Let))


def _reads(code: str, names: set[str]) -> dict[str, list[int]]:
    """The offsets at which code reads each of some names, in order."""
    found: dict[str, list[int]] = {}
    for match in _NAME.finditer(code):
        if match[0] in names:
            found.setdefault(match[0], []).append(match.start())
    return found


def _is_read(reads: list[int], span: Span, inside: Span) -> bool:
    """Whether a name is read within a span, its declaration apart."""
    first = bisect_left(reads, inside.start)
    own = first < len(reads) and reads[first] == span.start
    if not own:
        return first < len(reads) and reads[first] < inside.end
    return first + 1 < len(reads) and reads[first + 1] < inside.end
