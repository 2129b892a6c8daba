"""What lints look at."""

from __future__ import annotations

from dsl.diagnostics.model import Reporter
from dsl.ir import Model
from dsl.kinds.kind import Kind
from dsl.lint.edits import Places
from dsl.lint.findings import Findings
from dsl.lint.graph import Graph
from dsl.passes.arguments import argument_span
from dsl.passes.scope import Module
from dsl.source import Span
from dsl.syntax import ast
from dsl.training.plan import Training


class Subject:
    """One model with its training, as lints see it.

    Args:
        module: The main file.
        model: The elaborated model.
        training: Its training sections.
        reporter: Is told of what is found.

    Attributes:
        graph: The model's flow of values.
        places: Where the calls and chains of the main file stand.
        findings: Takes what is found about layers; the reporter takes everything else.
    """

    def __init__(
        self, module: Module, model: Model, training: Training, reporter: Reporter
    ) -> None:
        self.module, self.model, self.training = module, model, training
        self.reporter = reporter
        self.graph = Graph(model)
        self.places = Places(module.file)
        self.findings = Findings(self.graph, reporter)

    @property
    def file(self) -> ast.File:
        """The tree of the main file."""
        return self.module.file

    def section(self, word: str) -> ast.Section | None:
        """The section of that word."""
        sections = (item for item in self.file.statements if isinstance(item, ast.Section))
        return next((section for section in sections if section.word == word), None)

    def argument(self, word: str, kind: Kind, name: str) -> Span | None:
        """Where a section gives its kind an argument: there, else the kind's word."""
        section = self.section(word)
        if section is None:
            return None
        if not isinstance(section.head, ast.KindCall):
            return section.word_span
        return argument_span(kind.arguments, section.head, name)

    def setting(self, word: str, name: str) -> Span | None:
        """Where a section holds a setting, if it does."""
        section = self.section(word)
        entries = (section.entries or ()) if section is not None else ()
        settings = (item for item in entries if isinstance(item, ast.Setting))
        return next((item.span for item in settings if item.name == name), None)
