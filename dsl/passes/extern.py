"""Uses of extern layers: what the declaration promises, with the sizes of this use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dsl.kinds.values import describe, is_int
from dsl.layers.extern import ExternLayer
from dsl.passes.evaluate import Reported
from dsl.passes.flow import Flow
from dsl.passes.scope import Binding, Module, Tensor
from dsl.shapes.dim import Poly
from dsl.shapes.types import DTYPES, TensorType
from dsl.syntax import ast

if TYPE_CHECKING:
    from dsl.passes.elaborate import Elaborator

SETTINGS = ("output", "params", "flops", "torch", "tensorflow")


def extern_layer(
    elaborator: Elaborator, decl: ast.ExternDecl, given: dict[str, Any], flow: Flow, module: Module
) -> ExternLayer:
    """The layer that a use of an extern declaration is.

    Raises:
        Reported: The declaration lacks something or does not evaluate.
    """
    scope = module.scope.inner()
    args = elaborator._bind_params(decl, given, scope)
    args |= {name: value for name, value in given.items() if value is not None}
    for name, value in args.items():  # the caller's formulas: what it writes is no class of ours
        scope.names[name] = Binding(value, scope.names[name].span, used=True)
    if flow.values:
        scope.names["input"] = Binding(Tensor(flow.values[0]), None, used=True)
    if any(isinstance(setting, ast.Broken) for setting in decl.settings):
        raise Reported
    settings = {setting.name: setting for setting in decl.settings}
    _check_settings(elaborator, decl, settings)
    output = _type(elaborator, settings["output"].value, scope)
    classes = {
        backend: _string(elaborator, settings[backend].value, scope)
        for backend in ("torch", "tensorflow")
        if backend in settings
    }
    numbers = [
        _size(elaborator, settings[name].value, scope) if name in settings else 0
        for name in ("params", "flops")
    ]
    return ExternLayer(decl.name, decl.path, args, output, numbers[0], numbers[1], classes)


def _check_settings(
    elaborator: Elaborator, decl: ast.ExternDecl, settings: dict[str, ast.Setting]
) -> None:
    for name, setting in settings.items():
        if name not in SETTINGS:
            raise elaborator.evaluator.fail(
                "MSL129", f"an extern layer has no `{name}`", setting.name_span,
                helps=(f"it has {', '.join(SETTINGS)}",),
            )  # fmt: skip
    if "output" not in settings or not {"torch", "tensorflow"} & settings.keys():
        raise elaborator.evaluator.fail(
            "MSL130", f"extern layer `{decl.name}` does not say "
            + ("what it makes" if "output" not in settings else "which class it is"),
            decl.name_span,
            helps=("give `output = float32[...]` and `torch = \"Class\"` or `tensorflow = ...`",),
        )  # fmt: skip


def _type(elaborator: Elaborator, expr: ast.Expr, scope: Any) -> TensorType:
    is_type = isinstance(expr, ast.Index) and isinstance(expr.value, ast.Name)
    if not is_type or expr.value.id not in DTYPES:
        raise elaborator.evaluator.fail(
            "MSL114", "`output` is a type such as float32[input.channels, 8, 8]", expr.span
        )
    sizes = tuple(_size(elaborator, index, scope, least=1) for index in expr.indices)
    return TensorType(sizes, expr.value.id)


def _size(elaborator: Elaborator, expr: ast.Expr, scope: Any, least: int = 0) -> Any:
    value = elaborator.evaluator.evaluate(expr, scope)
    if isinstance(value, Poly) or (is_int(value) and value >= least):
        return value
    raise elaborator.evaluator.fail(
        "MSL115", f"a size is an int from {least} up, not {describe(value)}", expr.span
    )


def _string(elaborator: Elaborator, expr: ast.Expr, scope: Any) -> str:
    value = elaborator.evaluator.evaluate(expr, scope)
    if isinstance(value, str) and value.isascii() and all(map(_is_name, value.split("."))):
        return value
    raise elaborator.evaluator.fail(
        "MSL205", f"a class is named by a string, not {describe(value)}", expr.span
    )


def _is_name(part: str) -> bool:
    """Whether Python can call a class or a module so."""
    from keyword import iskeyword

    return part.isidentifier() and not iskeyword(part)
