"""Applying the fixes that findings carry."""

from __future__ import annotations

from collections.abc import Iterable

from dsl.diagnostics.model import Diagnostic, Edit
from dsl.source import Source


def apply_fixes(text: str, diagnostics: Iterable[Diagnostic]) -> str:
    """Applies the safe fixes to a text.

    A fix is applied whole or not at all: where two fixes touch the same place, the one that comes
    first in the text wins, and the other has its turn when the result is checked again.

    Args:
        text: The text that the findings are about.
        diagnostics: The findings; those without a safe fix, or about another text, are passed over.
    """
    fixes = [
        sorted(diagnostic.fix.edits, key=lambda edit: edit.span.start)
        for diagnostic in diagnostics
        if diagnostic.fix is not None and diagnostic.fix.safe
    ]
    fixes = [edits for edits in fixes if edits and _about(text, edits)]
    accepted: list[Edit] = []
    for edits in sorted(fixes, key=lambda edits: edits[0].span.start):
        if not any(_touch(edit, other) for edit in edits for other in accepted):
            accepted.extend(edits)
    for edit in sorted(accepted, key=lambda edit: edit.span.start, reverse=True):
        text = text[: edit.span.start] + edit.replacement + text[edit.span.end :]
    return text


def _about(text: str, edits: list[Edit]) -> bool:
    return all(edit.span.source.text == text for edit in edits)


def _touch(first: Edit, second: Edit) -> bool:
    """Whether two edits overlap, or insert at the same place."""
    one, two = first.span, second.span
    return (one.start < two.end and two.start < one.end) or one.start == two.start


def fixed_line(source: Source, edit: Edit) -> tuple[int, str, int, int] | None:
    """A line as an edit would leave it, for display.

    Returns:
        The line's number, its new text, and where in it the replacement begins and ends; None where
        the edit crosses lines or leaves nothing to show.
    """
    number, column = edit.span.position
    if "\n" in edit.span.text or "\n" in edit.replacement:
        return None
    line = source.line(number)
    start = column - 1
    end = start + edit.span.end - edit.span.start
    return (
        number,
        line[:start] + edit.replacement + line[end:],
        start,
        start + len(edit.replacement),
    )
