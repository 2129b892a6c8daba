"""Arguments of kinds: evaluated as their types ask, matched and reported."""

from __future__ import annotations

from typing import Any

from dsl.diagnostics.model import Edit, Fix
from dsl.diagnostics.suggest import nearest
from dsl.kinds.advice import ADVICE
from dsl.kinds.kind import (
    MUST_BE_GIVEN,
    REGISTRY,
    ArgProblem,
    Kind,
    KindError,
    bind,
    categories_of,
    find,
    keras_word,
    pytorch_word,
)
from dsl.kinds.values import (
    Axis,
    AxisName,
    DType,
    KindOf,
    LayerPath,
    LayerRef,
    ListOf,
    OneOf,
    String,
    ValueType,
    is_int,
)
from dsl.passes.evaluate import Expressions, Reported
from dsl.passes.scope import LayerClosure, Scope, Tensor
from dsl.shapes.trace import TracedAuto
from dsl.shapes.types import AXIS_NAMES, DTYPES
from dsl.source import Span
from dsl.syntax import ast


class Evaluator(Expressions):
    """Evaluates expressions, and the arguments of kinds."""

    def argument(self, expr: ast.Expr, wanted: ValueType | None, scope: Scope) -> Any:
        """The value of an argument; its type decides how bare words and kinds are read."""
        if wanted is None:
            return self.evaluate(expr, scope)
        if _takes(wanted, Axis):
            return self._axis_argument(expr, scope)
        if _takes(wanted, LayerRef):
            path = dotted(expr)
            return LayerPath(path) if path else self.evaluate(expr, scope)
        if _takes(wanted, DType) and isinstance(expr, ast.Name) and expr.id in DTYPES:
            return expr.id
        category = _category(wanted)
        if category:
            return self._kind_argument(expr, category, scope)
        self._hold_words(expr, _choices(wanted), scope)
        return self.evaluate(expr, scope)

    def _hold_words(self, expr: ast.Expr, choices: tuple[str, ...], scope: Scope) -> None:
        """Refuses bare words for the strings that an argument takes: ``padding=same``."""
        items = expr.items if isinstance(expr, ast.List) else (expr,)
        words = [item for item in items if isinstance(item, ast.Name) and item.id in choices]
        words = [word for word in words if not (word.id in DTYPES or scope.lookup(word.id))]
        if not words:
            return
        edits = tuple(Edit(word.span, f'"{word.id}"') for word in words)
        raise self.fail(
            "MSL205", f"`{words[0].id}` is a name, and a string is wanted here", words[0].span,
            helps=(f'write `"{words[0].id}"`',), fix=Fix("put quotes around it", edits),
        )  # fmt: skip

    def _axis_argument(self, expr: ast.Expr, scope: Scope) -> Any:
        if isinstance(expr, ast.List):
            return tuple(self._axis_argument(item, scope) for item in expr.items)
        if not isinstance(expr, ast.Name):
            return self.evaluate(expr, scope)
        binding = scope.lookup(expr.id)
        if binding is not None and isinstance(binding.value, AxisName):
            binding.used = True
            return binding.value
        if expr.id in AXIS_NAMES:
            return AxisName(expr.id)
        near = nearest(expr.id, AXIS_NAMES)
        helps = [f"did you mean `{near[0]}`?"] if near else []
        if binding is not None:
            helps = [f"for the number that `{expr.id}` holds, write `({expr.id})`"]
        raise self.fail("MSL205", f"no axis is called `{expr.id}`", expr.span, helps=tuple(helps))

    def _kind_argument(self, expr: ast.Expr, category: str, scope: Scope) -> Any:
        if isinstance(expr, ast.List):
            return tuple(self._kind_argument(item, category, scope) for item in expr.items)
        if isinstance(expr, ast.KindCall):
            return self.kind(expr, category, scope)
        value = self.evaluate(expr, scope)
        if isinstance(value, LayerClosure):
            return self.kind(value.call, category, value.scope)
        return value

    def kind(self, call: ast.KindCall, category: str, scope: Scope) -> Kind:
        """An instance of a built-in kind of a category.

        Raises:
            Reported: There is no such kind, or its arguments are wrong.
        """
        found = find(category, call.kind)
        if found is None:
            raise self.unknown_kind(call, category)
        return self.instance(found, call, scope)

    def unknown_kind(
        self, call: ast.KindCall, category: str, others: tuple[str, ...] = ()
    ) -> Reported:
        """Reports a kind that does not exist in a category, with what may be meant."""
        noun = {"data": "data source"}.get(category, category)
        article = "an" if category[0] in "aeio" else "a"
        words = {
            "Keras": keras_word(category, call.kind),
            "PyTorch": pytorch_word(category, call.kind),
        }
        ours = next(((whose, word) for whose, word in words.items() if word), None)
        known = [*others, *REGISTRY.get(category, {})]
        near = nearest(call.kind, known)
        elsewhere = [name for name in categories_of(call.kind) if name != category]
        if call.kind in ADVICE:
            helps: tuple[str, ...] = (ADVICE[call.kind],)
        elif ours:
            helps = (f"`{call.kind}` is what {ours[0]} says; here it is `{ours[1]}`",)
        elif elsewhere:
            helps = (
                f"`{call.kind}` is {'an' if elsewhere[0][0] in 'aeio' else 'a'} {elsewhere[0]}",
            )
        elif near:
            helps = (f"did you mean `{near[0]}`?",)
        elif len(known) <= 16:
            helps = (f"there are {', '.join(known)}",)
        else:
            helps = ()
        return self.fail(
            "MSL104", f"there is no {noun} `{call.kind}`", call.name_span,
            f"not {article} {noun}", helps=helps,
        )  # fmt: skip

    def instance(self, kind: type[Kind], call: ast.KindCall, scope: Scope) -> Kind:
        """A kind with the arguments of a call."""
        bound = self.bind_call(kind.arguments, call, scope)
        instance = kind(**bound)
        try:
            instance.check()
        except KindError as problem:
            span = argument_span(kind.arguments, call, problem.arg)
            helps = (problem.help,) if problem.help else ()
            raise self.fail(problem.code, problem.message, span, helps=helps) from None
        return instance

    def bind_call(
        self, arguments: dict[str, Any], call: ast.KindCall, scope: Scope
    ) -> dict[str, Any]:
        """The arguments of a call by name, evaluated and coerced; every mistake is reported.

        Raises:
            Reported: There was one.
        """
        if _is_out_of_order(call):
            raise Reported
        self._refuse_values(arguments, call, scope)
        positional: list[Any] = []
        named: dict[str, Any] = {}
        spans: dict[int | str | None, Span] = {None: call.name_span}
        slots = [key for key, argument in arguments.items() if not argument.keyword]
        failed = False
        for item in call.args:
            key: int | str = len(positional) if item.name is None else item.name
            name = item.name or (slots[min(len(positional), len(slots) - 1)] if slots else "")
            wanted = arguments[name].type if name in arguments else None
            if item.name is not None and item.name in named:
                self.reporter.report("MSL203", f"`{item.name}` is given twice", item.span)
                failed = True
                continue
            spans[key] = item.span
            try:
                value = self.argument(item.value, wanted, scope)
            except Reported:
                failed, value = True, _UNKNOWN
            if item.name is None:
                positional.append(value)
            else:
                named[item.name] = value
        is_own = call.kind in scope.module.blocks
        bound = self._bound(arguments, call, positional, named, spans, failed, is_own)
        if not is_own and call.kind not in scope.module.externs:
            given = {**dict(zip(slots, positional)), **named}
            bound.update((key, item) for key, item in given.items() if isinstance(item, TracedAuto))
        return bound

    def _refuse_values(self, arguments: dict[str, Any], call: ast.KindCall, scope: Scope) -> None:
        """Reports values of the model in the place of arguments: they come by an arrow."""
        names = [item.value for item in call.args if item.name is None]
        values = [name for name in names if isinstance(name, ast.Name) and _is_tensor(name, scope)]
        if not values:
            return
        together = ", ".join(name.id for name in values)
        shown = f"({together})" if len(values) > 1 else together
        raise self.fail(
            "MSL206", f"`{values[0].id}` is a value of the model, and no argument", values[0].span,
            helps=(f"values come by an arrow: `{shown} -> {call.kind}`",),
        )  # fmt: skip

    def _bound(
        self,
        arguments: dict[str, Any],
        call: ast.KindCall,
        positional: list[Any],
        named: dict[str, Any],
        spans: dict[int | str | None, Span],
        failed: bool,
        is_own: bool,
    ) -> dict[str, Any]:
        """The arguments coerced; `is_own` says whether a block of the file's is called."""
        bound, problems = bind(arguments, tuple(positional), named)
        unknown = {key for key, value in enumerate(positional) if value is _UNKNOWN}
        unknown |= {key for key, value in named.items() if value is _UNKNOWN}
        for problem in _of_one_list(arguments, positional, problems):
            if problem.key not in unknown:
                if problem.help == MUST_BE_GIVEN and is_own:
                    problem = problem.replace(help=_left_out(arguments, problem.key))
                self._report_problem(problem, call, spans.get(problem.key, call.span))
                failed = True
        if failed:
            raise Reported
        return bound

    def _report_problem(self, problem: ArgProblem, call: ast.KindCall, span: Span) -> None:
        helps = (problem.help,) if problem.help else ()
        self.reporter.report(problem.code, f"`{call.kind}`: {problem.message}", span, helps=helps)


def _is_out_of_order(call: ast.KindCall) -> bool:
    """Whether an argument without a name follows one with a name, which the parser reports."""
    bare = [item.name is None for item in call.args]
    return bare != sorted(bare, reverse=True)


def _left_out(arguments: dict[str, Any], key: int | str | None) -> str:
    """How a block lets a parameter be left out."""
    name = list(arguments)[key] if isinstance(key, int) else key
    return f"to let it be left out, the block declares `{arguments[name].doc} = auto`"


class _Unknown:
    """An argument whose own mistake is already reported."""


_UNKNOWN = _Unknown()


def _of_one_list(
    arguments: dict[str, Any], positional: list[Any], problems: list[ArgProblem]
) -> list[ArgProblem]:
    """The problems of a call, as one where a list is written without its brackets."""
    first = next(iter(arguments.values()), None)
    bare = len(positional) > 1 and is_int(positional[0]) and problems and problems[0].key == 0
    if first is None or not bare or not isinstance(first.type, ListOf):
        return problems
    problem = problems[0]
    help = "the values stand in a list: `[1, 2]`"
    return [ArgProblem(problem.code, problem.message, problem.key, help)]


def _is_tensor(name: ast.Name, scope: Scope) -> bool:
    """Whether a name stands for a value of the model, known as such."""
    binding = scope.lookup(name.id)
    found = binding.value if binding is not None else None
    return isinstance(found, Tensor) and found.value is not None


def _takes(wanted: ValueType, kind: type[ValueType]) -> bool:
    if isinstance(wanted, OneOf):
        return any(_takes(part, kind) for part in wanted.types)
    return isinstance(wanted, kind) or (isinstance(wanted, ListOf) and _takes(wanted.item, kind))


def _category(wanted: ValueType) -> str:
    if isinstance(wanted, OneOf):
        return next((name for part in wanted.types if (name := _category(part))), "")
    if isinstance(wanted, ListOf):
        return _category(wanted.item)
    return wanted.category if isinstance(wanted, KindOf) else ""


def _choices(wanted: ValueType) -> tuple[str, ...]:
    """The strings that a type takes, where they are few."""
    if isinstance(wanted, OneOf):
        return tuple(text for part in wanted.types for text in _choices(part))
    if isinstance(wanted, ListOf):
        return _choices(wanted.item)
    return wanted.choices if isinstance(wanted, String) else ()


def dotted(expr: ast.Expr) -> str:
    """The text of a dotted path such as ``encoder.embedding``, or ""."""
    parts: list[str] = []
    while isinstance(expr, ast.Attribute):
        parts.append(expr.attr)
        expr = expr.value
    if not isinstance(expr, ast.Name):
        return ""
    return ".".join([expr.id, *reversed(parts)])


def argument_span(arguments: dict[str, Any], call: ast.KindCall, name: str) -> Span:
    """Where an argument of a call is written; the kind's word where it is left out."""
    for item in call.args:
        if item.name == name:
            return item.span
    slots = [key for key, argument in arguments.items() if not argument.keyword]
    positional = [item for item in call.args if item.name is None]
    if name in slots and slots.index(name) < len(positional):
        return positional[slots.index(name)].span
    return call.name_span
