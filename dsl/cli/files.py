"""Reading and writing files: every failure is one clear line, and nothing is left half-written.

What a line quotes of names and paths is escaped, so that no letter of theirs commands a terminal.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dsl.source import Source

STDIN = "<stdin>"


class ToolError(click.ClickException):
    """Something outside of the spec is in the way: exit code 2."""

    exit_code = 2

    def show(self, file: object = None) -> None:
        """Prints the line to standard error."""
        say(f"msl: {self.message}", err=True)


def say(line: str, err: bool = False) -> None:
    """Prints a line; what does not print is escaped."""
    from dsl.diagnostics.excerpt import printable

    click.echo(printable(line), err=err)


def is_stdin(path: str) -> bool:
    """Whether a path means standard input or output."""
    return path == "-"


def reason(error: OSError) -> str:
    """Why a file cannot be used, in lower case."""
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]


def read_text(path: str) -> Source:
    """The text of a file, or of standard input for ``-``.

    Raises:
        ToolError: It cannot be read, or is not UTF-8.
    """
    from dsl.source import MAX_BYTES, decoded, read_source

    try:
        if not is_stdin(path):
            return read_source(path, path)
        if sys.stdin is None:
            raise ToolError("cannot read standard input: it is closed")
        return decoded(sys.stdin.buffer.read(MAX_BYTES + 1), STDIN)
    except OSError as error:
        raise ToolError(f"cannot read {path}: {reason(error)}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        place = f"at byte {error.start}, in line {line}"
        raise ToolError(f"cannot read {path}: it is not UTF-8 {place}") from None


def check_writable(path: str, inputs: Iterable[str] = ()) -> None:
    """Refuses a place that cannot be written, or that is one of the inputs.

    Raises:
        ToolError: With what is in the way.
    """
    parent = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(parent):
        raise ToolError(f"cannot write {path}: there is no folder {os.path.dirname(path)}")
    if os.path.isdir(path):
        raise ToolError(f"cannot write {path}: it is a folder")
    if not os.path.exists(path):
        return
    for item in inputs:
        if os.path.exists(item) and os.path.samefile(item, path):
            what = "the spec itself" if item == next(iter(inputs)) else "read here, too"
            raise ToolError(f"cannot write {path}: it is {what}")
    if not os.stat(path).st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
        raise ToolError(f"cannot write {path}: it is read-only")


def write_text(path: str, text: str) -> None:
    """Writes a file whole or not at all; links are followed, permissions kept.

    Raises:
        ToolError: It cannot be written.
    """
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: str, data: bytes) -> None:
    """Writes bytes as `write_text` does text.

    Raises:
        ToolError: It cannot be written.
    """
    try:
        target = os.path.realpath(path)
        if os.path.exists(target) and not os.path.isfile(target):
            with open(target, "wb") as file:
                file.write(data)
            return
        _replace(target, data)
    except OSError as error:
        raise ToolError(f"cannot write {path}: {reason(error)}") from None


def _replace(target: str, data: bytes) -> None:
    """Writes beside the file, then puts the result in its place in one step."""
    fresh = f"{target}.{os.getpid()}.tmp"
    made = False
    try:
        with open(fresh, "xb") as file:
            made = True
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # or a crash may leave the new name with nothing in it
        if os.path.exists(target):
            os.chmod(fresh, stat.S_IMODE(os.stat(target).st_mode))
        os.replace(fresh, target)
    finally:
        if made and os.path.exists(fresh):
            os.unlink(fresh)
