"""The sections ``optimizer``, ``schedule`` and ``regularization``: how weights move."""

from __future__ import annotations

from typing import Any

from dsl.diagnostics.suggest import nearest
from dsl.kinds.kind import Kind, KindError
from dsl.passes.evaluate import Reported
from dsl.passes.patterns import default_keys, matched_keys, read_patterns
from dsl.passes.section_context import Context
from dsl.record import Record, field
from dsl.shapes.types import TensorType
from dsl.source import Span
from dsl.syntax import ast
from dsl.training.optimizers import Adam, Optimizer
from dsl.training.plan import LossTerm, MetricUse, Penalty
from dsl.training.regularizers import Augment, ClipNorm, ClipValue, EarlyStopping, Regularizer
from dsl.training.schedules import Schedule, check_floor

EXAMPLE = "regularization { L2(1e-4); ClipNorm(1.0) }"


class Regularization(Record, frozen=False, eq=False):
    """What the section says, sorted."""

    penalties: list[Penalty] = field(default_factory=list)
    clip: list[Kind] = field(default_factory=list)
    early_stopping: EarlyStopping | None = None
    stopping_item: ast.Item | None = None
    augment: tuple[Kind, ...] = ()


# --- optimizer and schedule -------------------------------------------------------------


def read_optimizer(
    section: ast.Section | None, context: Context
) -> tuple[Optimizer | None, tuple[str, ...]]:
    """The optimizer, Adam where there is a loss and no other word, and the keys that decay."""
    if section is None:
        if "loss" not in context.sections:
            return None, ()
        optimizer: Any = Adam()
        context.record_kind("optimizer", optimizer, given=False)
        return optimizer, ()
    expr = context.head(section, "optimizer AdamW(lr=3e-4)")
    optimizer = context.kind(expr, "optimizer")
    context.record_kind("optimizer", optimizer)
    return optimizer, _decayed(optimizer, expr, context)


def _decayed(optimizer: Optimizer, expr: ast.Expr, context: Context) -> tuple[str, ...]:
    if not optimizer.decay_patterns:
        if not optimizer.weight_decay or context.model is None:
            return ()
        return default_keys(context)
    span = context.argument_span(expr, optimizer, "decay_on", expr.span)
    return matched_keys([(text, span) for text in optimizer.decay_patterns], context)


def read_schedule(section: ast.Section, optimizer: Optimizer | None, context: Context) -> Schedule:
    """The schedule, held against the optimizer's rate."""
    expr = context.head(section, "schedule Cosine(warmup=500)")
    schedule: Any = context.kind(expr, "schedule")
    context.record_kind("schedule", schedule)
    if optimizer is None:
        return schedule
    try:
        check_floor(schedule, optimizer.lr)
    except KindError as problem:
        span = context.argument_span(expr, schedule, problem.arg, expr.span)
        raise context.fail(problem.code, problem.message, span, helps=(problem.help,)) from None
    return schedule


# --- regularization ---------------------------------------------------------------------


def read_regularization(section: ast.Section, context: Context) -> Regularization:
    """The entries of the section."""
    found = Regularization()
    seen: dict[Any, Span] = {}
    for entry in context.entries(section, EXAMPLE):
        try:
            if not isinstance(entry, ast.Item) or entry.target is not None:
                raise context.wrong_entry(entry, "Kind(args)")
            _read_entry(entry, found, seen, context)
        except Reported:
            context.doubtful.add("regularization")
    return found


def _read_entry(
    entry: ast.Item, found: Regularization, seen: dict[Any, Span], context: Context
) -> None:
    expr, target = entry.value, None
    if isinstance(expr, ast.OnPattern):
        expr, target = expr.value, expr.target
    kind = context.kind(expr, "regularizer")
    assert isinstance(kind, Regularizer)
    if target is not None and not kind.penalty:
        raise context.fail(
            "MSL211", f"`{kind.name}` acts on the run as a whole, `on` has no meaning here",
            target.span,
        )  # fmt: skip
    patterns = read_patterns(target, context) if target is not None else ()
    texts = tuple(text for text, _ in patterns)
    key = type(kind) if kind.once else (type(kind), texts)
    if key in seen:
        raise context.fail(
            "MSL404", f"`{kind.name}` stands here twice", entry.span,
            others=((seen[key], "the first"),), helps=("keep one of them",),
        )  # fmt: skip
    seen[key] = entry.span
    number = sum(isinstance(penalty.kind, type(kind)) for penalty in found.penalties) + 1
    suffix = f"_{number}" if number > 1 else ""
    context.record_kind(f"regularization.{kind.name}{suffix}", kind)
    if kind.penalty:
        keys = matched_keys(patterns, context) if patterns else default_keys(context)
        found.penalties.append(Penalty(kind, texts, keys, entry.span))
    else:
        _file(kind, entry, found, context)


def _file(kind: Kind, entry: ast.Item, found: Regularization, context: Context) -> None:
    if isinstance(kind, (ClipNorm, ClipValue)):
        found.clip.append(kind)
    elif isinstance(kind, EarlyStopping):
        found.early_stopping, found.stopping_item = kind, entry
    elif isinstance(kind, Augment):
        found.augment = kind.augmentations
        _check_augment(kind, entry, context)


def _check_augment(kind: Augment, entry: ast.Item, context: Context) -> None:
    """Augmentations need one image input, and fit it."""
    if context.inputs is None:
        return
    images = [type_ for type_ in context.inputs.values() if is_image(type_)]
    if len(images) != 1:
        have = f"there are {len(images)}" if images else "there is none"
        raise context.fail(
            "MSL452", f"`Augment` changes the model's image input, and {have}", entry.span,
            helps=("an image is `float32[channels, height, width]`",),
        )  # fmt: skip
    for augmentation in kind.augmentations:
        try:
            augmentation.fits(images[0])
        except KindError as problem:
            raise context.fail(
                problem.code, f"`{augmentation.name}`: {problem.message}",
                _written(augmentation, problem.arg, entry, context),
                helps=(problem.help,),
            ) from None  # fmt: skip


def _written(augmentation: Kind, name: str, entry: ast.Item, context: Context) -> Span:
    """Where an argument of an augmentation stands."""
    call = entry.value
    for argument in call.args if isinstance(call, ast.KindCall) else ():
        if isinstance(argument.value, ast.KindCall) and argument.value.kind == augmentation.name:
            return context.argument_span(argument.value, augmentation, name, argument.span)
    return entry.span


def is_image(type_: TensorType) -> bool:
    """Whether a value is ``[channels, height, width]``."""
    return type_.rank == 3 and type_.axes == ("channels", "height", "width")


def check_targets_of_augment(
    found: Regularization, losses: tuple[LossTerm, ...], section: ast.Section, context: Context
) -> None:
    """Refuses to move the pixels of an image whose target is an image as well."""
    if not found.augment:
        return
    for term in losses:
        axes = term.target_type.axes if term.target_type is not None else ()
        if "height" in axes or "width" in axes:
            context.reporter.report(
                "MSL452",
                f"`Augment` moves the pixels of the input, and not those of the target "
                f"`{term.target}`",
                section.span, others=((term.span, f"its target is {term.target_type}"),),
                helps=("leave it out: the two would no longer fit each other",),
            )  # fmt: skip
            return


def check_monitor(
    found: Regularization, metrics: tuple[MetricUse, ...], held_out: bool, context: Context
) -> None:
    """Holds EarlyStopping's figure against those that a run has.

    Args:
        found: The section.
        metrics: Of the section ``train``.
        held_out: Whether there may be a validation part.
        context: As ever.
    """
    stopping, item = found.early_stopping, found.stopping_item
    if stopping is None or item is None or "train" in context.doubtful:
        return
    figures = ["loss", *(use.name for use in metrics)]
    known = [*(f"val_{figure}" for figure in figures), *figures]
    span = context.argument_span(item.value, stopping, "monitor", item.span)
    if stopping.monitor not in known:
        near = nearest(stopping.monitor, known)
        listed = ", ".join(f'"{figure}"' for figure in known)
        context.reporter.report(
            "MSL417", f'the run has no figure "{stopping.monitor}"', span,
            helps=(f'did you mean "{near[0]}"?' if near else f"there are {listed}",),
        )  # fmt: skip
    elif stopping.monitor.startswith("val_") and not held_out:
        context.reporter.report(
            "MSL417",
            f'"{stopping.monitor}" is taken of the validation part, and `data` sets none aside',
            span, helps=("give the data source `validation=0.1`",),
        )  # fmt: skip
