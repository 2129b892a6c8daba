"""Values as Python text: the one way by which a spec's text enters generated code.

Everything that leaves here is ASCII: strings are escaped, numbers are plain, formulas name only
mangled identifiers.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

from backends.base import Raw
from dsl.shapes.trace import Auto, Traced, TracedBool, render


def literal(value: Any) -> str:
    """A constant as Python text.

    Raises:
        TypeError: It is of a type that generated code does not hold.
    """
    if isinstance(value, Raw):
        return str(value)
    if value is None or isinstance(value, Auto):
        return "None"
    if isinstance(value, (bool, TracedBool)):
        return repr(bool(value))
    if isinstance(value, int):
        return repr(int(value))
    if isinstance(value, float):
        return _float(float(value))
    if isinstance(value, str):
        return quote(str(value))
    if isinstance(value, tuple):
        inside = ", ".join(literal(item) for item in value)
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    raise TypeError(f"no Python text for {type(value).__name__}")


def quote(text: str) -> str:
    """A string literal in double quotes, ASCII only."""
    body = ascii(text)[1:-1].replace("\\'", "'").replace('"', '\\"')
    return f'"{body}"'


def prose(text: str) -> str:
    """Text of a spec, or its path, as it may stand in a docstring: one line of plain ASCII."""
    plain = text.encode("ascii", "replace").decode()
    line = "".join(char if char.isprintable() else " " for char in plain)
    return line.replace("\\", "/").replace('"', "'")


def paragraph(text: str, width: int) -> list[str]:
    """A text in lines of at most some width, narrower where a word or two would stand alone."""
    lines = textwrap.wrap(text, width)
    for narrower in range(width - 1, width // 2, -1):
        if len(lines) < 2 or len(lines[-1]) >= width // 4:
            break
        again = textwrap.wrap(text, narrower)
        if len(again) > len(lines):
            break
        lines = again
    return lines


def _float(value: float) -> str:
    """``1e-05`` as ``1e-5``, a million as ``1e6``."""
    text = repr(value)
    if text.endswith("000000.0"):
        digits = text.removesuffix(".0").rstrip("0")
        zeros = len(text) - len(digits) - 2
        return f"{digits}e{zeros}" if len(digits.lstrip("-")) == 1 else text
    mantissa, mark, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if mark else text


def python(value: Any, rename: Callable[[str], str]) -> str:
    """A value as Python text, by its formula if it has one.

    Args:
        value: Plain, traced, or a tuple of such.
        rename: Gives the Python text of a name of the spec.
    """
    if isinstance(value, Traced):
        return render(value.expr, rename, literal, FUNCTIONS.get)
    if isinstance(value, tuple):
        inside = ", ".join(python(item, rename) for item in value)
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    return literal(value)


FUNCTIONS = {
    name: name if name not in ("ceil", "floor", "sqrt", "log") else f"math.{name}"
    for name in ("min", "max", "sum", "len", "abs", "round", "ceil", "floor", "sqrt", "log")
}
