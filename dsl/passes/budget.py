"""The section ``budget``: assertions about what the model costs."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable

from dsl.diagnostics.model import Reporter
from dsl.diagnostics.suggest import nearest
from dsl.kinds.values import Quantity, describe, is_int
from dsl.passes.evaluate import Reported
from dsl.passes.section_context import Context
from dsl.record import Record
from dsl.shapes.trace import plain
from dsl.source import Span
from dsl.syntax import ast
from dsl.training.plan import Limit

EXAMPLE = "budget { params <= 12M }"

QUANTITIES = {
    "params": "",
    "active_params": "",
    "flops": "",
    "macs": "",
    "memory": "B",
    "train_memory": "B",
}
"""What can be limited, with the unit of the bound; FLOPs and MACs are of one sample's forward."""

WORDS = {
    "params": "trainable parameters",
    "active_params": "trainable parameters that one position meets",
    "flops": "FLOPs in the forward pass of one sample",
    "macs": "MACs in the forward pass of one sample",
    "memory": "bytes of live tensors in the forward pass of the spec's batch",
    "train_memory": "bytes of live tensors in a training step of the spec's batch",
}

_HOLDS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
    "==": operator.eq,
}


def read_budget(section: ast.Section, context: Context) -> tuple[Limit, ...]:
    """The limits of the section."""
    limits: list[Limit] = []
    seen: dict[tuple[str, str], Span] = {}
    for entry in context.entries(section, EXAMPLE):
        try:
            if not isinstance(entry, ast.Limit):
                raise context.wrong_entry(entry, "params <= 12M", " <= ")
            limits.append(_limit(entry, seen, context))
        except Reported:
            context.doubtful.add("budget")
    return tuple(limits)


def _limit(entry: ast.Limit, seen: dict[tuple[str, str], Span], context: Context) -> Limit:
    if entry.name not in QUANTITIES:
        near = nearest(entry.name, QUANTITIES)
        known = f"there are {', '.join(QUANTITIES)}"
        raise context.fail(
            "MSL430", f"nothing called `{entry.name}` can be limited", entry.name_span,
            helps=(f"did you mean `{near[0]}`?" if near else known,),
        )  # fmt: skip
    side = (entry.name, entry.op.rstrip("="))
    if side in seen:
        raise context.fail(
            "MSL404", f"`{entry.name}` is limited twice", entry.span,
            others=((seen[side], "the first"),),
        )  # fmt: skip
    seen[side] = entry.span
    bound = _bound(entry, context)
    context.record(f"budget.{entry.name}", f"{entry.op} {bound}", True)
    return Limit(entry.name, entry.op, bound, entry.span)


def _bound(entry: ast.Limit, context: Context) -> int | float | Quantity:
    value = plain(context.evaluator.evaluate(entry.value, context.scope))
    unit = QUANTITIES[entry.name]
    number = value.value if isinstance(value, Quantity) else value
    is_number = is_int(number) or isinstance(number, float)
    if is_number and (value.unit if isinstance(value, Quantity) else "") == unit and number > 0:
        return value
    wanted = "an amount of memory, such as 8GiB" if unit else "a count above 0, such as 12M"
    text = entry.value.span.text
    helps: tuple[str, ...] = ()
    if isinstance(entry.value, ast.Number) and unit and text[-1:] in "KMGT":
        helps = (f"write `{text}iB` or `{text}B`",)
    elif isinstance(entry.value, ast.Number) and not unit and text.endswith("B"):
        helps = (f"write `{text.removesuffix('B').removesuffix('i')}`",)
    shown = f"`{text}`" if isinstance(value, Quantity) else describe(value)
    raise context.fail(
        "MSL431", f"`{entry.name}` is limited by {wanted}, not {shown}",
        entry.value.span, helps=helps,
    )  # fmt: skip


class Figure(Record):
    """What a model has of something that can be limited.

    Attributes:
        amount: How much, counted.
        largest: The layers that have the most of it, in words, the first the largest.
    """

    amount: int
    largest: tuple[str, ...] = ()


def check_budget(
    limits: Iterable[Limit], measure: Callable[[str], Figure], reporter: Reporter
) -> None:
    """Holds the model's figures against the budget.

    Args:
        limits: Of the section.
        measure: Gives the figure of a quantity.
        reporter: Is told of every limit that does not hold.
    """
    for limit in limits:
        _check_limit(limit, measure(limit.quantity), reporter)


def describe_limit(limit: Limit, measured: Figure) -> str:
    """A limit with its figure and margin: ``kept: params <= 12M: 11,689,512, 2.6 % to spare``."""
    figure, bound = measured.amount, _number(limit)
    share = abs(figure - bound) / bound
    kept = _HOLDS[limit.op](figure, bound)
    margin = "to spare" if kept else "over" if figure > bound else "under"
    return f"{'kept' if kept else 'broken'}: {limit.span.text}: {figure:,}, {share:.1%} {margin}"


def _number(limit: Limit) -> int | float:
    return limit.bound.value if isinstance(limit.bound, Quantity) else limit.bound


def _check_limit(limit: Limit, measured: Figure, reporter: Reporter) -> None:
    figure, bound = measured.amount, _number(limit)
    if _HOLDS[limit.op](figure, bound):
        return
    word = "over" if figure > bound else "under"
    difference = abs(figure - bound)
    reporter.report(
        "MSL432",
        f"the model has {figure:,} {WORDS[limit.quantity]}, and the budget says "
        f"`{limit.span.text}`",
        limit.span,
        f"{word} by {difference:,} ({difference / bound:.1%})",
        notes=(f"most of it: {'; '.join(measured.largest)}",) if measured.largest else (),
        helps=("`msl cost` shows which layers they are in",),
    )
