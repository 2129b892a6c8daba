"""Lints about the end of a model: what a loss is taken of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dsl.diagnostics.model import Reporter
from dsl.ir import Output
from dsl.kinds.kind import find
from dsl.layers.activation import Activation
from dsl.layers.axes import class_axis
from dsl.layers.dropout import _Dropout
from dsl.layers.merge import Identity
from dsl.layers.reshape import Rearrangement
from dsl.lint.edits import Places, removed
from dsl.lint.graph import Site
from dsl.lint.subject import Subject
from dsl.passes.scope import Module
from dsl.syntax import ast
from dsl.training.plan import LossTerm

CODES = {"softmax": "MSL502", "sigmoid": "MSL503"}
SQUASHING = {
    "softmax": {
        "Softmax": "squashes the scores a second time; training slows and stalls",
        "LogSoftmax": "normalises the scores a second time, without effect",
        "Sigmoid": "squashes each score to 0..1, which softmax can hardly tell apart",
        "LogSigmoid": "bends each score before softmax compares them",
        "Hardsigmoid": "squashes each score to 0..1, which softmax can hardly tell apart",
    },
    "sigmoid": {
        "Sigmoid": "squashes the score a second time; no answer can be surer than 0.73",
        "LogSigmoid": "leaves no score above 0, so that no answer can be yes",
        "Hardsigmoid": "squashes the score a second time; no answer can be surer than 0.73",
        "Softmax": "squashes the scores before sigmoid does; no answer can be surer than 0.73",
        "LogSoftmax": "leaves no score above 0, so that no answer can be yes",
    },
}
"""For the activation that a loss applies: kinds that do harm in front of it, and which."""

CURE = "remove it (`msl check --fix`); `predict` still returns probabilities"
CLASS_NAMES = ("classes", "num_classes", "n_classes", "labels", "num_labels", "n_labels")


def check(subject: Subject) -> None:
    """Runs the lints of this file."""
    for term, output in _terms(subject):
        _check_squashed(subject, term, output)
        _check_dropped(subject, output)
        _check_bent(subject, term, output)
        _check_width(subject, term, output)


def check_text(module: Module, reporter: Reporter) -> None:
    """MSL502, MSL503 by the text alone, for a model that other mistakes have left unknown."""
    models = [item for item in module.file.statements if isinstance(item, ast.ModelDecl)]
    for name, call in _written_terms(module.file):
        kind: Any = find("loss", call.kind)
        harms = SQUASHING.get(getattr(kind, "activation", ""), {})
        for model in models if len(models) == 1 else ():
            last = _last_layer(model, name)
            if last is not None and last.kind in harms and last.kind not in module.blocks:
                reporter.report(
                    CODES[kind.activation],
                    f"`{kind.name}` takes logits and applies {kind.activation} itself",
                    last.span, harms[last.kind], helps=(CURE,),
                    fix=removed(Places(module.file), last.span),
                )  # fmt: skip


def _written_terms(file: ast.File) -> Iterator[tuple[str | None, ast.KindCall]]:
    """The terms of the loss: the output, None for the only one, and the kind."""
    for section in file.statements:
        if isinstance(section, ast.Section) and section.word == "loss":
            items = [item for item in section.entries or () if isinstance(item, ast.Item)]
            terms = [(item.target, item.value) for item in items] or [(None, section.head)]
            for name, value in terms:
                value = value.left if isinstance(value, ast.Binary) else value
                if isinstance(value, ast.KindCall):
                    yield name, value


def _last_layer(model: ast.ModelDecl, name: str | None) -> ast.KindCall | None:
    """The layer that an output's own statement ends with."""
    outputs = [item for item in model.body.statements if isinstance(item, ast.OutputDecl)]
    meant = [item for item in outputs if name in (None, item.name)]
    if len(meant) != 1 or meant[0].chain is None:
        return None
    last = meant[0].chain.elements[-1]
    return last if isinstance(last, ast.KindCall) else None


def _terms(subject: Subject) -> Iterator[tuple[LossTerm, Output]]:
    outputs = {output.name: output for output in subject.model.body.outputs}
    for term in subject.training.losses:
        if term.output in outputs:
            yield term, outputs[term.output]


def _keeps_values(site: Site) -> bool:
    return isinstance(site.node.layer, (Rearrangement, Identity))


def _changes_little(site: Site) -> bool:
    return _keeps_values(site) or isinstance(site.node.layer, _Dropout)


def _check_squashed(subject: Subject, term: LossTerm, output: Output) -> None:
    """MSL502, MSL503: an activation that the loss applies itself."""
    kind: Any = term.kind
    harms = SQUASHING.get(kind.activation, {})
    site = subject.graph.origin(output.value, _changes_little)
    if site is None or site.node.layer.name not in harms:
        return
    subject.findings.add(
        CODES[kind.activation], site,
        f"`{kind.name}` takes logits and applies {kind.activation} itself",
        harms[site.node.layer.name], fix=_removal(subject, site), error=True,
        helps=(CURE,),
    )  # fmt: skip


def _removal(subject: Subject, site: Site) -> Any:
    """The fix that takes an element out, where nothing but the output holds its value."""
    if site.in_block or not _only_feeds_output(subject, site):
        return None
    return removed(subject.places, site.node.span)


def _only_feeds_output(subject: Subject, site: Site) -> bool:
    """Whether a layer's value goes into an output and nowhere else."""
    while True:
        takers = subject.graph.takers(site.node.outputs[0])
        if not takers:
            return True
        if len(takers) > 1 or not _changes_little(takers[0]):
            return False
        site = takers[0]


def _check_dropped(subject: Subject, output: Output) -> None:
    """MSL508: dropout on what the loss is taken of."""
    site = subject.graph.origin(output.value, _keeps_values)
    if site is None or not isinstance(site.node.layer, _Dropout):
        return
    layer = site.node.layer
    subject.findings.add(
        "MSL508", site, f"`{layer.name}` acts on output `{output.name}` itself",
        f"sets {layer.p:.0%} of the results to 0 while training", fix=_removal(subject, site),
        helps=("drop values in front of the last layer instead, or not at all",),
    )  # fmt: skip


def _check_bent(subject: Subject, term: LossTerm, output: Output) -> None:
    """MSL509: an activation on logits, which should take any value."""
    kind: Any = term.kind
    site = subject.graph.origin(output.value, _changes_little)
    is_bent = site is not None and isinstance(site.node.layer, Activation)
    if kind.activation not in CODES or not is_bent:
        return
    assert site is not None
    name = site.node.layer.name
    if name in SQUASHING[kind.activation] or name in ("PReLU", "GLU"):
        return
    subject.findings.add(
        "MSL509", site, f"`{name}` acts on the logits that `{kind.name}` takes",
        "keeps scores from taking some values", fix=_removal(subject, site),
        helps=("let the last linear layer make the scores: remove it",),
    )  # fmt: skip


def _check_width(subject: Subject, term: LossTerm, output: Output) -> None:
    """MSL505: fewer scores than there are classes."""
    kind: Any = term.kind
    if kind.task != "classes" or not output.value.type.rank:
        return
    size = output.value.type.shape[class_axis(None, output.value.type)]
    wanted, why = _classes(subject)
    if isinstance(size, int) and size < wanted:
        subject.reporter.report(
            "MSL505", f"output `{output.name}` has {size} scores for {wanted} classes", output.span,
            notes=(why,), helps=(f"end in a layer of {wanted}, one score for each class",),
        )  # fmt: skip


def _classes(subject: Subject) -> tuple[int, str]:
    """The number of classes as far as the spec tells, and how it does."""
    if sum(term.kind.task == "classes" for term in subject.training.losses) != 1:  # type: ignore[attr-defined]
        return 0, ""
    known = {name: bound.value for name, bound in subject.module.scope.names.items()}
    known.update(subject.model.args)
    for name in CLASS_NAMES:
        value = known.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value, f"`{name}` is {value}"
    return 0, ""
