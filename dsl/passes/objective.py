"""The sections ``loss`` and the setting ``metrics``: what the model's outputs are held against."""

from __future__ import annotations

from typing import Any

from dsl.diagnostics.suggest import nearest
from dsl.kinds.kind import KindError
from dsl.kinds.values import Float, is_int
from dsl.passes.evaluate import Reported
from dsl.passes.masks import read_masks
from dsl.passes.section_context import Context
from dsl.shapes.trace import plain
from dsl.shapes.types import TensorType
from dsl.source import Span
from dsl.syntax import ast
from dsl.training.losses import Loss
from dsl.training.metrics import Metric
from dsl.training.plan import LossTerm, MetricUse

Arrays = dict[str, tuple[TensorType, Span | None]]
"""Arrays of the data by name, with their types and the terms that read them (None: an input)."""

EXAMPLE = "loss { digit: CrossEntropy; box: SmoothL1 * 0.5 }"


def read_losses(section: ast.Section, context: Context) -> tuple[LossTerm, ...]:
    """The terms of the loss; mistakes make the section doubtful."""
    terms: list[LossTerm] = []
    seen: dict[Any, Span] = {}
    for item in _items(section, context):
        try:
            term = _term(item, context)
            key = (term.output, term.kind)
            if key in seen:
                raise context.fail(
                    "MSL404", "this term stands here twice", item.span,
                    others=((seen[key], "the first"),), helps=("give it a greater weight instead",),
                )  # fmt: skip
            seen[key] = item.span
            terms.append(term)
        except Reported:
            context.doubtful.add("loss")
    _hold_together(terms, context)
    terms = read_masks(terms, context)
    for term in terms:
        alias = "loss" if len(terms) == 1 else ""
        context.record_kind(f"loss.{term.output}", term.kind, alias=alias)
        context.record(f"loss.{term.output}.factor", term.weight, term.weight != 1.0)
        context.record(f"loss.{term.output}.target", term.target, term.kind.target is not None)
        if term.mask:
            context.record(f"loss.{term.output}.mask", term.mask, True)
    return tuple(terms)


def _items(section: ast.Section, context: Context) -> list[ast.Item]:
    if section.head is not None and section.entries is not None:
        raise context.fail(
            "MSL402", "`loss` is one term, or several in braces", section.span,
            helps=(f"put all terms in the braces: `{EXAMPLE}`",),
        )  # fmt: skip
    if section.head is not None:
        return [ast.Item(None, context.head(section, EXAMPLE), span=section.head.span)]
    items: list[ast.Item] = []
    for entry in context.entries(section, EXAMPLE):
        if isinstance(entry, ast.Item):
            items.append(entry)
            continue
        context.wrong_entry(entry, "output: Kind(args) * weight", ": ")
        context.doubtful.add("loss")
    if not items and "loss" not in context.doubtful:
        raise context.fail(
            "MSL402", "the loss has no term", section.span, helps=(f"write `{EXAMPLE}`",)
        )
    return items


def _term(item: ast.Item, context: Context) -> LossTerm:
    expr, weight = _factors(item.value, context)
    kind = context.kind(expr, "loss")
    assert isinstance(kind, Loss)
    output = _output_of(item, context)
    target_type = None
    types = context.outputs
    if types is not None and output in types:
        target_type = _target_type(kind, types[output], item, expr, context)
    target, mask = str(kind.target or output), str(kind.mask or "")
    return LossTerm(output, kind, weight, target, item.span, target_type, mask)


def _factors(expr: ast.Expr, context: Context) -> tuple[ast.Expr, float]:
    """A term as its kind and its weight."""
    kinds: list[ast.Expr] = []
    weight = 1.0
    stack = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.OnPattern):
            raise context.fail(
                "MSL211", "`on` has no meaning in a loss", node.target.span,
                helps=("the output stands in front: `loss { click: BinaryCrossEntropy }`",),
            )  # fmt: skip
        if isinstance(node, ast.Paren):
            stack.append(node.value)
        elif isinstance(node, ast.Binary) and node.op == "*":
            stack.extend((node.right, node.left))
        elif isinstance(node, ast.Binary) and _holds_kind(node):
            raise _no_product(node, context)
        elif isinstance(node, ast.KindCall) or _is_word(node, context):
            kinds.append(node)
        else:
            weight *= _weight(node, context)
    if len(kinds) != 1:
        raise _no_product(expr, context)
    return kinds[0], weight


def _is_word(node: ast.Expr, context: Context) -> bool:
    """Whether a name is a kind: one in lower case, or one that a ``let`` holds."""
    if not isinstance(node, ast.Name):
        return False
    binding = context.scope.lookup(node.id)
    return binding is None or not isinstance(binding.value, (int, float, type(None)))


def _holds_kind(node: ast.Binary) -> bool:
    return any(isinstance(side, (ast.KindCall, ast.Binary)) for side in (node.left, node.right))


def _no_product(expr: ast.Expr, context: Context) -> Reported:
    return context.fail(
        "MSL414", "a term of the loss is one kind, times a weight", expr.span,
        helps=("several terms stand in braces, each for its output: "
               "`loss { digit: CrossEntropy * 1.0; box: SmoothL1 * 0.5 }`",),
    )  # fmt: skip


def _weight(expr: ast.Expr, context: Context) -> float:
    value = context.evaluator.evaluate(expr, context.scope)
    wanted = Float(0)
    if not (is_int(value) or isinstance(value, float)) or value < 0:
        raise context.fail("MSL414", f"the weight of a term is {wanted}", expr.span)
    return float(plain(value))


def _output_of(item: ast.Item, context: Context) -> str:
    outputs = context.outputs
    if item.target is not None:
        _require_output(item.target, item.target_span or item.span, outputs, context)
        return item.target
    if outputs is None:
        return ""
    if len(outputs) > 1:
        entries = "; ".join(f"{name}: .." for name in outputs)
        raise context.fail(
            "MSL411", f"the model has {len(outputs)} outputs, and the loss names none", item.span,
            helps=(f"say which it is taken of: `loss {{ {entries} }}`",),
        )  # fmt: skip
    return next(iter(outputs), "")


def _require_output(
    name: str, span: Span, outputs: dict[str, TensorType] | None, context: Context
) -> None:
    if outputs is None or name in outputs:
        return
    near = nearest(name, outputs)
    known = "it has " + ", ".join(f"`{output}`" for output in outputs)
    raise context.fail(
        "MSL410", f"the model has no output `{name}`", span,
        helps=(f"did you mean `{near[0]}`?" if near else known,),
    )  # fmt: skip


def _target_type(
    kind: Loss, output: TensorType, item: ast.Item, expr: ast.Expr, context: Context
) -> TensorType:
    try:
        return kind.target_type(output)
    except KindError as problem:
        span = context.argument_span(expr, kind, problem.arg, expr.span)
        raise context.fail(
            problem.code, problem.message, span if problem.arg else expr.span,
            notes=(f"the output is {output.dtype}{output.named()}",),
            helps=(problem.help,) if problem.help else (),
        ) from None  # fmt: skip


def _hold_together(terms: list[LossTerm], context: Context) -> None:
    """Terms that read one array, or shape one output, must agree about it."""
    arrays: Arrays = {name: (type_, None) for name, type_ in (context.inputs or {}).items()}
    owners: dict[str, LossTerm] = {}
    for term in terms:
        if term.target_type is not None and not _same_array(term, arrays, context):
            context.doubtful.add("loss")
        activation = term.kind.activation
        owner = owners.setdefault(term.output, term) if activation != "none" else term
        if owner.kind.activation != activation:
            context.doubtful.add("loss")
            context.reporter.report(
                "MSL413",
                f"`{owner.kind.name}` takes a {owner.kind.activation} of `{term.output}`, "
                f"`{term.kind.name}` a {activation}",
                term.span, others=((owner.span, "the other term"),),
                helps=("one output has one meaning: give each loss an output of its own",),
            )  # fmt: skip


def _same_array(term: LossTerm, arrays: Arrays, context: Context) -> bool:
    """Whether earlier uses of the term's array, or an input of that name, have its type too."""
    wanted = term.target_type
    if wanted is None:
        return True
    known, span = arrays.setdefault(term.target, (wanted, term.span))
    if known.shape == wanted.shape and (known.dtype == wanted.dtype or span is None):
        return True
    others = () if span is None else ((span, f"takes it as {known}"),)
    what = f"the input `{term.target}`" if span is None else "another term"
    context.reporter.report(
        "MSL413",
        f"`{term.kind.name}` wants the array `{term.target}` as {wanted}; for {what} it is {known}",
        term.span, others=others, helps=("give the term an array of its own with `target=`",),
    )  # fmt: skip
    return False


# --- metrics ----------------------------------------------------------------------------


def read_metrics(
    expr: ast.Expr, losses: tuple[LossTerm, ...], context: Context
) -> tuple[MetricUse, ...]:
    """The metrics of the setting ``metrics``: a list, or one alone."""
    items = expr.items if isinstance(expr, ast.List) else (expr,)
    uses: list[MetricUse] = []
    for item in items:
        try:
            use = _metric(item, losses, context)
            same = [other for other in uses if (other.kind, other.output) == (use.kind, use.output)]
            if same:
                raise context.fail(
                    "MSL404", f"`{use.kind.name}` stands here twice", item.span,
                    others=((same[0].span, "the first"),),
                )  # fmt: skip
            uses.append(use)
        except Reported:
            context.doubtful.add("train")
    return tuple(uses)


def _metric(item: ast.Expr, losses: tuple[LossTerm, ...], context: Context) -> MetricUse:
    inner = item.value if isinstance(item, ast.OnPattern) else item
    kind = context.kind(inner, "metric")
    assert isinstance(kind, Metric)
    terms = {term.output: term for term in losses}
    if isinstance(item, ast.OnPattern):
        output = _named_output(item.target, context)
        if output not in terms and _losses_known(context):
            raise context.fail(
                "MSL415", f"no loss is taken of `{output}`, so that it has no target", item.span,
                helps=(f"add a term: `loss {{ {output}: .. }}`",),
            )  # fmt: skip
    else:
        output = _only_fitting(kind, terms, item, context)
    term = terms.get(output)
    if term is not None and context.outputs is not None and output in context.outputs:
        _hold_metric(kind, term, context.outputs[output], inner, context)
    several = len(context.outputs or terms) > 1
    name = f"{output}_{kind.label}" if several and output else kind.label
    return MetricUse(kind, output, item.span, name)


def _losses_known(context: Context) -> bool:
    """Whether a metric can be held against the losses; without a section MSL407 says it all."""
    return (
        context.outputs is not None
        and "loss" in context.sections
        and "loss" not in context.doubtful
    )


def _named_output(target: ast.Expr, context: Context) -> str:
    if not isinstance(target, ast.Name):
        is_text = isinstance(target, ast.String)
        raise context.fail(
            "MSL421", "a metric is taken of one output, by its bare name", target.span,
            helps=(f"write `on {target.value}`" if is_text else "write `AUC on click`",),
        )  # fmt: skip
    _require_output(target.id, target.span, context.outputs, context)
    return target.id


def _only_fitting(
    kind: Metric, terms: dict[str, LossTerm], item: ast.Expr, context: Context
) -> str:
    """The one output that an unaddressed metric can be taken of."""
    if not _losses_known(context) or not terms:
        return ""
    if len(terms) == 1:
        return next(iter(terms))
    fitting = [name for name, term in terms.items() if term.kind.task in kind.tasks]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise context.fail("MSL415", f"`{kind.name}` fits none of the outputs", item.span)
    raise context.fail(
        "MSL411", f"`{kind.name}` fits {' and '.join(f'`{name}`' for name in fitting)}", item.span,
        helps=(f"say which: `{item.span.text} on {fitting[0]}`",),
    )  # fmt: skip


def _hold_metric(
    kind: Metric, term: LossTerm, output: TensorType, expr: ast.Expr, context: Context
) -> None:
    try:
        kind.fits(term.kind, output)
    except KindError as problem:
        span = context.argument_span(expr, kind, problem.arg, expr.span)
        raise context.fail(
            problem.code, problem.message, span if problem.arg else expr.span,
            others=((term.span, "the loss of this output"),),
            helps=(problem.help,) if problem.help else (),
        ) from None  # fmt: skip
