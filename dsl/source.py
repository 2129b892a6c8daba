"""Source texts and the places in them: what every diagnostic points at."""

from __future__ import annotations

import os
from bisect import bisect_right
from functools import cached_property

from dsl.record import Record

MARKS = ("pyproject.toml", ".git", "msl.toml")
"""What marks the root folder of a project."""

MAX_BYTES = 1 << 20
"""The most that a file may hold."""


class Source:
    r"""One text with a display name; translates offsets to lines and columns.

    Args:
        name: What diagnostics call the text: a path as the user gave it, or ``<stdin>``.
        text: The decoded text, line ends as ``\n`` and without a byte order mark.
    """

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    def __repr__(self) -> str:
        return f"Source({self.name!r})"

    @cached_property
    def line_starts(self) -> list[int]:
        """Offset at which each line begins."""
        starts = [0]
        starts.extend(i + 1 for i, char in enumerate(self.text) if char == "\n")
        return starts

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both counted from one, columns in code points."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line (counted from one) without its line end."""
        start = self.line_starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start:] if end < 0 else self.text[start:end]


class Span(Record):
    """The half-open range ``start:end`` of a source text."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        """The spanned text."""
        return self.source.text[self.start : self.end]

    @property
    def position(self) -> tuple[int, int]:
        """Line and column of the start, counted from one."""
        return self.source.position(self.start)

    def to(self, other: Span) -> Span:
        """The span from the start of this one to the end of another."""
        return Span(self.source, self.start, other.end)


def project_root(folder: str) -> str:
    """The nearest folder from here up that marks a project, or the folder itself."""
    current = folder
    while True:
        if any(os.path.exists(os.path.join(current, mark)) for mark in MARKS):
            return current
        parent = os.path.dirname(current)
        if parent == current:
            return folder
        current = parent


def read_source(path: str, name: str) -> Source:
    """A text from a file, at most one byte beyond `MAX_BYTES`.

    Raises:
        OSError, UnicodeDecodeError: It cannot be read, or is not UTF-8.
    """
    with open(path, "rb") as file:
        return decoded(file.read(MAX_BYTES + 1), name)


def decoded(data: bytes, name: str) -> Source:
    """The text that bytes hold; Windows and old Macintosh line ends become newlines.

    Raises:
        UnicodeDecodeError: They are not UTF-8.
    """
    text = data.decode("utf-8", "strict" if len(data) <= MAX_BYTES else "ignore")
    return Source(name, text.replace("\r\n", "\n").replace("\r", "\n"))
