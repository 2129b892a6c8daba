"""The training sections of a file: from the syntax tree to the plan that backends write from.

Sections are read in a fixed order, each on its own: a mistake in one leaves the others to be
checked, and rules that would need it keep silent. Readers of rarer sections are imported when a
spec has one, since start-up counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import dsl.training.families  # noqa: F401  (registers the kinds)
from dsl.diagnostics.model import Reporter
from dsl.diagnostics.suggest import nearest
from dsl.ir import Key, Model
from dsl.kinds.kind import Kind
from dsl.passes.arguments import Evaluator
from dsl.passes.evaluate import Reported
from dsl.passes.objective import read_losses, read_metrics
from dsl.passes.overrides import WORDS, Overrides
from dsl.passes.regularization import (
    Regularization,
    check_monitor,
    check_targets_of_augment,
    read_optimizer,
    read_regularization,
    read_schedule,
)
from dsl.passes.scope import Module
from dsl.passes.section_context import Context
from dsl.record import Record, field
from dsl.source import Span
from dsl.syntax import ast
from dsl.training.device import SETTINGS
from dsl.training.optimizers import Optimizer
from dsl.training.plan import (
    DataPlan,
    DeviceSettings,
    Limit,
    LossTerm,
    MetricUse,
    Training,
    TrainSettings,
)

NEED_LOSS = ("optimizer", "schedule", "regularization", "train")
"""Sections that mean nothing without a loss."""

EXAMPLES = {"train": "train { epochs = 20; batch = 64 }", "device": "device { target = auto }"}


def elaborate_sections(
    module: Module,
    model: Model | None,
    evaluator: Evaluator,
    overrides: Mapping[str, str | ast.Expr],
    reporter: Reporter,
    keys: Iterable[Key] | None = None,
) -> Training:
    """Reads every training section of a file.

    Args:
        module: The main file; its lets and params may stand in sections.
        model: The elaborated model; None where mistakes leave it unknown, and then rules that need
            it keep silent.
        evaluator: Reports to the same reporter.
        overrides: Settings from outside by path, such as ``train.epochs``, as text or expressions.
        reporter: Is told of every mistake.
        keys: The model's weights (`dsl.ir.weight_keys`); the model is walked for them where they
            are needed and not given.

    Returns:
        The plan, without what a mistake has left unknown.
    """
    context = Context(module, model, evaluator, reporter, {}, set(), keys)
    _gather(context)
    context.overridden = Overrides(context.sections, context.outputs, reporter).apply(overrides)
    draft = _Draft(context)
    for word, read in _READERS:
        try:
            read(draft)
        except Reported:
            context.doubtful.add(word)
    draft.hold_together()
    return draft.training()


def _gather(context: Context) -> None:
    """Files the sections by their word; a second one of a word is a mistake."""
    for statement in context.module.file.statements:
        if isinstance(statement, ast.Broken):
            context.doubtful.update(_meant(statement))
        if not isinstance(statement, ast.Section):
            continue
        known = context.sections.setdefault(statement.word, statement)
        if known is not statement:
            context.reporter.report(
                "MSL401", f"there are two sections `{statement.word}`", statement.word_span,
                others=((known.word_span, "the first"),), helps=("put them together",),
            )  # fmt: skip


def _meant(statement: ast.Broken) -> Iterable[str]:
    """The sections that an unreadable statement may have been."""
    text = statement.span.text
    first = text.split(maxsplit=1)[0] if text.strip() else ""
    return (*(word for word in WORDS if text.startswith(word)), *nearest(first, WORDS))


class _Draft(Record, frozen=False, eq=False):
    """The plan in the making."""

    context: Context
    losses: tuple[LossTerm, ...] = ()
    optimizer: Optimizer | None = None
    decayed: tuple[str, ...] = ()
    schedule: Kind | None = None
    regularization: Regularization = field(default_factory=Regularization)
    metrics: tuple[MetricUse, ...] = ()
    data: DataPlan | None = None
    train: TrainSettings = TrainSettings()
    device: DeviceSettings = DeviceSettings()
    budget: tuple[Limit, ...] = ()
    search: dict[str, Kind] = field(default_factory=dict)

    def section(self, word: str) -> ast.Section | None:
        """The section of that word."""
        return self.context.sections.get(word)

    def read_loss(self) -> None:
        """The section ``loss``."""
        section = self.section("loss")
        if section is not None:
            self.losses = read_losses(section, self.context)

    def read_optimizer(self) -> None:
        """The section ``optimizer``."""
        self.optimizer, self.decayed = read_optimizer(self.section("optimizer"), self.context)

    def read_schedule(self) -> None:
        """The section ``schedule``."""
        section = self.section("schedule")
        if section is not None:
            self.schedule = read_schedule(section, self.optimizer, self.context)

    def read_regularization(self) -> None:
        """The section ``regularization``."""
        section = self.section("regularization")
        if section is not None:
            self.regularization = read_regularization(section, self.context)
            check_targets_of_augment(self.regularization, self.losses, section, self.context)

    def read_data(self) -> None:
        """The section ``data``."""
        section = self.section("data")
        if section is not None:
            from dsl.passes.sources import read_data

            self.data, self.losses = read_data(section, self.losses, self.context)

    def read_train(self) -> None:
        """The section ``train``."""
        values, given = _settings("train", self.section("train"), self.context)
        metrics = given.get("metrics")
        if metrics is not None:
            self.metrics = read_metrics(metrics.value, self.losses, self.context)
            shown = ", ".join(use.name for use in self.metrics)
            self.context.record("train.metrics", shown, True)
        self.train = _train(values, given, self.context)

    def read_device(self) -> None:
        """The section ``device``."""
        values, given = _settings("device", self.section("device"), self.context)
        if values.get("recompute"):
            from dsl.passes.recompute import check_recompute

            values["recompute_span"] = given["recompute"].value.span
            check_recompute(values["recompute"], values["recompute_span"], self.context)
        self.device = DeviceSettings(**values)

    def read_budget(self) -> None:
        """The section ``budget``."""
        section = self.section("budget")
        if section is not None:
            from dsl.passes.budget import read_budget

            self.budget = read_budget(section, self.context)

    def read_search(self) -> None:
        """The section ``search``."""
        section = self.section("search")
        if section is not None:
            from dsl.passes.search import read_search

            self.search = read_search(section, self.training(), self.context)

    def hold_together(self) -> None:
        """Checks that look at several sections."""
        context = self.context
        held_out = self.data is None or _may_hold_out(self.data.kind)
        check_monitor(self.regularization, self.metrics, held_out, context)
        if "loss" in context.sections or "loss" in context.doubtful:
            return
        idle = [section for word in NEED_LOSS if (section := self.section(word)) is not None]
        if idle:
            words = ", ".join(f"`{section.word}`" for section in idle)
            verb = "has" if len(idle) == 1 else "have"
            context.reporter.report(
                "MSL407", f"{words} {verb} no effect: there is no `loss`", idle[0].word_span,
                others=tuple((section.word_span, "nor this") for section in idle[1:]),
                helps=("add one, such as `loss CrossEntropy`",),
            )  # fmt: skip

    def training(self) -> Training:
        """The plan as far as it is known."""
        found = self.regularization
        return Training(
            losses=self.losses,
            optimizer=self.optimizer,
            schedule=self.schedule,
            penalties=tuple(found.penalties),
            clip=tuple(found.clip),
            early_stopping=found.early_stopping,
            augment=found.augment,
            metrics=self.metrics,
            data=self.data,
            train=self.train,
            device=self.device,
            budget=self.budget,
            search=self.search,
            given=frozenset(self.context.sections),
            decayed=self.decayed,
            resolved=self.context.resolved,
        )


_READERS = (
    ("loss", _Draft.read_loss),
    ("optimizer", _Draft.read_optimizer),
    ("schedule", _Draft.read_schedule),
    ("regularization", _Draft.read_regularization),
    ("data", _Draft.read_data),
    ("train", _Draft.read_train),
    ("device", _Draft.read_device),
    ("budget", _Draft.read_budget),
    ("search", _Draft.read_search),
)


def _may_hold_out(source: Kind) -> bool:
    """Whether a data source may yield a validation part (a Python function decides by itself)."""
    return source.name == "Python" or getattr(source, "validation", 1.0) > 0


# --- sections that are sets of settings -------------------------------------------------


def _settings(
    word: str, section: ast.Section | None, context: Context
) -> tuple[dict[str, Any], dict[str, ast.Setting]]:
    """The values given in ``train`` or ``device``, and the settings they were given by."""
    arguments = SETTINGS[word].arguments
    given: dict[str, ast.Setting] = {}
    values: dict[str, Any] = {}
    for entry in context.entries(section, EXAMPLES[word]) if section is not None else ():
        try:
            if not isinstance(entry, ast.Setting):
                raise context.wrong_entry(entry, "name = value", " = ")
            _require_setting(entry, word, given, context)
            given[entry.name] = entry
            if entry.name != "metrics":
                values[entry.name] = context.setting(entry.name, arguments[entry.name], entry.value)
        except Reported:
            context.doubtful.add(word)
    for name, argument in arguments.items():
        value = values.get(name, argument.default)
        context.record(f"{word}.{name}", value, name in given)
    return values, given


def _require_setting(
    entry: ast.Setting, word: str, given: dict[str, ast.Setting], context: Context
) -> None:
    arguments = SETTINGS[word].arguments
    if entry.name in given:
        raise context.fail(
            "MSL404", f"`{entry.name}` is set twice", entry.span,
            others=((given[entry.name].span, "the first"),),
        )  # fmt: skip
    if entry.name in arguments:
        return
    elsewhere = [other for other in SETTINGS if entry.name in SETTINGS[other].arguments]
    ours = [name for name, argument in arguments.items() if entry.name in argument.keras]
    near = nearest(entry.name, arguments)
    if ours:
        help = f"`{entry.name}` is what others call `{ours[0]}`"
    elif elsewhere:
        help = f"`{entry.name}` belongs into `{elsewhere[0]} {{ .. }}`"
    elif near:
        help = f"did you mean `{near[0]}`?"
    else:
        help = f"there are {', '.join(arguments)}"
    raise context.fail(
        "MSL403", f"`{word}` has no setting `{entry.name}`", entry.name_span, helps=(help,)
    )


def _train(
    values: dict[str, Any], given: dict[str, ast.Setting], context: Context
) -> TrainSettings:
    both = [given[name] for name in ("epochs", "steps") if name in given]
    if len(both) == 2:
        later, earlier = sorted(both, key=_start, reverse=True)
        context.doubtful.add("train")
        context.reporter.report(
            "MSL406", "the run is `epochs` long, or `steps`, not both", later.span,
            others=((_span(earlier), "the other length"),), helps=("keep one of them",),
        )  # fmt: skip
        values.pop("steps", None)
    if values.get("steps") is not None:
        values["epochs"] = None
    plan = TrainSettings(
        **{name: value for name, value in values.items() if name in TrainSettings.FIELDS}
    )
    if "epochs" not in given and plan.epochs is not None:
        context.record("train.epochs", plan.epochs, False)
    return plan


def _start(setting: ast.Setting) -> int:
    return setting.span.start


def _span(setting: ast.Setting) -> Span:
    return setting.span
