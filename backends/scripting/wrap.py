"""Calls laid out as black lays them out, so that formatting has little left to do."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH = 100
STEP = " " * 4


def wrapped_call(indent: int, before: str, function: str, arguments: Sequence[str]) -> str:
    """A statement that ends in a call: on one line, with the arguments below, or one on each.

    Args:
        indent: Columns that the statement is moved in by; its first line comes without them.
        before: What stands before the call: ``return ``.
        function: What is called.
        arguments: Texts of the arguments, each on one line.
    """
    inside = ", ".join(arguments)
    line = f"{before}{function}({inside})"
    if indent + len(line) <= WIDTH:
        return line
    margin = " " * indent
    if indent + len(STEP) + len(inside) <= WIDTH:
        return f"{before}{function}(\n{margin}{STEP}{inside}\n{margin})"
    each = "".join(f"{margin}{STEP}{argument},\n" for argument in arguments)
    return f"{before}{function}(\n{each}{margin})"
