"""Runs the lints."""

from __future__ import annotations

from dsl.diagnostics.model import Reporter
from dsl.ir import Model
from dsl.lint import architecture, depth, fitting, names, outputs
from dsl.lint.subject import Subject
from dsl.passes.scope import Module
from dsl.training.plan import Training

TOPICS = (outputs.check, architecture.check, depth.check, fitting.check, names.check)


def lint(
    module: Module,
    model: Model | None,
    training: Training,
    reporter: Reporter,
    doubtful: bool = False,
) -> None:
    """Reports what every lint finds.

    Args:
        module: The main file.
        model: The elaborated model; None where mistakes leave it unknown.
        training: Its training sections.
        reporter: Is told of every finding.
        doubtful: Whether the text has mistakes; then only errors are reported, since a warning may
            be no more than another sign of the same mistake.
    """
    if model is None:
        outputs.check_text(module, reporter)
        return
    found = Reporter()
    subject = Subject(module, model, training, found)
    for check in TOPICS:
        check(subject)
    subject.findings.report()
    reporter.diagnostics.extend(one for one in found.diagnostics if one.is_error or not doubtful)
