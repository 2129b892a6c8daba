"""Lints about names that nothing reads."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dsl.lint.subject import Subject
from dsl.source import Span
from dsl.syntax import ast

_SILENT = re.compile(r'"(?:\\.|[^"\\\n])*"|#[^\n]*')


def check(subject: Subject) -> None:
    """MSL510, MSL511: constants and parameters that the file declares and never reads."""
    declared = [item for item in _declared(subject.file) if not item[1].startswith("_")]
    if not declared:
        return
    code = _SILENT.sub(lambda match: " " * len(match.group()), subject.file.span.source.text)
    for kind, name, span, inside in declared:
        if _is_read(name, code[inside.start : span.start]) or _is_read(
            name, code[span.end : inside.end]
        ):
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


def _is_read(name: str, code: str) -> bool:
    """Whether code reads a name; an argument of that name, or an attribute, does not."""
    return re.search(rf"(?<![\w.]){name}\b(?!\s*=[^=])", code) is not None
