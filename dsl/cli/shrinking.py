"""A smaller version of a model, by smaller values of its own parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dsl.compilation import Compilation

Define = tuple[tuple[str, str], ...]

LEAST = 2
"""What no number is halved below: rounds and heads stay several."""


def shrunk(compile: Callable[[Define], Compilation], define: Define, most: int) -> Define:
    """Values of parameters at which a model has few trainable values.

    Whole numbers, alone and in lists, are halved, the largest first, where that takes something
    away and leaves a spec without mistakes. So widths stay multiples of heads, lists as long as
    they are, and numbers of alike sizes alike.

    Args:
        compile: Compiles the spec with some values of parameters.
        define: The values that were asked for.
        most: The number of trainable values to get down to.

    Returns:
        The values found, which may leave the model larger than `most`.
    """
    count, model = _measured(compile(define))
    while model is not None and count > most:
        for name, half in _halved(model.args):
            tried = _with(define, name, half)
            left, smaller = _measured(compile(tried))
            if smaller is not None and left < count:
                define, count, model = tried, left, smaller
                break
        else:
            break
    return define


def sizes_of(args: Mapping[str, Any]) -> str:
    """The parameters that can be smaller, and what they are: ``depth=32, width=4096``."""
    halved = dict(_halved(args))
    return ", ".join(f"{name}={_text(value)}" for name, value in args.items() if name in halved)


def _measured(compilation: Compilation) -> tuple[int, Any]:
    """The number of trainable values, and the model; None for one with mistakes."""
    from dsl.cost.report import estimate

    model = compilation.model
    if model is None or any(finding.is_error for finding in compilation.diagnostics):
        return 0, None
    return estimate(model, 1).params, model


def _halved(args: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each parameter that can be halved, and its half as text; the largest first."""
    found = []
    for name, value in args.items():
        parts = value if isinstance(value, (list, tuple)) else [value]
        if parts and all(type(part) is int for part in parts) and max(parts) > LEAST:
            halves = [max(part // 2, min(part, LEAST)) for part in parts]
            found.append((max(parts), name, _text(halves if parts is value else halves[0])))
    found.sort(key=lambda item: -item[0])
    return [(name, half) for _, name, half in found]


def _text(value: Any) -> str:
    """A value as the language writes it."""
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(str, value))}]"
    return str(value)


def _with(define: Define, name: str, text: str) -> Define:
    return (*(pair for pair in define if pair[0] != name), (name, text))
