"""The section ``search``: what tuning may change, and within which bounds."""

from __future__ import annotations

from typing import Any

from dsl.diagnostics.model import Reporter
from dsl.diagnostics.suggest import nearest
from dsl.kinds.kind import Kind
from dsl.kinds.values import BadValue, Float, Int, KindOf, OneOf, ValueType
from dsl.passes.arguments import Evaluator
from dsl.passes.evaluate import Reported
from dsl.passes.parameters import value_type
from dsl.passes.section_context import Context
from dsl.shapes.trace import plain
from dsl.source import Span
from dsl.syntax import ast
from dsl.training.device import Train
from dsl.training.distributions import Distribution, LogUniform, Uniform
from dsl.training.plan import Training

EXAMPLE = "search { lr = LogUniform(1e-5, 1e-2); width = Choice(32, 64, 128) }"

Knobs = dict[str, list[tuple[str, ValueType | None]]]
"""What a name can mean: the full path of each meaning, with its type where that is known."""


def read_search(section: ast.Section, training: Training, context: Context) -> dict[str, Kind]:
    """The distributions by what they change: a parameter's name, or a setting's full path.

    Args:
        section: As written.
        training: The other sections, already read.
        context: As ever.
    """
    found: dict[str, Kind] = {}
    seen: dict[str, Span] = {}
    knobs = _knobs(training, context)
    for entry in context.entries(section, EXAMPLE):
        try:
            if not isinstance(entry, ast.Setting):
                raise context.wrong_entry(entry, "name = LogUniform(1e-5, 1e-2)", " = ")
            path, distribution = _entry(entry, knobs, context)
            if path in seen:
                raise context.fail(
                    "MSL404", f"`{entry.name}` stands here twice", entry.name_span,
                    others=((seen[path], "the first"),),
                )  # fmt: skip
            seen[path] = entry.name_span
            found[path] = distribution
            context.record(f"search.{path}", str(distribution), True)
        except Reported:
            context.doubtful.add("search")
    return found


def _entry(entry: ast.Setting, knobs: Knobs, context: Context) -> tuple[str, Distribution]:
    value = context.evaluator.argument(entry.value, KindOf("distribution"), context.scope)
    if not isinstance(value, Distribution):
        raise context.fail(
            "MSL205", f"`{entry.name}` is drawn from a distribution", entry.value.span,
            helps=("write `Choice(32, 64, 128)`, `Uniform(0.1, 0.5)`, `IntUniform(1, 8)` or "
                   "`LogUniform(1e-5, 1e-2)`",),
        )  # fmt: skip
    path, wanted = _meaning(entry, knobs, context)
    if wanted is not None:
        _hold(entry, value, wanted, context)
    return path, value


def _meaning(entry: ast.Setting, knobs: Knobs, context: Context) -> tuple[str, ValueType | None]:
    meanings = knobs.get(entry.name, [])
    if len(meanings) == 1:
        return meanings[0]
    if meanings:
        paths = " and ".join(f"`{path}`" for path, _ in meanings)
        raise context.fail(
            "MSL440", f"`{entry.name}` may mean {paths}", entry.name_span,
            helps=("hold it in a `param` of its own, and search that",),
        )  # fmt: skip
    if context.model is None or context.doubtful & {"optimizer", "loss", "schedule"}:
        return entry.name, None
    near = nearest(entry.name, knobs)
    raise context.fail(
        "MSL440", f"no parameter or setting is called `{entry.name}`", entry.name_span,
        helps=(f"did you mean `{near[0]}`?",) if near else (
            "it may be a `param` of the file, a parameter of the model, or a setting such as `lr`",
        ),
    )  # fmt: skip


def _knobs(training: Training, context: Context) -> Knobs:
    """Everything that can be searched; a parameter wins over a setting of the same name."""
    knobs: Knobs = {}
    for name, argument in Train.arguments.items():
        if name not in ("metrics", "checkpoint"):
            knobs.setdefault(name, []).append((f"train.{name}", argument.type))
    kinds = [("optimizer", training.optimizer), ("schedule", training.schedule)]
    if len(training.losses) == 1:
        kinds.append(("loss", training.losses[0].kind))
    for word, kind in kinds:
        for name, argument in kind.arguments.items() if kind is not None else ():
            if name not in ("target", "decay_on"):
                knobs.setdefault(name, []).append((f"{word}.{name}", argument.type))
    quiet = Evaluator(Reporter())
    for param in _params(context):
        try:
            knobs[param.name] = [(param.name, value_type(param, quiet, context.scope))]
        except Reported:
            knobs[param.name] = [(param.name, None)]
    return knobs


def _params(context: Context) -> list[ast.Param]:
    params = [
        statement.param
        for statement in context.module.file.statements
        if isinstance(statement, ast.ParamDecl)
    ]
    if context.model is not None:
        params.extend(getattr(context.model.decl, "params", ()))
    return params


def _hold(entry: ast.Setting, value: Distribution, wanted: ValueType, context: Context) -> None:
    """Every value that may be drawn must be one that could be written."""
    if isinstance(value, (Uniform, LogUniform)) and _takes_ints_only(wanted):
        raise context.fail(
            "MSL441", f"`{entry.name}` takes {wanted}, and `{value.name}` draws any number",
            entry.value.span, helps=("use `IntUniform` or `Choice`",),
        )  # fmt: skip
    for end in value.ends:
        try:
            wanted.coerce(end)
        except BadValue as problem:
            shown = f"{plain(end):g}" if isinstance(end, (int, float)) else str(end)
            raise context.fail(
                "MSL441", f"`{value.name}` may draw {shown}, and `{entry.name}` {problem.message}",
                entry.value.span, helps=(problem.help,) if problem.help else (),
            ) from None  # fmt: skip


def _takes_ints_only(wanted: ValueType) -> bool:
    inner: Any = getattr(wanted, "inner", wanted)
    if isinstance(inner, OneOf):
        return all(_takes_ints_only(part) for part in inner.types)
    return isinstance(inner, Int) and not isinstance(inner, Float)
