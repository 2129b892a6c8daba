"""Findings that the author has silenced: ``# msl: allow CODE reason``."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from dsl.diagnostics.model import Diagnostic, Reporter, Rule
from dsl.record import Record
from dsl.source import Source
from dsl.syntax import ast

_MARK = "msl:"


class _Allowance(Record):
    """Findings of one rule between two offsets are silenced."""

    rule: Rule
    start: int
    end: int


def suppressed(diagnostics: Iterable[Diagnostic], file: ast.File) -> list[Diagnostic]:
    """The findings that remain once those that the author silenced are taken out.

    A comment on the line above a statement or at its end silences one rule, by code or slug, on
    that statement. Only warnings and the rules MSL5xx can be silenced. A comment without a reason,
    or about a rule that is unknown or cannot be silenced, is a warning of its own.

    Args:
        diagnostics: The findings so far.
        file: The tree of the text that they are about.

    Returns:
        The findings left, in their order, then those about the comments.
    """
    reporter = Reporter()
    ranges = _ranges(_allowances(file, reporter))
    source = file.span.source
    kept = [one for one in diagnostics if not _is_covered(one, source, ranges)]
    return kept + reporter.diagnostics


def _ranges(allowances: list[_Allowance]) -> dict[str, list[tuple[int, int]]]:
    """Where each rule, by its code, is silenced: ranges in order, those that overlap joined."""
    found: dict[str, list[tuple[int, int]]] = {}
    for one in sorted(allowances, key=lambda one: one.start):
        ranges = found.setdefault(one.rule.code, [])
        if ranges and one.start <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], max(ranges[-1][1], one.end))
        else:
            ranges.append((one.start, one.end))
    return found


def _is_covered(
    diagnostic: Diagnostic, source: Source, ranges: dict[str, list[tuple[int, int]]]
) -> bool:
    primary, mine = diagnostic.primary, ranges.get(diagnostic.rule.code)
    if primary is None or not mine or primary.span.source is not source:
        return False
    start = primary.span.start
    before = bisect_right(mine, start, key=lambda one: one[0]) - 1
    return before >= 0 and start <= mine[before][1]


def _allowances(file: ast.File, reporter: Reporter) -> list[_Allowance]:
    found = []
    text = file.span.source.text
    if _MARK not in text:
        return []
    for statement in statements_of(file):
        trailing = (statement.trailing,) if statement.trailing else ()
        for comment in (*statement.leading, *trailing, *statement.inner):
            rule = _allowed_rule(comment, reporter)
            if rule is not None:
                span = statement.span
                found.append(_Allowance(rule, span.start, _own_end(statement, text)))
    return found


def _own_end(statement: ast.Statement, text: str) -> int:
    """Where a statement ends; a block or model, which holds others, ends with its first line."""
    if isinstance(statement, (ast.BlockDecl, ast.ModelDecl)):
        return statement.body.span.start
    return statement.span.end


def _allowed_rule(comment: ast.Comment, reporter: Reporter) -> Rule | None:
    """The rule that a comment silences; what is wrong with the comment is reported."""
    if not comment.text.startswith(_MARK):
        return None
    words = comment.text.removeprefix(_MARK).split(maxsplit=2)
    if not words or words[0] != "allow":
        return None
    from dsl.diagnostics.rules import RULES, SLUGS  # few specs silence anything

    name = words[1] if len(words) > 1 else ""
    rule = RULES.get(name) or SLUGS.get(name)
    if rule is None or not _may_be_silenced(rule):
        message = f"`{name}` cannot be silenced" if rule else f"there is no rule `{name}`"
        helps = ("write `# msl: allow MSL501 why it does not apply`",)
        reporter.report("MSL031", message, comment.span, helps=helps)
        return None
    if len(words) < 3:
        message = f"`{name}` is silenced without a reason"
        helps = (f"write `# msl: allow {name} why it does not apply`",)
        reporter.report("MSL030", message, comment.span, helps=helps)
    return rule


def _may_be_silenced(rule: Rule) -> bool:
    return rule.severity.value == "warning" or rule.code.startswith("MSL5")


def statements_of(file: ast.File) -> list[ast.Statement]:
    """Every statement of a file, those in bodies and sections included, in order of the text."""
    found: list[ast.Statement] = []
    waiting: list[object] = list(reversed(file.statements))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Statement):
            found.append(node)
        waiting.extend(reversed(_parts(node)))
    return found


def _parts(node: object) -> tuple[object, ...]:
    """What may hold statements, directly below a node."""
    match node:
        case ast.BlockDecl() | ast.ModelDecl() | ast.Repeat():
            return (node.body,)
        case ast.Section():
            return node.entries or ()
        case ast.ExternDecl():
            return node.settings
        case ast.Body():
            return node.statements
        case ast.Step() | ast.OutputDecl() | ast.TupleItem():
            return (node.chain,)
        case ast.Chain():
            return node.elements
        case ast.TupleElement():
            return node.items
        case ast.Residual():
            return (node.body, node.shortcut)
        case ast.Parallel():
            return node.branches
        case ast.When():
            return (node.then, node.otherwise)
    return ()
