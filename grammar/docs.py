"""The tables of the language reference that are made from the registry and the catalogue.

``python -m grammar.docs`` writes them between the marks in ``grammar/README.md``; a test holds the
page to what this module makes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from dsl.cli.explain import registry, signature
from dsl.diagnostics.rules import RULES
from dsl.kinds.kind import Kind

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "README.md")

TITLES = {
    "layer": "Layers",
    "loss": "Losses",
    "optimizer": "Optimizers",
    "schedule": "Schedules",
    "regularizer": "Regularizers",
    "augmentation": "Augmentations",
    "metric": "Metrics",
    "data": "Data sources",
    "initializer": "Initializers",
    "parametrization": "Reparametrisations of weights",
    "distribution": "Distributions",
}
"""Categories in the order of the page, with their headings."""


def page(text: str) -> str:
    """The page with its tables made anew.

    Raises:
        ValueError: A mark is missing.
    """
    for name, table in (("kinds", kind_tables()), ("rules", rule_table())):
        begin, end = f"<!-- {name}: made by python -m grammar.docs -->\n", f"<!-- /{name} -->"
        start = text.index(begin) + len(begin)
        text = text[:start] + table + text[text.index(end, start) :]
    return text


def kind_tables() -> str:
    """A table of the kinds of each category."""
    return "\n".join(_category(name) for name in _categories())


def _categories() -> Iterator[str]:
    known = registry()
    yield from (name for name in TITLES if name in known)
    yield from (name for name in known if name not in TITLES)


def _category(name: str) -> str:
    kinds = registry()[name]
    rows = [_kind_row(kinds[word]) for word in sorted(kinds)]
    head = f"### {TITLES.get(name, name.capitalize())}\n\n| Kind | Meaning |\n| --- | --- |\n"
    return head + "".join(rows)


def _kind_row(kind: type[Kind]) -> str:
    first = (kind.__doc__ or "").strip().split("\n\n")[0]
    meaning = " ".join(first.split())
    return f"| `{_cell(signature(kind))}` | {_cell(meaning)} |\n"


def rule_table() -> str:
    """Every finding with its code."""
    head = "| Code | Name | Finds |\n| --- | --- | --- |\n"
    rows = (
        f"| {rule.code} | {rule.slug}{' (warning)' * (not _is_error(rule.severity))} | "
        f"{_cell(rule.summary)} |\n"
        for rule in sorted(RULES.values(), key=lambda rule: rule.code)
    )
    return head + "".join(rows)


def _is_error(severity: str) -> bool:
    return severity == "error"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Rewrites the page."""
    with open(PAGE, encoding="utf-8") as file:
        text = file.read()
    with open(PAGE, "w", encoding="utf-8", newline="\n") as file:
        file.write(page(text))


if __name__ == "__main__":
    main()
