"""Lints about training: rates, lengths, decay, data."""

from __future__ import annotations

import math
from typing import Any

from dsl.kinds.values import Quantity
from dsl.layers.embedding import PositionEmbedding
from dsl.layers.normalization import BatchNorm
from dsl.lint.edits import argument_place, with_argument
from dsl.lint.graph import Site
from dsl.lint.subject import Subject
from dsl.shapes.dim import evaluate
from dsl.source import Span

BYTES = 256
RATES = {
    "SGD": (1e-6, 5.0),
    "Adam": (1e-7, 0.05),
    "AdamW": (1e-7, 0.05),
    "RMSprop": (1e-7, 0.05),
    "Adagrad": (1e-5, 2.0),
}
"""Learning rates that have been seen to work, with a wide margin."""


def check(subject: Subject) -> None:
    """Runs the lints of this file."""
    _check_positions(subject)
    if subject.training.losses:
        _check_decay(subject)
        _check_rate(subject)
        _check_schedule(subject)
        _check_batch(subject)
        _check_weights(subject)
        _check_text(subject)


def _check_decay(subject: Subject) -> None:
    """MSL504: weights that a penalty and the optimizer both draw to 0."""
    training = subject.training
    optimizer: Any = training.optimizer
    for penalty in training.penalties:
        both = set(penalty.keys) & set(training.decayed)
        if penalty.kind.name != "L2" or not both or not penalty.kind.l2:  # type: ignore[attr-defined]
            continue
        place = subject.argument("optimizer", optimizer, "weight_decay")
        said = f"`{optimizer.name}` decays them by weight_decay = {optimizer.weight_decay:g}"
        subject.reporter.report(
            "MSL504", f"`L2` and `{optimizer.name}` both decay the same {len(both)} weights",
            penalty.span, others=((place, said),) if place else (),
            notes=() if place else (said,),
            helps=("keep one: remove `L2`, or write `weight_decay=0`",),
        )  # fmt: skip


def _check_rate(subject: Subject) -> None:
    """MSL520: a learning rate far from those that work."""
    optimizer: Any = subject.training.optimizer
    if optimizer is None or optimizer.name not in RATES or _is_searched(subject):
        return
    low, high = RATES[optimizer.name]
    if not optimizer.lr or low <= optimizer.lr <= high:
        return
    usual = optimizer.arguments["lr"].default
    side = "high" if optimizer.lr > high else "low"
    subject.reporter.report(
        "MSL520", f"lr = {optimizer.lr:g} is very {side} for `{optimizer.name}`",
        subject.argument("optimizer", optimizer, "lr"),
        notes=(f"rates from {low:g} to {high:g} are usual",), helps=(f"try {usual:g} first",),
    )  # fmt: skip


def _is_searched(subject: Subject) -> bool:
    """Whether a search sets the rate."""
    return any(name.rpartition(".")[2] == "lr" for name in subject.training.search)


# --- the length of the run --------------------------------------------------------------


def _check_schedule(subject: Subject) -> None:
    """MSL506, MSL507: a schedule that is longer than the run."""
    schedule: Any = subject.training.schedule
    if schedule is None:
        return
    warmup, run = schedule.warmup, _length(subject, schedule.warmup)
    if run is not None and _number(warmup) > run:
        unit = "epochs" if isinstance(warmup, Quantity) else "steps"
        subject.reporter.report(
            "MSL506", f"the warmup takes {_number(warmup):,} {unit}, and the run {run:,}",
            subject.argument("schedule", schedule, "warmup"), "never reaches the full rate",
            helps=("shorten it, or give a fraction of the run: `warmup=0.1`",),
        )  # fmt: skip
        return
    step = getattr(schedule, "step_size", None)
    run = _length(subject, step)
    if run is not None and _number(step) >= run:
        unit = "epochs" if isinstance(step, Quantity) else "steps"
        subject.reporter.report(
            "MSL507", f"the rate falls after {_number(step):,} {unit}, and the run has {run:,}",
            subject.argument("schedule", schedule, "step_size"), "never falls",
            helps=("shorten it, or give a fraction of the run: `0.3`",),
        )  # fmt: skip


def _number(stretch: Any) -> float:
    return stretch.value if isinstance(stretch, Quantity) else stretch


def _length(subject: Subject, stretch: Any) -> float | None:
    """The length of the run in the unit of a stretch, where it is known."""
    train = subject.training.train
    if stretch is None or isinstance(stretch, float):
        return None
    an_epoch = _steps_of_an_epoch(subject)
    if isinstance(stretch, Quantity):
        if train.epochs is not None:
            return train.epochs
        return train.steps / an_epoch if an_epoch and train.steps is not None else None
    if train.steps is not None:
        return train.steps
    return train.epochs * an_epoch if an_epoch and train.epochs is not None else None


def _steps_of_an_epoch(subject: Subject) -> int | None:
    """Optimizer steps of one epoch, which only synthetic data tells before it is read."""
    data: Any = subject.training.data and subject.training.data.kind
    if not data or data.name != "Synthetic":
        return None
    held_out = math.floor(data.samples * data.test) + math.floor(data.samples * data.validation)
    train = subject.training.train
    return math.ceil(math.ceil((data.samples - held_out) / train.batch) / train.accumulate)


# --- batches, weights and texts ---------------------------------------------------------


def _check_batch(subject: Subject) -> None:
    """MSL515: statistics over a batch of one."""
    if subject.training.train.batch != 1:
        return
    norms = [site for site in subject.graph.sites if isinstance(site.node.layer, BatchNorm)]
    if not norms:
        return
    place, first = subject.setting("train", "batch"), norms[0].node.span
    accumulate = subject.training.train.accumulate
    subject.reporter.report(
        "MSL515", "`BatchNorm` has one sample at a time to take its statistics of",
        place or first, others=((first, "normalises over the batch"),) if place else (),
        notes=(f"`accumulate = {accumulate}` does not help: each part is normalised by itself",)
        if accumulate > 1 else (),
        helps=("take a larger batch, or `GroupNorm`, which looks at one sample",),
    )  # fmt: skip


def _check_weights(subject: Subject) -> None:
    """MSL522: a loss, and nothing that it could train."""
    sites = subject.graph.sites
    if any(weight.trainable for site in sites for weight in site.node.weights):
        return
    term = subject.training.losses[0]
    subject.reporter.report(
        "MSL522", f"model `{subject.model.name}` has no weights for `{term.kind.name}` to train",
        term.span, helps=("add a layer with weights, such as `Linear(10)`",),
    )  # fmt: skip


def _check_positions(subject: Subject) -> None:
    """MSL340 where the length of a sequence is a symbol: at the size it is declared with."""
    for site in subject.graph.sites:
        layer: Any = site.node.layer
        x = site.node.inputs[0].type if site.node.inputs and site.node.inputs[0] else None
        if not isinstance(layer, PositionEmbedding) or x is None or not x.is_symbolic:
            continue
        steps = evaluate(x.shape[-2], subject.model.symbols)
        if steps > layer.length:
            subject.findings.add(
                "MSL340", site,
                f"the sequence has {steps} steps, and there are {layer.length} positions",
                error=True, span=_length_of(subject, site),
                notes=(f"`{x.shape[-2]}` is declared as {steps}",),
                helps=(f"write `PositionEmbedding({steps})`",),
            )  # fmt: skip


def _length_of(subject: Subject, site: Site) -> Span:
    layer = site.node.layer
    return argument_place(subject.places, site.node.span, layer.arguments, "length")


def _check_text(subject: Subject) -> None:
    """Lints about models that say what comes next in a text."""
    data: Any = subject.training.data and subject.training.data.kind
    if not data or data.name != "Text" or data.values["mask"] is not None:
        return
    for site in subject.graph.sites:
        layer: Any = site.node.layer
        if layer.name == "SelfAttention" and not layer.causal and site.node.inputs[1] is None:
            _sees_the_future(subject, site, "causal", "true", "sees the tokens that it is to tell")
        elif getattr(layer, "bidirectional", False) and layer.return_sequences:
            _sees_the_future(
                subject, site, "bidirectional", "false", "reads the text from its end too"
            )
        elif layer.name == "Embedding" and data.tokenizer == "bytes":
            _check_vocabulary(subject, site)


def _sees_the_future(subject: Subject, site: Site, name: str, value: str, what: str) -> None:
    """MSL521."""
    layer = site.node.layer
    subject.findings.add(
        "MSL521", site, f"`{layer.name}` {what}", always=True,
        notes=("`Text` asks at each place for the token that comes next",),
        helps=(f"write `{name}={value}`",),
        fix=with_argument(
            subject.places, site.node.span, layer.arguments, name, value, safe=False
        ),
    )  # fmt: skip


def _check_vocabulary(subject: Subject, site: Site) -> None:
    """MSL512."""
    rows = site.node.layer.num_embeddings  # type: ignore[attr-defined]
    if rows < BYTES and subject.graph.makers(site.node.inputs[0]) == [None]:
        subject.findings.add(
            "MSL512", site, f"`Embedding` has {rows} rows for {BYTES} tokens",
            f"fails on bytes from {rows} up", always=True,
            notes=(f"tokens are bytes, which have {BYTES} values",),
            helps=(f"write `Embedding({BYTES}, ..)`",),
        )  # fmt: skip
