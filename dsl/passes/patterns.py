"""Patterns after ``on`` and in ``decay_on``: which weights are meant.

fnmatch over full keys, so that ``*`` crosses dots; a list is a union, ``"!p"`` takes away. Patterns
replace the default (all weights but biases and norms); a list of nothing but ``"!p"`` takes away
from the default. Buffers are no weights and are never matched.
"""

from __future__ import annotations

from collections.abc import Sequence

from dsl.diagnostics.suggest import nearest
from dsl.passes.section_context import Context
from dsl.source import Span
from dsl.syntax import ast

Pattern = tuple[str, Span]

MANY = 2000


def default_keys(context: Context) -> tuple[str, ...]:
    """The weights that decay and penalties act on unless patterns say otherwise."""
    return tuple(key.key for key in context.keys if key.weight.group == "weight")


def matched_keys(patterns: Sequence[Pattern], context: Context) -> tuple[str, ...]:
    """The keys that patterns mean, in the model's order.

    Raises:
        Reported: A pattern matches nothing, or nothing is left.
    """
    if context.model is None and not context.given_keys:
        return ()
    trainable = [key.key for key in context.keys if key.weight.trainable]
    included: set[str] = set()
    excluded: set[str] = set()
    for text, span in patterns:
        target = excluded if text.startswith("!") else included
        target.update(_matches(text.removeprefix("!"), span, trainable, context))
    if not any(not text.startswith("!") for text, _ in patterns):
        included = set(default_keys(context))
    kept = tuple(key for key in trainable if key in included and key not in excluded)
    if not kept:
        raise context.fail(
            "MSL420", "these patterns leave no weight", patterns[0][1].to(patterns[-1][1]),
            helps=("what one pattern names, another takes away",),
        )  # fmt: skip
    return kept


def _matches(pattern: str, span: Span, keys: list[str], context: Context) -> list[str]:
    from fnmatch import fnmatchcase

    found = [key for key in keys if fnmatchcase(key, pattern)]
    if found:
        return found
    buffers = [k.key for k in context.keys if not k.weight.trainable]
    notes: tuple[str, ...] = ()
    if any(fnmatchcase(key, pattern) for key in buffers):
        notes = ("it matches buffers only, such as running statistics, which are not trained",)
    raise context.fail(
        "MSL420",
        f'no weight is called "{pattern}"',
        span,
        notes=notes,
        helps=_offers(pattern, keys),
    )


def _offers(pattern: str, keys: list[str]) -> tuple[str, ...]:
    if not keys:
        return ("the model has no weights",)
    near = nearest(pattern.replace("*", ""), keys[:MANY])
    if near:
        return (f'did you mean "{near[0]}"?',)
    shown = ", ".join(f'"{key}"' for key in keys[:3])
    more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
    return (f"the weights are {shown}{more}; `*` stands for any text, dots too",)


def read_patterns(target: ast.Expr, context: Context) -> tuple[Pattern, ...]:
    """The patterns after ``on`` for weights: a string or a list of strings.

    Raises:
        Reported: It is something else.
    """
    items = target.items if isinstance(target, ast.List) else (target,)
    patterns = []
    for item in items:
        if isinstance(item, ast.Name) and context.scope.lookup(item.id) is None:
            raise context.fail(
                "MSL421", f"`{item.id}` is bare, and bare words after `on` are outputs", item.span,
                helps=(f'patterns of weights are quoted: `on "{item.id}*"`',),
            )  # fmt: skip
        value = context.evaluator.evaluate(item, context.scope)
        for text in value if isinstance(value, tuple) else (value,):
            if not isinstance(text, str) or text in ("", "!"):
                raise context.fail(
                    "MSL421", "a pattern is a string that is not empty", item.span,
                    helps=('write `on "conv*.weight"`',),
                )  # fmt: skip
            patterns.append((str(text), item.span))
    if not patterns:
        raise context.fail("MSL421", "the list of patterns is empty", target.span)
    return tuple(patterns)
