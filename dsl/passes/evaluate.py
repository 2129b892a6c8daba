"""Expressions, evaluated at compile time.

A mistake is reported where it stands and raises `Reported`, which the statement around it
catches: what depends on it is unknown and stays silent.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from dsl.diagnostics.model import Reporter
from dsl.diagnostics.suggest import nearest
from dsl.ir import Value
from dsl.kinds.kind import ArgProblem, Kind, KindError, bind, find, keras_word
from dsl.kinds.values import (
    AUTO,
    Axis,
    AxisName,
    DType,
    KindOf,
    LayerPath,
    LayerRef,
    ListOf,
    OneOf,
    Quantity,
    ValueType,
    describe,
    is_int,
)
from dsl.passes.scope import LayerClosure, Scope, SharedUse, Tensor
from dsl.shapes.dim import Poly
from dsl.shapes.trace import Expr, Traced, TracedBool, combine, formula, plain, traced
from dsl.shapes.types import DTYPES, TensorType
from dsl.source import Span
from dsl.syntax import ast

AXES = ("channels", "features", "time", "depth", "height", "width")
LIMIT = 2**63


class Reported(Exception):
    """A mistake that has already been reported."""


class Evaluator:
    """Evaluates expressions in a scope."""

    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter

    def fail(self, code: str, message: str, span: Span, label: str = "", **more: Any) -> Reported:
        """Reports a mistake; raise what it returns."""
        self.reporter.report(code, message, span, label, **more)
        return Reported()

    def evaluate(self, expr: ast.Expr, scope: Scope) -> Any:
        """The value of an expression.

        Raises:
            Reported: It has none.
        """
        if isinstance(expr, ast.Binary):
            return self._spine(expr, scope)
        return self._HANDLERS[type(expr)](self, expr, scope)

    def _spine(self, expr: ast.Binary, scope: Scope) -> Any:
        """A left-leaning tower of operators, from the bottom up: ``1 + 1 + ...`` is no recursion."""
        tower = [expr]
        while isinstance(tower[-1].left, ast.Binary):
            tower.append(tower[-1].left)
        value = self.evaluate(tower[-1].left, scope)
        for level in reversed(tower):
            value = self._binary(level, value, scope)
        return value

    def _binary(self, expr: ast.Binary, left: Any, scope: Scope) -> Any:
        if expr.op in ("and", "or"):
            self._want_bool(left, expr.left)
            if bool(left) == (expr.op == "or") and not isinstance(left, Traced):
                return left
            right = self.evaluate(expr.right, scope)
            self._want_bool(right, expr.right)
            result = (left and right) if expr.op == "and" else (left or right)
            return self._trace(bool(result), expr.op, left, right)
        right = self.evaluate(expr.right, scope)
        return self._trace(self._apply(expr, left, right), expr.op, left, right)

    @staticmethod
    def _trace(result: Any, op: str, left: Any, right: Any) -> Any:
        if isinstance(left, Traced) or isinstance(right, Traced):
            return traced(plain(result), combine(op, formula(left), formula(right)))
        return result

    def _apply(self, expr: ast.Binary, left: Any, right: Any) -> Any:
        op = expr.op
        if op in ("==", "!="):
            return (plain(left) == plain(right)) == (op == "==")
        if op in ("in", "not in"):
            if not isinstance(right, tuple):
                raise self.fail("MSL206", f"`{op}` takes a list, not {describe(right)}", expr.span)
            return (plain(left) in plain(right)) == (op == "in")
        if isinstance(left, Poly) or isinstance(right, Poly):
            return self._symbolic(expr, left, right)
        for value, side in ((left, expr.left), (right, expr.right)):
            if not (is_int(value) or isinstance(value, float)):
                raise self.fail("MSL206", f"`{op}` takes numbers, not {describe(value)}", side.span)
        return self._arithmetic(expr, plain(left), plain(right))

    def _symbolic(self, expr: ast.Binary, left: Any, right: Any) -> Any:
        operations = {"+": operator.add, "-": operator.sub, "*": operator.mul}
        operations["//"] = operator.floordiv
        operands = all(isinstance(side, Poly) or is_int(side) for side in (left, right))
        if expr.op not in operations or not operands:
            raise self.fail(
                "MSL309",
                f"`{expr.op}` cannot take `{left if isinstance(left, Poly) else right}`, "
                "which is only known when the model runs",
                expr.span,
                helps=("symbols may stand in shapes, with + - * //",),
            )
        return operations[expr.op](left, right)

    def _arithmetic(self, expr: ast.Binary, left: Any, right: Any) -> Any:
        try:
            if expr.op == "**" and abs(right) * math.log2(abs(left) + 2) > 1024:
                raise OverflowError
            result = _OPERATIONS[expr.op](left, right)
        except ZeroDivisionError:
            raise self.fail("MSL208", "division by zero", expr.span) from None
        except (OverflowError, ValueError):
            raise self.fail("MSL209", "the result is too large", expr.span) from None
        return self._bounded(result, expr.span)

    def _bounded(self, result: Any, span: Span) -> Any:
        if isinstance(result, complex):
            raise self.fail("MSL208", "the result is not a real number", span)
        too_large = is_int(result) and abs(result) >= LIMIT
        if too_large or (isinstance(result, float) and not math.isfinite(result)):
            raise self.fail("MSL209", "the result is too large", span, "beyond 2**63")
        return result

    def _want_bool(self, value: Any, expr: ast.Expr) -> None:
        if not isinstance(value, (bool, TracedBool)):
            raise self.fail(
                "MSL206", f"a condition is true or false, not {describe(value)}", expr.span
            )

    def condition(self, expr: ast.Expr, scope: Scope) -> Any:
        """The value of a condition, possibly traced."""
        value = self.evaluate(expr, scope)
        self._want_bool(value, expr)
        return value

    def _number(self, expr: ast.Number, scope: Scope) -> Any:
        return Quantity(expr.value, expr.unit) if expr.unit else expr.value

    def _constant(self, expr: ast.String | ast.Bool, scope: Scope) -> Any:
        return expr.value

    def _auto(self, expr: ast.Auto, scope: Scope) -> Any:
        return AUTO

    def _paren(self, expr: ast.Paren, scope: Scope) -> Any:
        return self.evaluate(expr.value, scope)

    def _name(self, expr: ast.Name, scope: Scope) -> Any:
        binding = scope.lookup(expr.id)
        if binding is None:
            if expr.id in DTYPES:
                return expr.id
            raise self.unknown_name(expr.id, expr.span, scope)
        binding.used = True
        if isinstance(binding.value, (Tensor, SharedUse)):
            raise self.fail(
                "MSL206",
                f"`{expr.id}` is a value of the model, and a number is wanted here",
                expr.span,
                helps=(f"its sizes are `{expr.id}.channels`, `{expr.id}.shape[0]` and the like",),
            )
        if binding.value is None:
            raise Reported
        return binding.value

    def unknown_name(self, name: str, span: Span, scope: Scope) -> Reported:
        """Reports a name that nothing declares."""
        near = nearest(name, list(scope.visible()))
        helps = (f"did you mean `{near[0]}`?",) if near else ()
        return self.fail("MSL101", f"nothing is called `{name}` here", span, helps=helps)

    def _list(self, expr: ast.List, scope: Scope) -> Any:
        items = tuple(self.evaluate(item, scope) for item in expr.items)
        if any(isinstance(item, Traced) for item in items):
            return traced(items, Expr("list", *(formula(item) for item in items)))
        return items

    def _unary(self, expr: ast.Unary, scope: Scope) -> Any:
        value = self.evaluate(expr.operand, scope)
        if expr.op == "not":
            self._want_bool(value, expr.operand)
            result: Any = not value
            if isinstance(value, Traced):
                return traced(result, Expr("not", formula(value)))
            return result
        if isinstance(value, Poly):
            return -value if expr.op == "-" else value
        if not (is_int(value) or isinstance(value, float)):
            raise self.fail(
                "MSL206", f"`{expr.op}` takes a number, not {describe(value)}", expr.operand.span
            )
        if expr.op == "+":
            return value
        if isinstance(value, Traced):
            return traced(-plain(value), Expr("neg", formula(value)))
        return -value

    def _conditional(self, expr: ast.Conditional, scope: Scope) -> Any:
        condition = self.condition(expr.condition, scope)
        if not isinstance(condition, Traced):
            return self.evaluate(expr.then if condition else expr.otherwise, scope)
        then, otherwise = (self._quietly(side, scope) for side in (expr.then, expr.otherwise))
        chosen = self.evaluate(expr.then if condition else expr.otherwise, scope)
        if then is None or otherwise is None:
            return plain(chosen)
        return traced(
            plain(chosen), Expr("if", formula(then), formula(condition), formula(otherwise))
        )

    def _quietly(self, expr: ast.Expr, scope: Scope) -> Any:
        try:
            return Evaluator(Reporter()).evaluate(expr, scope)
        except Reported:
            return None

    def _call(self, expr: ast.Call, scope: Scope) -> Any:
        function = _FUNCTIONS.get(expr.function)
        if function is None:
            near = nearest(expr.function, _FUNCTIONS)
            helps = (
                (f"did you mean `{near[0]}`?",) if near else (f"there are {' '.join(_FUNCTIONS)}",)
            )
            raise self.fail(
                "MSL102", f"there is no function `{expr.function}`", expr.span, helps=helps
            )
        args = [self.evaluate(arg, scope) for arg in expr.args]
        try:
            result = function(*(plain(arg) for arg in args))
        except (TypeError, ValueError, OverflowError):
            shown = ", ".join(describe(arg) for arg in args)
            raise self.fail(
                "MSL206", f"`{expr.function}` does not take {shown or 'nothing'}", expr.span
            ) from None
        result = self._bounded(result, expr.span)
        if any(isinstance(arg, Traced) for arg in args):
            return traced(result, Expr("call", expr.function, *(formula(arg) for arg in args)))
        return result

    def _attribute(self, expr: ast.Attribute, scope: Scope) -> Any:
        tensor = self.tensor(expr.value, scope)
        if tensor is None:
            raise self.fail("MSL103", "only values of the model have sizes to ask for", expr.span)
        if tensor.value is None:
            raise Reported
        return self._size(tensor.value.type, expr)

    def tensor(self, expr: ast.Expr, scope: Scope) -> Tensor | None:
        """The named value that an expression is, if it is one."""
        binding = scope.lookup(expr.id) if isinstance(expr, ast.Name) else None
        if isinstance(expr, ast.Name) and binding is None:
            raise self.unknown_name(expr.id, expr.span, scope)
        if binding is None or not isinstance(binding.value, Tensor):
            return None
        binding.used = True
        return binding.value

    def _size(self, type_: TensorType, expr: ast.Attribute) -> Any:
        if expr.attr == "shape":
            return type_.shape
        if expr.attr == "rank":
            return type_.rank
        position = type_.axis(expr.attr)
        if position is None:
            names = [name for name in type_.axes if name] + ["shape", "rank"]
            raise self.fail(
                "MSL103",
                f"a value {type_.named()} has no `{expr.attr}`",
                expr.span,
                helps=(f"it has {', '.join(names)}",),
            )
        return type_.shape[position]

    def _index(self, expr: ast.Index, scope: Scope) -> Any:
        value = self.evaluate(expr.value, scope)
        if not isinstance(value, tuple) or len(expr.indices) != 1:
            raise self.fail("MSL206", "only a list is indexed, by one number", expr.span)
        index = self.evaluate(expr.indices[0], scope)
        if not is_int(index):
            raise self.fail(
                "MSL206", f"an index is an int, not {describe(index)}", expr.indices[0].span
            )
        if not -len(value) <= index < len(value):
            raise self.fail(
                "MSL210", f"there is no item {index} in a list of {len(value)}", expr.span
            )
        item = value[plain(index)]
        if isinstance(value, Traced) or isinstance(index, Traced):
            return traced(plain(item), Expr("index", formula(value), formula(index)))
        return item

    def _kind(self, expr: ast.KindCall, scope: Scope) -> Any:
        return LayerClosure(expr, scope)

    def _on(self, expr: ast.OnPattern, scope: Scope) -> Any:
        raise self.fail("MSL211", "`on` has no meaning here", expr.target.span)

    _HANDLERS: dict[type, Callable[..., Any]] = {
        ast.Number: _number,
        ast.String: _constant,
        ast.Bool: _constant,
        ast.Auto: _auto,
        ast.Name: _name,
        ast.List: _list,
        ast.Paren: _paren,
        ast.Unary: _unary,
        ast.Conditional: _conditional,
        ast.Call: _call,
        ast.Attribute: _attribute,
        ast.Index: _index,
        ast.KindCall: _kind,
        ast.OnPattern: _on,
    }

    # --- arguments of kinds -------------------------------------------------------------

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
        return self.evaluate(expr, scope)

    def _axis_argument(self, expr: ast.Expr, scope: Scope) -> Any:
        if isinstance(expr, ast.List):
            return tuple(self._axis_argument(item, scope) for item in expr.items)
        if not isinstance(expr, ast.Name):
            return self.evaluate(expr, scope)
        binding = scope.lookup(expr.id)
        if binding is not None and isinstance(binding.value, AxisName):
            binding.used = True
            return binding.value
        if expr.id in AXES:
            return AxisName(expr.id)
        near = nearest(expr.id, AXES)
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
        from dsl.kinds.kind import REGISTRY, categories_of

        article = "an" if category[0] in "aeio" else "a"
        ours = keras_word(category, call.kind)
        known = [*others, *REGISTRY.get(category, {})]
        near = nearest(call.kind, known)
        elsewhere = [name for name in categories_of(call.kind) if name != category]
        if ours:
            helps = (f"`{call.kind}` is what Keras says; here it is `{ours}`",)
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
            "MSL104", f"there is no {category} `{call.kind}`", call.name_span,
            f"not {article} {category}", helps=helps,
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
        return self._bound(arguments, call, positional, named, spans, failed)

    def _bound(
        self,
        arguments: dict[str, Any],
        call: ast.KindCall,
        positional: list[Any],
        named: dict[str, Any],
        spans: dict[int | str | None, Span],
        failed: bool,
    ) -> dict[str, Any]:
        bound, problems = bind(arguments, tuple(positional), named)
        unknown = {key for key, value in enumerate(positional) if value is _UNKNOWN}
        unknown |= {key for key, value in named.items() if value is _UNKNOWN}
        for problem in problems:
            if problem.key not in unknown:
                self._report_problem(problem, call, spans.get(problem.key, call.span))
                failed = True
        if failed:
            raise Reported
        return bound

    def _report_problem(self, problem: ArgProblem, call: ast.KindCall, span: Span) -> None:
        helps = (problem.help,) if problem.help else ()
        self.reporter.report(problem.code, f"`{call.kind}`: {problem.message}", span, helps=helps)


class _Unknown:
    """An argument whose own mistake is already reported."""


_UNKNOWN = _Unknown()


def _divide(left: Any, right: Any) -> Any:
    if is_int(left) and is_int(right) and right and left % right == 0:
        return left // right
    return left / right


_OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "sum": sum,
    "len": len,
    "abs": abs,
    "ceil": math.ceil,
    "floor": math.floor,
    "round": round,
    "sqrt": math.sqrt,
    "log": math.log,
}


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


def value_type(value: Value | None) -> TensorType | None:
    """The type of a value that may be absent."""
    return None if value is None else value.type
