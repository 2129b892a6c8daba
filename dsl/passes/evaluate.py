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
from dsl.kinds.values import AUTO, Quantity, describe, is_int
from dsl.passes.scope import Binding, LayerClosure, Scope, SharedUse, Tensor
from dsl.passes.work import Work
from dsl.shapes.dim import Poly, fits
from dsl.shapes.trace import Auto, Expr, Traced, TracedBool, combine, formula, plain, traced
from dsl.shapes.types import DTYPES, TensorType
from dsl.source import Span
from dsl.syntax import ast

LIMIT = 2**63
LONGEST = 10_000


class Reported(Exception):
    """A mistake that has already been reported."""


class Expressions:
    """Evaluates expressions in a scope.

    Args:
        reporter: Is told of every mistake.
        work: Is told of what is done, and ends it where it is too much.
    """

    def __init__(self, reporter: Reporter, work: Work | None = None) -> None:
        self.reporter = reporter
        self.work = work or Work()

    def fail(self, code: str, message: str, span: Span, label: str = "", **more: Any) -> Reported:
        """Reports a mistake; raise what it returns."""
        self.reporter.report(code, message, span, label, **more)
        self.work.failed(code, span)
        return Reported()

    def evaluate(self, expr: ast.Expr, scope: Scope) -> Any:
        """The value of an expression.

        Raises:
            Reported: It has none.
        """
        if isinstance(expr, (ast.Binary, ast.Index, ast.Slice)):
            return self._spine(expr, scope)
        self.work.spend(1, expr.span)
        return self._HANDLERS[type(expr)](self, expr, scope)

    def _spine(self, expr: ast.Binary | ast.Index | ast.Slice, scope: Scope) -> Any:
        """A left-leaning tower of operators such as ``1 + a[0][1]``, from the bottom up."""
        tower: list[ast.Binary | ast.Index | ast.Slice] = []
        base: ast.Expr = expr
        while isinstance(base, (ast.Binary, ast.Index, ast.Slice)):
            tower.append(base)
            base = base.left if isinstance(base, ast.Binary) else base.value
        value = self.evaluate(base, scope)
        for level in reversed(tower):
            self.work.spend(1, level.span)
            value = self._LINKS[type(level)](self, level, value, scope)
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
        if isinstance(left, tuple) or (isinstance(right, tuple) and op in ("+", "*")):
            return self._lists(expr, left, right)
        for value, side in ((left, expr.left), (right, expr.right)):
            if not (is_int(value) or isinstance(value, float)):
                raise self._no_operand(f"`{op}` takes numbers", value, side)
        return self._arithmetic(expr, plain(left), plain(right))

    def _no_operand(self, wants: str, value: Any, expr: ast.Expr) -> Reported:
        """Reports a value that an operator or function cannot take."""
        if not isinstance(value, Auto):
            return self.fail("MSL206", f"{wants}, not {describe(value)}", expr.span)
        name = expr.span.text
        if isinstance(expr, ast.Auto):
            return self.fail("MSL206", f"{wants}, and `auto` is no value", expr.span)
        return self.fail(
            "MSL206", f"{wants}, and `{name}` is not given", expr.span, f"`{name}` is `auto` here",
            helps=(f"say what counts then: `{name} if {name} != auto else 1`",),
        )  # fmt: skip

    def _lists(self, expr: ast.Binary, left: Any, right: Any) -> Any:
        """``xs + ys``, ``xs * n`` and ``n * xs``."""
        values = (left, right)
        if expr.op == "+" and all(isinstance(value, tuple) for value in values):
            return self._short_enough((*left, *right), expr)
        times = next((int(value) for value in values if is_int(value)), -1)
        if expr.op == "*" and times >= 0:
            items = next(value for value in values if isinstance(value, tuple))
            enough = LONGEST // max(1, len(items)) + 1
            return self._short_enough(tuple(items) * min(times, enough), expr)
        shown = f"{describe(left)} and {describe(right)}"
        helps = ("lists are joined, `xs + [1]`, and repeated, `[64] * 3`",)
        raise self.fail("MSL206", f"`{expr.op}` does not take {shown}", expr.span, helps=helps)

    def _short_enough(self, items: tuple[Any, ...], expr: ast.Expr) -> tuple[Any, ...]:
        self.work.spend(len(items) // 8, expr.span)
        if len(items) > LONGEST or _values_in(items) > LONGEST:
            raise self.fail(
                "MSL209", "the list is too long", expr.span, f"more than {LONGEST:,} values",
                helps=("a `repeat` over a number says the same round many times",),
            )  # fmt: skip
        return items

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
        for side in (left, right):
            self.work.spend(len(side.terms) if isinstance(side, Poly) else 1, expr.span)
        return self.size(operations[expr.op](left, right), expr.span)

    def size(self, dim: Any, span: Span) -> Any:
        """A size of a shape, unless it is too large or its formula too long.

        Raises:
            Reported: It is.
        """
        if fits(dim):
            return dim
        raise self.fail(
            "MSL145", "the size is too large", span, "beyond 2**63, or too long a formula",
            helps=("where a length need not be free, declare it as a number",),
        )  # fmt: skip

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
            name = expr.span.text
            helps = (f"to ask whether it is given: `{name} != auto`",)
            raise self.fail(
                "MSL206", f"a condition is true or false, not {describe(value)}", expr.span,
                helps=helps if isinstance(value, Auto) and isinstance(expr, ast.Name) else (),
            )  # fmt: skip

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
        if isinstance(binding.value, Tensor) and binding.value.value is None:
            raise Reported  # unknown after a mistake: it may have been meant to be a number
        if isinstance(binding.value, (Tensor, SharedUse)):
            raise self.fail(
                "MSL206",
                f"`{expr.id}` is a value of the model, and a number is wanted here",
                expr.span,
                helps=(f"its sizes are `{expr.id}.channels`, `{expr.id}.shape[0]` and the like",),
            )
        if binding.value is None:
            raise Reported
        if isinstance(binding.value, LayerClosure):
            return binding.value.replace(name=expr.id)
        if isinstance(binding.value, tuple):
            self.work.spend(len(binding.value) // 8, expr.span)
        return binding.value

    def unknown_name(
        self, name: str, span: Span, scope: Scope, helps: tuple[str, ...] = ()
    ) -> Reported:
        """Reports a name that nothing declares, the first time that it is met."""
        known = [other for other in scope.visible() if not scope.is_mistake(other)]
        near = nearest(name, known)
        helps = (*((f"did you mean `{near[0]}`?",) if near else ()), *helps)
        scope.names[name] = Binding(None, span, used=True, hideable=True)  # told once
        return self.fail("MSL101", f"nothing is called `{name}` here", span, helps=helps)

    def _list(self, expr: ast.List, scope: Scope) -> Any:
        items = self._short_enough(tuple(self.evaluate(item, scope) for item in expr.items), expr)
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
            raise self._no_operand(f"`{expr.op}` takes a number", value, expr.operand)
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
            return type(self)(Reporter(), self.work).evaluate(expr, scope)
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
        for value, arg in zip(args, expr.args):
            if isinstance(value, Auto):
                raise self._no_operand(f"`{expr.function}` takes numbers or lists", value, arg)
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
            if isinstance(expr.value, ast.Name) and scope.is_mistake(expr.value.id):
                raise Reported
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

    def _index(self, expr: ast.Index, value: Any, scope: Scope) -> Any:
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

    def _slice(self, expr: ast.Slice, value: Any, scope: Scope) -> Any:
        if not isinstance(value, tuple):
            raise self.fail(
                "MSL206", f"only a list is sliced, not {describe(value)}", expr.value.span
            )
        bounds = [
            None if part is None else self._slice_bound(part, scope)
            for part in (expr.start, expr.stop, expr.step)
        ]
        if expr.step is not None and bounds[2] == 0:
            raise self.fail("MSL206", "a slice cannot go in steps of 0", expr.step.span)
        items = tuple(value)[slice(*map(plain, bounds))]
        if any(isinstance(part, Traced) for part in (value, *bounds)):
            return traced(items, Expr("slice", formula(value), *map(formula, bounds)))
        return items

    def _slice_bound(self, expr: ast.Expr, scope: Scope) -> Any:
        bound = self.evaluate(expr, scope)
        if not is_int(bound):
            raise self.fail(
                "MSL206", f"a bound of a slice is an int, not {describe(bound)}", expr.span
            )
        return bound

    def _kind(self, expr: ast.KindCall, scope: Scope) -> Any:
        return LayerClosure(expr, scope)

    def _on(self, expr: ast.OnPattern, scope: Scope) -> Any:
        raise self.fail("MSL211", "`on` has no meaning here", expr.target.span)

    _LINKS: dict[type, Callable[..., Any]] = {
        ast.Binary: _binary,
        ast.Index: _index,
        ast.Slice: _slice,
    }

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
        ast.KindCall: _kind,
        ast.OnPattern: _on,
    }


def _values_in(items: tuple[Any, ...]) -> int:
    """How many values a list holds, those of lists in it counted, as far as is allowed."""
    total, waiting = 0, [items]
    while waiting and total <= LONGEST:
        inner = waiting.pop()
        total += len(inner)
        waiting.extend(item for item in inner if isinstance(item, tuple))
    return total


def _divide(left: Any, right: Any) -> Any:
    if is_int(left) and is_int(right) and right and left % right == 0:
        return left // right
    return left / right


def _round(number: Any, places: int | None = None) -> Any:
    """``round``; nothing has as many places that more than 400 would matter."""
    return round(number, places if places is None else max(-400, min(places, 400)))


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
    "round": _round,
    "sqrt": math.sqrt,
    "log": math.log,
}
