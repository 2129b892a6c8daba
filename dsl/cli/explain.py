"""``msl explain``: what a finding, a layer or any other kind means."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from dsl.cli.files import ToolError

if TYPE_CHECKING:
    from dsl.diagnostics.model import Rule
    from dsl.kinds.kind import Arg, Kind


@click.command()
@click.argument("subject", required=False)
def command(subject: str | None) -> int:
    """Explain SUBJECT: a code (MSL301), the name of a rule, a layer or any other kind.

    Without a subject, list the kinds.
    """
    text = overview() if subject is None else explanation(subject)
    click.echo(text)
    return 0


def explanation(subject: str) -> str:
    """The explanation of a rule or kind.

    Raises:
        ToolError: There is no such thing.
    """
    from dsl.diagnostics.rules import RULES, SLUGS

    rule = RULES.get(subject.upper()) or SLUGS.get(subject.lower())
    if rule is not None:
        return explain_rule(rule)
    kinds = list(kinds_called(subject))
    if kinds:
        return "\n\n".join(explain_kind(kind, subject) for kind in kinds)
    raise ToolError(_unknown(subject))


def registry() -> dict[str, dict[str, type[Kind]]]:
    """Every kind by category and name."""
    import dsl.layers.families
    import dsl.training.families  # noqa: F401  (registers the kinds)
    from dsl.kinds.kind import REGISTRY

    return REGISTRY


def kinds_called(word: str) -> Iterator[type[Kind]]:
    """The kinds of that name in any category, else those that Keras or PyTorch calls so."""
    every = [kind for kinds in registry().values() for kind in kinds.values()]
    exact = [kind for kind in every if kind.name == word]
    folded = [kind for kind in every if kind.name.lower() == word.lower()]
    other = [kind for kind in every if word in kind.keras or word in kind.pytorch]
    yield from exact or folded or other


def _unknown(subject: str) -> str:
    from dsl.diagnostics.rules import RULES, SLUGS
    from dsl.diagnostics.suggest import nearest
    from dsl.kinds.advice import ADVICE

    if subject in ADVICE:
        return f"there is no layer `{subject}`: {ADVICE[subject]}"
    names = [name for kinds in registry().values() for name in kinds]
    near = nearest(subject, [*names, *RULES, *SLUGS])
    help = f"did you mean `{near[0]}`?" if near else "`msl explain` lists the kinds"
    return f"there is no rule or kind `{subject}`; {help}"


# --- rules ------------------------------------------------------------------------------------


def explain_rule(rule: Rule) -> str:
    """A rule: what it finds, why it matters, an example and its cure."""
    parts = [f"{rule.code} {rule.slug} ({rule.severity.value})", rule.summary]
    if rule.explanation:
        parts.append(_wrapped(rule.explanation))
    for title, text in (("This is found", rule.bad), ("This is right", rule.good)):
        if text.strip():
            parts.append(f"{title}:\n\n{_indented(text)}")
    return "\n\n".join(parts)


def _wrapped(text: str) -> str:
    from textwrap import fill

    return "\n\n".join(fill(part, 96) for part in text.split("\n\n"))


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.rstrip("\n").split("\n"))


# --- kinds ------------------------------------------------------------------------------------


def explain_kind(kind: type[Kind], asked: str = "") -> str:
    """A kind: its documentation and arguments."""
    from inspect import cleandoc

    head = f"{signature(kind)}   {kind.category}"
    parts = [head, cleandoc(kind.__doc__ or "")]
    if asked in kind.keras:
        parts.insert(0, f"`{asked}` is what Keras calls `{kind.name}`.")
    elif asked in kind.pytorch:
        parts.insert(0, f"`{asked}` is what PyTorch calls `{kind.name}`.")
    if kind.arguments:
        parts.append("Arguments:\n" + "\n".join(map(_argument, kind.arguments.items())))
    return "\n\n".join(parts)


def signature(kind: type[Kind]) -> str:
    """How a kind is written: ``Linear(out_features, bias=true, *, tie)``."""
    words: list[str] = []
    for name, argument in kind.arguments.items():
        if argument.keyword and "*" not in words:
            words.append("*")
        word = f"{name}..." if argument.rest else name
        if not argument.required and argument.default is not None:
            word += f"={default_text(argument.default)}"
        words.append(word)
    return f"{kind.name}({', '.join(words)})" if words else kind.name


def _argument(item: tuple[str, Arg]) -> str:
    name, argument = item
    if argument.required:
        default = "required"
    elif argument.default is None:
        default = "optional"
    else:
        default = f"default {default_text(argument.default)}"
    called = f" Keras: {', '.join(argument.keras)}." if argument.keras else ""
    return f"  {name}: {argument.type}; {default}\n      {argument.doc}{called}"


def default_text(value: object) -> str:
    """A default as the language writes it; one number stands for a pair of equal ones."""
    from dsl.ir_text import value_text

    if isinstance(value, tuple) and len(value) > 1 and all(item == value[0] for item in value):
        return value_text(value[0])
    return value_text(value)


def overview() -> str:
    """Every kind by category."""
    from textwrap import fill

    parts = []
    for category, kinds in registry().items():
        names = fill(", ".join(sorted(kinds)), 96, initial_indent="  ", subsequent_indent="  ")
        parts.append(f"{category}\n{names}")
    closing = "`msl explain Conv2d` says more about a kind, `msl explain MSL301` about a finding."
    return "\n".join([*parts, "", closing])
