"""Reads from a program which names it uses."""

from __future__ import annotations

from typing import Any

from dsl.fuzz.program import Body, Chain, Parallel, Repeat, Residual, Statement, When


def names_in(body: Body) -> set[str]:
    """The names that chains of a body start from, in its braces too."""
    found: set[str] = set()
    pending: list[Any] = [body]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            found.add(item)
        elif isinstance(item, Body):
            pending += [one.chain for one in item.statements if isinstance(one, Statement)]
        elif isinstance(item, Chain):
            pending += [element for _, element in item.start]
            pending += item.links
        elif isinstance(item, (Residual, Repeat, When)):
            pending.append(item.body)
            pending.append(getattr(item, "shortcut", None) or getattr(item, "otherwise", None))
        elif isinstance(item, Parallel):
            pending += item.bodies
    return found
