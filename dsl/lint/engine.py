"""Runs the lints on a model that is whole."""

from __future__ import annotations

from dsl.diagnostics.model import Reporter
from dsl.ir import Model
from dsl.passes.scope import Module
from dsl.training.plan import Training


def lint(module: Module, model: Model, training: Training, reporter: Reporter) -> None:
    """Reports what every rule finds."""
