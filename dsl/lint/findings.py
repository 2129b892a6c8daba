"""What lints find, held until all of a text's uses are known."""

from __future__ import annotations

from collections import Counter
from typing import Any

from dsl.diagnostics.model import Fix, Reporter
from dsl.lint.graph import Graph, Site
from dsl.source import Span

Place = tuple[int, int, int]


class Findings:
    """Collects findings about layers, and reports those that hold wherever the text is used.

    A line of a block, or of a repeat, is one piece of text for several layers. A warning about it
    is only right if it holds for all of them; an error holds by itself, but its fix is offered only
    where it cures all.
    """

    def __init__(self, graph: Graph, reporter: Reporter) -> None:
        self._graph = graph
        self._reporter = reporter
        self._found: dict[tuple[str, Place], dict[str, Any]] = {}
        self._hits: Counter[tuple[str, Place]] = Counter()

    def add(self, code: str, site: Site, message: str, label: str = "", **more: Any) -> None:
        """Adds a finding about a layer; `more` is as of `Reporter.report`.

        With ``always=True`` it is reported even where it holds for some uses only, and with
        ``error=True`` it also silences warnings about the same place.
        """
        key = (code, place(site.node.span))
        self._hits[key] += 1
        content = {"code": code, "message": message, "span": site.node.span, "label": label, **more}
        self._found.setdefault(key, content)

    def report(self) -> None:
        """Hands everything that holds to the reporter."""
        if not self._found:
            return
        uses = Counter(place(site.node.span) for site in self._graph.sites)
        wrong = {key[1] for key, content in self._found.items() if content.get("error")}
        for key, content in self._found.items():
            is_error, always = content.pop("error", False), content.pop("always", False)
            everywhere = self._hits[key] >= uses[key[1]]
            if not is_error and (key[1] in wrong or not (everywhere or always)):
                continue
            fix: Fix | None = content.get("fix")
            if fix is not None and not everywhere:
                content["fix"] = None
            self._reporter.report(**content)


def place(span: Span) -> Place:
    """What tells two pieces of text apart."""
    return id(span.source), span.start, span.end
