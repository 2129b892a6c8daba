"""Values that remember the formula they were computed by.

Shapes are computed on plain numbers. When code is written, the same computation runs on traced
numbers: they are the same numbers, and carry an `Expr` over the names of the enclosing block's
parameters (``4 * width``), which the generated class writes instead of the number. A traced value
equals, hashes and compares as the plain one, so shape rules need not know of it; an operation
that loses the formula leaves a plain number, which is always right for the case at hand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Union


class Expr:
    """A formula: an operator and its operands, each an `Expr` or a constant.

    ``op`` is ``"name"`` (one operand, a str), a Python binary operator, ``"neg"``, ``"not"``,
    ``"if"`` (then, condition, otherwise), ``"index"``, ``"slice"`` (list, start, stop, step, None
    where left out), ``"list"`` or ``"call"`` (function name, arguments...).
    """

    __slots__ = ("_hash", "args", "op")

    def __init__(self, op: str, *args: Any) -> None:
        self.op = op
        self.args = args
        self._hash = hash((op, args))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Expr)
            and self._hash == other._hash
            and self.op == other.op
            and self.args == other.args
        )

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return render(self)


class Auto:
    """The value of the word ``auto``: not given, or let MSL, or the machine, decide."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Auto)

    def __hash__(self) -> int:
        return hash(Auto)

    def __repr__(self) -> str:
        return "auto"


AUTO = Auto()

Operand = Union[Expr, int, float, str, bool, Auto, None]


class Traced:
    """Mixin of the traced types below; `expr` is the formula."""

    expr: Expr


def _binary(op: str, plain: Callable[[Any, Any], Any], swap: bool = False) -> Callable[..., Any]:
    def method(self: Any, other: Any) -> Any:
        result = plain(self, other)
        if result is NotImplemented:
            return result
        left, right = formula(self), formula(other)
        return traced(result, combine(op, right, left) if swap else combine(op, left, right))

    return method


class TracedInt(int, Traced):
    """An int with a formula; arithmetic keeps it."""

    def __new__(cls, value: int, expr: Expr) -> TracedInt:
        self = super().__new__(cls, value)
        self.expr = expr
        return self

    __add__ = _binary("+", int.__add__)
    __radd__ = _binary("+", int.__radd__, swap=True)
    __sub__ = _binary("-", int.__sub__)
    __rsub__ = _binary("-", int.__rsub__, swap=True)
    __mul__ = _binary("*", int.__mul__)
    __rmul__ = _binary("*", int.__rmul__, swap=True)
    __floordiv__ = _binary("//", int.__floordiv__)
    __rfloordiv__ = _binary("//", int.__rfloordiv__, swap=True)
    __mod__ = _binary("%", int.__mod__)
    __rmod__ = _binary("%", int.__rmod__, swap=True)

    def __neg__(self) -> Any:
        return traced(-int(self), Expr("neg", self.expr))

    __hash__ = int.__hash__


class TracedFloat(float, Traced):
    """A float with a formula."""

    def __new__(cls, value: float, expr: Expr) -> TracedFloat:
        self = super().__new__(cls, value)
        self.expr = expr
        return self


class TracedStr(str, Traced):
    """A string with a formula."""

    def __new__(cls, value: str, expr: Expr) -> TracedStr:
        self = super().__new__(cls, value)
        self.expr = expr
        return self


class TracedBool(int, Traced):
    """A truth value with a formula (bool itself cannot be subclassed)."""

    def __new__(cls, value: bool, expr: Expr) -> TracedBool:
        self = super().__new__(cls, bool(value))
        self.expr = expr
        return self


class TracedList(tuple, Traced):
    """A list value with a formula."""

    def __new__(cls, value: tuple[Any, ...], expr: Expr) -> TracedList:
        self = super().__new__(cls, value)
        self.expr = expr
        return self


class TracedAuto(Auto, Traced):
    """``auto`` with a formula: a parameter that is not given."""

    def __init__(self, value: Auto, expr: Expr) -> None:
        self.expr = expr


_TRACED: tuple[tuple[type, type], ...] = (
    (Auto, TracedAuto),
    (bool, TracedBool),
    (TracedBool, TracedBool),
    (int, TracedInt),
    (float, TracedFloat),
    (str, TracedStr),
    (tuple, TracedList),
)


def traced(value: Any, expr: Operand) -> Any:
    """The value with a formula; values of other types, and constant formulas, stay as they are."""
    if not isinstance(expr, Expr):
        return value
    for plain, kind in _TRACED:
        if isinstance(value, plain):
            return kind(value, expr)
    return value


def formula(value: Any) -> Operand:
    """The formula of a value: its `expr`, or the constant itself."""
    return value.expr if isinstance(value, Traced) else value


def items(value: tuple[Any, ...]) -> tuple[Any, ...]:
    """The items of a list, each with the formula that takes it out of the list's."""
    if not isinstance(value, TracedList):
        return value
    chosen = (_item(value.expr, index) for index in range(len(value)))
    return tuple(traced(item, expr) for item, expr in zip(value, chosen))


def _item(expr: Operand, index: int) -> Operand:
    """The formula of an item: of a list written out, or of a choice of such, the item itself."""
    if isinstance(expr, Expr) and expr.op == "list":
        return expr.args[index]
    if isinstance(expr, Expr) and expr.op == "if":
        then, condition, otherwise = expr.args
        return Expr("if", _item(then, index), condition, _item(otherwise, index))
    return expr[index] if isinstance(expr, tuple) else Expr("index", expr, index)


def whole(values: tuple[Any, ...]) -> Any:
    """The list that some values are all the items of, in order; else the values."""
    formulas = [formula(value) for value in values]
    first = formulas[0] if formulas else None
    if isinstance(first, Expr) and first.op == "index":
        source = first.args[0]
        if formulas == [Expr("index", source, index) for index in range(len(values))]:
            return TracedList(tuple(map(plain, values)), source)
    return values


def plain(value: Any) -> Any:
    """The value without its formula, tuples included."""
    if isinstance(value, TracedBool):
        return bool(value)
    if isinstance(value, Auto):
        return AUTO
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, tuple) and type(value) in (tuple, TracedList):
        return tuple(plain(item) for item in value)
    return value


def combine(op: str, left: Operand, right: Operand) -> Operand:
    """The formula ``left op right``, constants folded and neutral elements left out."""
    if not isinstance(left, Expr) and not isinstance(right, Expr):
        return _PYTHON[op](left, right)
    if op in ("and", "or"):
        known, open_ = (right, left) if isinstance(left, Expr) else (left, right)
        if not isinstance(known, Expr):
            return open_ if bool(known) == (op == "and") else known
    if op in ("+", "-") and right == 0 and not isinstance(right, Expr):
        return left
    if op == "+" and left == 0 and not isinstance(left, Expr):
        return right
    if op == "+" and isinstance(left, Expr) and isinstance(right, Expr):
        multiple = _multiple(left, right)
        if multiple is not None:
            return multiple
    if op in ("*", "//", "**") and type(right) is int and right == 1:
        return left
    if op == "//" and type(right) is int and isinstance(left, Expr) and left.op == "*":
        whole_part = _divided(left, right)
        if whole_part is not None:
            return whole_part
    if op == "*" and type(left) is int and left == 1:
        return right
    if op in ("+", "-") and type(right) is int:
        return _add_constant(left, right if op == "+" else -right)
    return Expr(op, left, right)


def _divided(product: Expr, divisor: int) -> Operand:
    """``4 * a // 2`` as ``2 * a``; None where the factor is no multiple of the divisor."""
    factor, rest = product.args
    if type(factor) is int and divisor and factor % divisor == 0:
        return combine("*", factor // divisor, rest)
    return None


def _multiple(left: Expr, right: Expr) -> Expr | None:
    """``a + a`` as ``2 * a``, and ``2 * a + a`` as ``3 * a``."""
    if left == right:
        return Expr("*", 2, right)
    if left.op == "*" and type(left.args[0]) is int and left.args[1] == right:
        return Expr("*", left.args[0] + 1, right)
    return None


def _add_constant(left: Operand, constant: int) -> Operand:
    """``left + constant``, merged with a constant that `left` already ends in."""
    if isinstance(left, Expr) and left.op in ("+", "-") and type(left.args[1]) is int:
        constant += left.args[1] if left.op == "+" else -left.args[1]
        left = left.args[0]
    if constant == 0:
        return left
    return Expr("+", left, constant) if constant > 0 else Expr("-", left, -constant)


_PYTHON: dict[str, Callable[..., Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a // b if type(a) is type(b) is int and b and a % b == 0 else a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "**": lambda a, b: a**b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "in": lambda a, b: a in b,
    "not in": lambda a, b: a not in b,
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
}

_CALLS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "sum": sum,
    "len": len,
    "abs": abs,
    "round": round,
    "ceil": math.ceil,
    "floor": math.floor,
    "sqrt": math.sqrt,
    "log": math.log,
}

# Binding strength of operators in Python, loosest first.
_STRENGTH = {"if": 1, "or": 2, "and": 3, "not": 4, "+": 6, "-": 6, "*": 7, "/": 7, "//": 7}
_STRENGTH |= {"%": 7, "neg": 8, "**": 9, "name": 11, "index": 10, "list": 11, "call": 10}
_STRENGTH["slice"] = 10
_STRENGTH |= dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in", "not in"), 5)


def evaluate_expr(operand: Operand, values: Mapping[str, Any]) -> Any:
    """The value of a formula with each name at `values[name]`.

    Raises:
        KeyError: A name has no value.
    """
    if not isinstance(operand, Expr):
        return operand
    op, args = operand.op, operand.args
    if op == "name":
        return values[args[0]]
    if op == "if":
        chosen = args[0] if evaluate_expr(args[1], values) else args[2]
        return evaluate_expr(chosen, values)
    if op == "call":
        return _CALLS[args[0]](*(evaluate_expr(arg, values) for arg in args[1:]))
    results = [evaluate_expr(arg, values) for arg in args]
    if op == "neg":
        return -results[0]
    if op == "not":
        return not results[0]
    if op == "index":
        return results[0][results[1]]
    if op == "slice":
        return results[0][slice(*results[1:])]
    if op == "list":
        return tuple(results)
    return _PYTHON[op](*results)


def names_in(operand: Operand) -> set[str]:
    """The names a formula mentions."""
    if not isinstance(operand, Expr):
        return set()
    if operand.op == "name":
        return {operand.args[0]}
    found: set[str] = set()
    for arg in operand.args:
        found |= names_in(arg)
    return found


def substitute(operand: Operand, formulas: Mapping[str, Operand]) -> Operand:
    """The formula with names replaced by other formulas."""
    if not isinstance(operand, Expr):
        return operand
    if operand.op == "name":
        return formulas.get(operand.args[0], operand)
    args = [substitute(arg, formulas) if isinstance(arg, Expr) else arg for arg in operand.args]
    return _rebuilt(operand, args)


def knowing(operand: Operand, given: Mapping[str, bool]) -> Operand:
    """The formula where it is known of some names whether they are given, or `auto`."""
    if not isinstance(operand, Expr):
        return operand
    if operand.op == "name":
        return operand if given.get(operand.args[0], True) else AUTO
    if operand.op in ("==", "!=") and AUTO in operand.args:
        names = [arg.args[0] for arg in operand.args if isinstance(arg, Expr) and arg.op == "name"]
        if names and names[0] in given:
            return given[names[0]] == (operand.op == "!=")
    args = [knowing(arg, given) if isinstance(arg, Expr) else arg for arg in operand.args]
    return _rebuilt(operand, args)


def _rebuilt(operand: Expr, args: list[Operand]) -> Operand:
    """A formula with other operands, worked out as far as these settle it."""
    if operand.op in _PYTHON and len(args) == 2:
        return combine(operand.op, args[0], args[1])
    if operand.op == "if" and not isinstance(args[1], Expr):
        return args[0] if args[1] else args[2]
    if operand.op == "not" and not isinstance(args[0], Expr):
        return not args[0]
    return Expr(operand.op, *args)


def render(
    operand: Operand,
    rename: Callable[[str], str] = str,
    literal: Callable[[Any], str] = repr,
    call: Callable[[str], str] = str,
) -> str:
    """A formula as a Python expression.

    Args:
        operand: The formula.
        rename: Gives the Python text of a name.
        literal: Gives the Python text of a constant.
        call: Gives the Python text of a function of the language (``ceil`` to ``math.ceil``).
    """
    return _render(operand, rename, literal, call)[0]


def _render(operand: Operand, *how: Callable[[Any], str]) -> tuple[str, int]:
    rename, literal, call = how
    if not isinstance(operand, Expr):
        negative = isinstance(operand, (int, float)) and operand < 0
        return literal(operand), 8 if negative else 11
    op, args = operand.op, operand.args
    strength = _STRENGTH[op]
    if op == "name":
        return rename(args[0]), strength
    if op == "call":
        inside = ", ".join(_render(arg, *how)[0] for arg in args[1:])
        return f"{call(args[0])}({inside})", strength
    if op == "list":  # a tuple, as constant lists are, so that the two can be joined
        inside = ", ".join(_render(arg, *how)[0] for arg in args)
        return f"({inside},)" if len(args) == 1 else f"({inside})", strength
    if op == "slice":
        parts = ["" if arg is None else _render(arg, *how)[0] for arg in args[1:]]
        inside = f"{parts[0]}:{parts[1]}" + (f":{parts[2]}" if parts[2] else "")
        return f"{_group(args[0], 10, how)}[{inside}]", strength
    if op == "index":
        return f"{_group(args[0], 10, how)}[{_render(args[1], *how)[0]}]", strength
    if op == "if":
        then, condition, otherwise = (_group(arg, 2, how) for arg in args)
        return f"{then} if {condition} else {otherwise}", strength
    if op in ("neg", "not"):
        return f"{'-' if op == 'neg' else 'not '}{_group(args[0], strength, how)}", strength
    if AUTO in args and op in ("==", "!="):
        op = "is" if op == "==" else "is not"
    left_strength, right_strength = strength, strength + 1
    if op == "**":
        left_strength, right_strength = strength + 1, 8
    left, right = _group(args[0], left_strength, how), _group(args[1], right_strength, how)
    return f"{left} {op} {right}", strength


def _group(operand: Operand, least: int, how: tuple[Callable[[Any], str], ...]) -> str:
    text, strength = _render(operand, *how)
    return text if strength >= least else f"({text})"
