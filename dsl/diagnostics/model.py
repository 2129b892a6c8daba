"""Diagnostics as data: what is wrong, where, why and what cures it; `render` draws them."""

from __future__ import annotations

from enum import StrEnum

from dsl.record import Record, field
from dsl.source import Span


class Severity(StrEnum):
    """How much a finding weighs: errors fail a check, warnings only with ``--strict``."""

    ERROR = "error"
    WARNING = "warning"


class Rule(Record):
    """One entry of the catalogue (`dsl.diagnostics.rules`).

    Attributes:
        code: Stable identifier such as ``MSL301``; never reused.
        slug: Kebab-case name of the fault, readable after the word "allow".
        severity: Error or warning.
        summary: One sentence: what the rule finds.
        explanation: Why it matters and what to do, in Markdown.
        bad: A spec, or a file of devices, whole, on which exactly this rule fires.
        good: The same, mended: nothing fires.
        near: A spec that comes close and is right: nothing fires.
    """

    code: str
    slug: str
    severity: Severity
    summary: str
    explanation: str = ""
    bad: str = ""
    good: str = ""
    near: str = ""


class Label(Record):
    """A span with a word about it; the primary label is the place of the fault."""

    span: Span
    text: str = ""
    primary: bool = False


class Edit(Record):
    """Replace the text of a span."""

    span: Span
    replacement: str


class Fix(Record):
    """Edits that cure a finding.

    A fix is safe when it cannot change what a correct spec means; `msl check --fix` applies safe
    fixes only.
    """

    message: str
    edits: tuple[Edit, ...]
    safe: bool = True


class Diagnostic(Record):
    """One finding."""

    rule: Rule
    message: str
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    helps: tuple[str, ...] = ()
    fix: Fix | None = None

    @property
    def primary(self) -> Label | None:
        """The label that marks the fault itself."""
        return next((label for label in self.labels if label.primary), None)

    @property
    def is_error(self) -> bool:
        """Whether the finding fails a check."""
        return self.rule.severity is Severity.ERROR


class Reporter(Record, frozen=False):
    """Collects diagnostics; every stage is handed one and none raises for a user's mistake."""

    diagnostics: list[Diagnostic] = field(default_factory=list)

    def report(
        self,
        code: str,
        message: str,
        span: Span | None,
        label: str = "",
        *,
        others: tuple[tuple[Span, str], ...] = (),
        notes: tuple[str, ...] = (),
        helps: tuple[str, ...] = (),
        fix: Fix | None = None,
    ) -> None:
        """Adds a finding.

        Args:
            code: A code of the catalogue.
            message: The fact, lower case, no full stop, source text in back-quotes.
            span: The place of the fault; None where no text is at fault.
            label: A few words beside the caret.
            others: Further places that matter, each with its words.
            notes: Context, such as the numbers put into a formula.
            helps: What to do, in the imperative.
            fix: Edits that cure it.
        """
        from dsl.diagnostics.rules import RULES

        labels = [Label(span, label, primary=True)] if span is not None else []
        labels.extend(Label(place, text) for place, text in others)
        self.diagnostics.append(Diagnostic(RULES[code], message, tuple(labels), notes, helps, fix))

    @property
    def failed(self) -> bool:
        """Whether any finding is an error."""
        return any(diagnostic.is_error for diagnostic in self.diagnostics)
