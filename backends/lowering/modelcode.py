"""The model part of a generated file: helpers, constants, classes and `build_model`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from backends.base import Emitters
from backends.lowering.align import Conflict, align
from backends.lowering.book import Book, ClassPlan
from backends.lowering.rewrite import pool_first
from backends.lowering.steps import Refused
from backends.lowering.writer import Writer
from backends.pycode.literals import literal
from backends.pycode.names import constant_name
from backends.pycode.render import draw_helper
from dsl.ir import Model, Node
from dsl.shapes.trace import plain
from dsl.syntax import ast


@dataclass
class ModelCode:
    """The text of a model.

    Attributes:
        name: Of the class.
        text: Constants, helpers, classes and `build_model`, in this order.
        helpers: Names of the helpers it holds.
    """

    name: str
    text: str
    helpers: tuple[str, ...] = ()


@dataclass
class Helpers:
    """The helpers that a file asks for, each with its united flags, in order of first use."""

    package: str
    flags: dict[str, dict[str, Any]] = field(default_factory=dict)

    def ask(self, name: str, **flags: Any) -> str:
        """Asks for a helper by the name of its class or function."""
        known = self.flags.setdefault(name, {})
        for key, value in flags.items():
            known[key] = known.get(key) or value
        return name

    def texts(self) -> list[str]:
        """Their code; a helper may ask for others, which come first."""
        from dsl.passes.drafts import snake_case

        return [
            draw_helper(self.package, name if name.islower() else snake_case(name), flags)
            for name, flags in self.flags.items()
        ]


def model_code(
    model: Model,
    emitters: Emitters,
    package: str,
    block_writer: type[Writer],
    model_writer: type[Writer],
) -> ModelCode:
    """The text of a model for a backend.

    Args:
        model: With traced sizes.
        emitters: The backend's.
        package: Of the backend, whose helpers are used.
        block_writer: Writes the classes of blocks.
        model_writer: Writes the class of the model.

    Raises:
        Refused: The backend cannot express a layer.
    """
    helpers = Helpers(package)
    constants: set[str] = set()

    def write(plan: ClassPlan, writer: type[Writer] = block_writer) -> None:
        plan.inner.clear()
        plan.text = writer(plan, book, emitters, helpers.ask, constants).write()

    book = Book(model, write, {model.name})
    try:
        book.fill()
        try:
            plan = _model_plan(model, False)
            write(plan, model_writer)
        except Conflict:
            plan = _model_plan(model, True)  # with every round written out
            write(plan, model_writer)
    except Conflict as conflict:
        raise _no_loop(conflict.args[0] if conflict.args else model.body.nodes[0]) from None
    classes = [text for item in [*book.classes, plan] for text in _texts(item)]
    parts = [*_constants(model, constants), *helpers.texts(), *classes, _build(plan)]
    return ModelCode(model.name, "\n\n\n".join(parts) + "\n", tuple(helpers.flags))


def _no_loop(node: Node) -> Refused:
    return Refused(
        "the rounds of a repeat differ in a way that no loop can follow",
        "write the rounds that differ one by one",
        node,
    )


def _model_plan(model: Model, unroll: bool) -> ClassPlan:
    params = {
        name: literal(plain(value)) if _is_plain(value) else None
        for name, value in model.args.items()
    }
    template = align([model.body], unroll)
    pool_first(template)
    plan = ClassPlan(model.name, template, (), params)
    leading = model.decl.leading if isinstance(model.decl, ast.ModelDecl) else ()
    plan.comments = tuple(comment.text for comment in leading)
    return plan


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return isinstance(value, (bool, int, float, str))


def _texts(plan: ClassPlan) -> list[str]:
    return [text for inner in plan.inner for text in _texts(inner)] + [plan.text]


def _constants(model: Model, names: set[str]) -> list[str]:
    lines = [
        f"{constant_name(name)} = {literal(value)}"
        for name, value in model.constants.items()
        if name in names
    ]
    return ["\n".join(lines)] if lines else []


def _build(plan: ClassPlan) -> str:
    return f"def build_model():\n    return {plan.name}()"
