"""Parameters of blocks, models, extern layers and files: typed, bounded, with defaults."""

from __future__ import annotations

from typing import Any

from dsl.kinds.kind import REQUIRED, Arg
from dsl.kinds.values import (
    Axis,
    BadValue,
    Bool,
    DType,
    Float,
    Int,
    ListOf,
    OrAuto,
    String,
    ValueType,
    describe,
)
from dsl.passes.arguments import Evaluator
from dsl.passes.evaluate import Reported
from dsl.passes.scope import LayerClosure, Scope
from dsl.shapes.trace import Auto, plain
from dsl.syntax import ast


class LayerType(ValueType):
    """A kind of layer, applied as ``-> act``."""

    name = "a layer such as ReLU"

    def coerce(self, value: Any) -> LayerClosure:
        if not isinstance(value, LayerClosure):
            raise BadValue(f"takes {self.name}, not {describe(value)}")
        return value


class Bounded(ValueType):
    """A type within the bounds that a declaration states."""

    def __init__(
        self, inner: ValueType, low: Any, high: Any, choices: tuple[Any, ...] | None
    ) -> None:
        self.inner, self.low, self.high, self.choices = inner, low, high, choices
        self.name = (
            f"one of {', '.join(map(str, choices))}" if choices else f"{inner} in {low}..{high}"
        )

    def coerce(self, value: Any) -> Any:
        value = self.inner.coerce(value)
        if self.choices is not None:
            fits = plain(value) in self.choices
        else:
            fits = self.low <= value <= self.high
        if not fits:
            raise BadValue(f"takes {self.name}, not {describe(value)}")
        return value


SIMPLE: dict[str, type[ValueType]] = {
    "int": Int,
    "float": Float,
    "bool": Bool,
    "string": String,
    "dtype": DType,
    "axis": Axis,
    "layer": LayerType,
}


def value_type(param: ast.Param, evaluator: Evaluator, scope: Scope) -> ValueType:
    """The type that a parameter declares; one with the default `auto` need not be given.

    Raises:
        Reported: There is no such type, or the bounds are no numbers.
    """
    text = param.type.replace(" ", "")
    wrapped = text.startswith("list[") and text.endswith("]")
    name = text[5:-1] if wrapped else text
    if name not in SIMPLE:
        raise evaluator.fail(
            "MSL212", f"there is no type `{param.type}`", param.type_span,
            helps=(f"there are {', '.join(SIMPLE)} and lists such as list[int]",),
        )  # fmt: skip
    inner: ValueType = ListOf(SIMPLE[name]()) if wrapped else SIMPLE[name]()
    if param.bounds is not None:
        inner = _bounded(inner, param.bounds, evaluator, scope)
    return OrAuto(inner) if isinstance(param.default, ast.Auto) else inner


def _bounded(inner: ValueType, bounds: ast.Bounds, evaluator: Evaluator, scope: Scope) -> ValueType:
    if bounds.choices is not None:
        return Bounded(inner, None, None, plain(evaluator.evaluate(bounds.choices, scope)))
    low = plain(evaluator.evaluate(bounds.low, scope))
    high = plain(evaluator.evaluate(bounds.high, scope))
    if not all(isinstance(bound, (int, float)) for bound in (low, high)) or low > high:
        raise evaluator.fail(
            "MSL213", f"the bounds {low}..{high} hold no value", bounds.span,
            helps=("write the lower bound first: `in 1..512`",),
        )  # fmt: skip
    return Bounded(inner, low, high, None)


def signature(params: tuple[ast.Param, ...], evaluator: Evaluator, scope: Scope) -> dict[str, Arg]:
    """Parameters in the form in which kinds declare their arguments.

    A parameter with a default is optional here; the default is evaluated when it is needed, in
    the scope of the body, where the parameters in front of it are known. One that is a plain value
    is held to its type at once, needed or not.

    Raises:
        Reported: A type, its bounds or a plain default is mistaken.
    """
    arguments: dict[str, Arg] = {}
    mistakes: list[Reported] = []
    for param in params:
        try:
            wanted = value_type(param, evaluator, scope)
            if isinstance(param.default, _PLAIN):
                default_value(param, wanted, evaluator, scope)
        except Reported as mistake:
            mistakes.append(mistake)
            continue
        default = REQUIRED if param.default is None else None
        arguments[param.name] = Arg(wanted, f"{param.name}: {param.type}", default)
    if mistakes:
        raise mistakes[0]
    return arguments


_PLAIN = (ast.Number, ast.String, ast.Bool, ast.Auto, ast.Unary)


def default_value(param: ast.Param, wanted: ValueType, evaluator: Evaluator, scope: Scope) -> Any:
    """The default of a parameter, held to its type.

    Raises:
        Reported: It does not fit.
    """
    assert param.default is not None
    value = evaluator.argument(param.default, wanted, scope)
    if isinstance(value, Auto) and not isinstance(param.default, ast.Auto):
        return value  # the default is another parameter, which is not given either
    try:
        return wanted.coerce(value)
    except BadValue as problem:
        helps = (problem.help,) if problem.help else ()
        is_own = param.default.span.source is param.span.source  # else it comes from -D
        what = f"the default of `{param.name}`" if is_own else f"`{param.name}`"
        raise evaluator.fail(
            "MSL205", f"{what} {problem.message}", param.default.span,
            helps=helps,
        ) from None  # fmt: skip
