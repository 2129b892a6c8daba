"""Showing findings: as text for people, as JSON, SARIF and workflow commands for machines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dsl.diagnostics.excerpt import excerpt, printable
from dsl.diagnostics.model import Diagnostic, Label

FORMATS = ("text", "concise", "json", "sarif", "github")
LIMIT = 100
_RED, _YELLOW, _BLUE, _GREEN, _BOLD, _PLAIN = (
    "\x1b[1;31m", "\x1b[1;33m", "\x1b[1;34m", "\x1b[32m", "\x1b[1m", "\x1b[0m",
)  # fmt: skip


def render(diagnostics: Iterable[Diagnostic], format: str = "text", color: bool = False) -> str:
    """Draws findings, sorted by place and at most a hundred of them.

    Args:
        diagnostics: The findings.
        format: ``text``, ``concise``, ``json``, ``sarif`` or ``github``.
        color: Whether text may hold the escape codes of terminals.

    Returns:
        The drawing, with a line end at its end unless it is empty.

    Raises:
        ValueError: For an unknown format.
    """
    ordered = ordered_findings(diagnostics)
    shown, more = ordered[:LIMIT], max(0, len(ordered) - LIMIT)
    if format == "text":
        return _text(shown, more, color)
    if format == "concise":
        return _lines([_concise(diagnostic) for diagnostic in shown], more)
    if format == "github":
        return _lines([_github(diagnostic) for diagnostic in shown], more)
    if format not in FORMATS:
        raise ValueError(f"unknown format: {format}")
    from dsl.diagnostics.records import json_text, sarif_text

    return json_text(shown, more) if format == "json" else sarif_text(shown)


def ordered_findings(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The findings in order of file, place and code, each once."""
    seen = set()
    kept = []
    for diagnostic in sorted(diagnostics, key=_order):
        key = (*_order(diagnostic), diagnostic.message)
        if key not in seen:
            seen.add(key)
            kept.append(diagnostic)
    return kept


def _order(diagnostic: Diagnostic) -> tuple[str, int, str]:
    primary = diagnostic.primary
    if primary is None:
        return "", -1, diagnostic.rule.code
    return primary.span.source.name, primary.span.start, diagnostic.rule.code


def _lines(lines: Sequence[str], more: int) -> str:
    closing = [_more(more)] if more else []
    return "".join(f"{line}\n" for line in (*lines, *closing))


def _more(count: int) -> str:
    return f"{count} more finding{'s' if count > 1 else ''} not shown"


# --- text -----------------------------------------------------------------------------------


def _text(diagnostics: Sequence[Diagnostic], more: int, color: bool) -> str:
    blocks = ["\n".join(_block(diagnostic, color)) + "\n" for diagnostic in diagnostics]
    if more:
        blocks.append(_more(more) + "\n")
    return "\n".join(blocks)


def _block(diagnostic: Diagnostic, color: bool) -> list[str]:
    rule = diagnostic.rule
    severity = rule.severity.value
    paint = _paint(_RED if diagnostic.is_error else _YELLOW, color)
    blue = _paint(_BLUE, color)
    head = paint(f"{severity}[{rule.code}]") + _paint(_BOLD, color)(
        f" {rule.slug}: {printable(diagnostic.message)}"
    )
    lines = [head]
    margin = 0
    if diagnostic.primary is not None:
        drawn, margin = excerpt(diagnostic.labels)
        lines.extend(_colored(line, blue, paint) for line in drawn)
    bar = " " * (margin + 2) + blue("=")
    lines.extend(f"{bar} note: {printable(note)}" for note in diagnostic.notes)
    lines.extend(f"{bar} help: {printable(text)}" for text in diagnostic.helps)
    return lines + _fix(diagnostic, margin, blue, _paint(_GREEN, color))


def _fix(diagnostic: Diagnostic, margin: int, blue: object, green: object) -> list[str]:
    """The lines as the fix leaves them, what is new underlined with ``+``."""
    from dsl.diagnostics.excerpt import fixed_excerpt

    if diagnostic.fix is None:
        return []
    drawn = fixed_excerpt(diagnostic.fix.edits, margin)
    return [_colored(line, blue, green) for line in drawn]


def _paint(code: str, color: bool) -> object:
    return (lambda text: f"{code}{text}{_PLAIN}") if color else (lambda text: text)


def _colored(line: str, margin: object, marks: object) -> str:
    """Colours the margin of an excerpt's line, and the marks where it holds marks."""
    cut = line.find("|")
    if cut < 0 or "-->" in line[:cut]:
        return line
    rest = line[cut + 1 :]
    first = rest.strip()[:1]
    is_marks = not line[:cut].strip() and first in ("^", "-", "+", "|")
    return margin(line[: cut + 1]) + (marks(rest) if is_marks else rest)  # type: ignore[operator]


# --- one line each --------------------------------------------------------------------------


def _concise(diagnostic: Diagnostic) -> str:
    rule = diagnostic.rule
    message = printable(diagnostic.message)
    return f"{_place(diagnostic.primary)}{rule.severity.value}[{rule.code}] {message}"


def _place(primary: Label | None) -> str:
    if primary is None:
        return ""
    line, column = primary.span.position
    return f"{printable(primary.span.source.name)}:{line}:{column}: "


def _github(diagnostic: Diagnostic) -> str:
    rule = diagnostic.rule
    fields = {"title": f"{rule.code} {rule.slug}"}
    if diagnostic.primary is not None:
        span = diagnostic.primary.span
        line, column = span.position
        end_line, end_column = span.source.position(span.end)
        fields = {"file": printable(span.source.name), "line": line, "endLine": end_line} | fields
        if line == end_line:
            fields |= {"col": column, "endColumn": end_column}
    pairs = ",".join(f"{name}={_escaped(str(value), ',:')}" for name, value in fields.items())
    text = "\n".join(map(printable, (diagnostic.message, *diagnostic.notes, *diagnostic.helps)))
    return f"::{rule.severity.value} {pairs}::{_escaped(text)}"


def _escaped(text: str, further: str = "") -> str:
    """Escapes what workflow commands take for their own signs."""
    for char in "%\r\n" + further:
        text = text.replace(char, f"%{ord(char):02X}")
    return text
