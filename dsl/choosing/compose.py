"""A candidate put to a task: its model, the task's sections."""

from __future__ import annotations

from dsl.compilation import Compilation, Options
from dsl.source import Source
from dsl.syntax import ast

OF_THE_TASK = (
    "loss", "optimizer", "schedule", "regularization", "data", "train", "device", "search"
)  # fmt: skip
"""Sections that a task brings; a candidate's own give way."""


def composed(candidate: Compilation, task: Compilation | None, classes: int | None) -> Compilation:
    """The candidate's model with the task's sections.

    Args:
        candidate: Its own sections count where there is no task.
        task: A spec whose sections are the task; a model in it does not matter.
        classes: How many classes the data has: a parameter ``classes`` of the model takes it.
    """
    before = candidate.options
    define = dict(before.define)
    if classes and "classes" not in define and _takes_classes(candidate):
        define["classes"] = str(classes)
    text = candidate.source.text if task is None else _text(candidate, task)
    options = Options(before.model, define, before.set, before.needs_model)
    source = Source(candidate.source.name, text)
    return Compilation(source, options, candidate.loader, candidate.path)


def _takes_classes(candidate: Compilation) -> bool:
    model = candidate.model
    return model is not None and any(param.name == "classes" for param in model.decl.params)


def _text(candidate: Compilation, task: Compilation) -> str:
    text = candidate.source.text
    for item in reversed(candidate.syntax.statements):
        if isinstance(item, ast.Section) and item.word in OF_THE_TASK:
            text = text[: item.span.start] + text[item.span.end :]
    sections = [
        item.span.text
        for item in task.syntax.statements
        if isinstance(item, ast.Section) and item.word in OF_THE_TASK
    ]
    return "\n".join([text.rstrip("\n"), "", *sections, ""])
