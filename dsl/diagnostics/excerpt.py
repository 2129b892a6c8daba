"""Drawing the lines of a text with marks below them."""

from __future__ import annotations

from collections.abc import Sequence
from unicodedata import combining, east_asian_width

from dsl.diagnostics.fixes import fixed_line
from dsl.diagnostics.model import Edit, Label
from dsl.source import Source

_TAB = 4
_WIDEST = 200
_LINES = 8


def printable(text: str) -> str:
    """A text with control and other invisible characters written as escapes."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    return f"\\u{{{ord(char):x}}}"


def _cell(char: str, column: int) -> str:
    """What a character is drawn as, at a column."""
    if char == "\t":
        return " " * (_TAB - column % _TAB)
    return char if char.isprintable() else _escape(char)


def _width(char: str) -> int:
    """How many columns a character takes on a terminal."""
    if combining(char):
        return 0
    return 2 if east_asian_width(char) in "WF" else 1


def drawn_line(line: str) -> tuple[str, list[int]]:
    """A line as it is drawn, and the column at which each of its characters begins.

    The list has one entry more than the line: the column after its end.
    """
    line = line.rstrip("\r")
    if line.isascii() and line.isprintable():
        return line, list(range(len(line) + 1))
    cells: list[str] = []
    columns = [0]
    for char in line:
        cell = _cell(char, columns[-1])
        cells.append(cell)
        columns.append(columns[-1] + sum(map(_width, cell)))
    return "".join(cells), columns


def excerpt(labels: Sequence[Label]) -> tuple[list[str], int]:
    """Draws the lines that labels point at, those of the primary label's file first.

    Returns:
        The lines, and how wide the column of line numbers is.
    """
    primary = next(label for label in labels if label.primary)
    by_source: dict[int, list[Label]] = {id(primary.span.source): []}
    for label in labels:
        by_source.setdefault(id(label.span.source), []).append(label)
    last = max(label.span.position[0] for label in labels)
    margin = len(str(last))
    lines: list[str] = []
    for group in by_source.values():
        first = next((label for label in group if label.primary), group[0])
        line, column = first.span.position
        arrow = "-->" if group is by_source[id(primary.span.source)] else ":::"
        name = printable(first.span.source.name)
        lines.append(f"{' ' * (margin + 1)}{arrow} {name}:{line}:{column}")
        lines.append(f"{' ' * (margin + 1)} |")
        lines.extend(_marked(first.span.source, group, margin))
    return lines, margin


def _marked(source: Source, labels: Sequence[Label], margin: int) -> list[str]:
    """The lines of one text, each with its marks, gaps shown as dots."""
    rows: dict[int, list[Label]] = {}
    for label in labels:
        rows.setdefault(label.span.position[0], []).append(label)
    lines: list[str] = []
    for number in sorted(rows):
        here = next((label for label in rows[number] if label.primary), rows[number][0])
        drawn, columns, left_out = _window(source.line(number), here.span.position[1] - 1)
        lines.append(f" {number:>{margin}} | {drawn}".rstrip())
        lines.extend(
            f" {' ' * margin} | {marks}" for marks in _marks(rows[number], columns, left_out)
        )
    return lines


def _window(line: str, start: int) -> tuple[str, list[int], int]:
    """The part of a line around a character, as it is drawn, and the column of each character.

    Returns:
        The drawing, the columns as `drawn_line` gives them, and how many characters are left out in
        front, to which the columns do not refer.
    """
    if len(line) <= _WIDEST:
        return *drawn_line(line), 0
    first = max(0, start - _WIDEST // 4) if start > _WIDEST * 3 // 4 else 0
    drawn, columns = drawn_line(line[first : first + _WIDEST])
    more = "..." if first + _WIDEST < len(line) else ""
    if not first:
        return drawn + more, columns, 0
    return f"...{drawn}{more}", [column + 3 for column in columns], first


def _marks(labels: Sequence[Label], columns: list[int], left_out: int) -> list[str]:
    """One line of marks for each label of a line, the rightmost first."""
    placed = []
    for label in labels:
        start = max(0, label.span.position[1] - 1 - left_out)
        end = min(start + label.span.end - label.span.start, len(columns) - 1)
        left = columns[min(start, len(columns) - 1)]
        width = max(1, columns[max(end, 0)] - left) if end > start else 1
        placed.append((left, width, label))
    placed.sort(key=lambda place: place[0], reverse=True)
    lines = []
    for left, width, label in placed:
        mark = "^" if label.primary else "-"
        text = f"{' ' * left}{mark * width} {printable(label.text)}"
        lines.append(text.rstrip())
    return lines


def fixed_excerpt(edits: Sequence[Edit], margin: int) -> list[str]:
    """Draws the lines that edits change, as they will be, new text underlined with ``+``."""
    lines: list[str] = []
    for edit in edits[:_LINES]:
        fixed = fixed_line(edit.span.source, edit)
        if fixed is None:
            continue
        number, text, start, end = fixed
        drawn, columns, left_out = _window(text, start)
        start, end = (min(max(0, at - left_out), len(columns) - 1) for at in (start, end))
        pad = " " * (margin + 1)
        lines.append(f"{pad} |")
        lines.append(f" {number:>{margin}} | {drawn}")
        if end > start:
            width = columns[end] - columns[start]
            lines.append(f"{pad} | {' ' * columns[start]}{'+' * width}")
    return lines
