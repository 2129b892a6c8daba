"""The model part of a generated file: helpers, constants, classes and `build_model`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from backends.base import Emitters, Generation
from backends.lowering.align import Conflict, align
from backends.lowering.book import Book, ClassPlan
from backends.lowering.comments import comments_above
from backends.lowering.generation import generation
from backends.lowering.rewrite import pool_first
from backends.lowering.scribe import comment_lines
from backends.lowering.steps import Refused
from backends.lowering.writer import Writer
from backends.pycode.literals import literal
from backends.pycode.names import CLASSES, KEYWORDS, RESERVED, constant_names, free_class
from backends.pycode.render import draw_helper
from dsl.ir import CallNode, Model, Node, children, walk
from dsl.layers.extern import ExternLayer
from dsl.passes.scope import LayerClosure
from dsl.shapes.trace import Auto, plain

REMEMBERING = ("Attention", "MultiHeadAttention", "PositionEmbedding")
"""Helper classes that take a cache while a sequence is continued."""

"""Classes that generated files may import by name."""


@dataclass
class ModelCode:
    """The text of a model.

    Attributes:
        name: Of the class.
        text: Constants, helpers, classes and `build_model`, in this order.
        helpers: Names of the helpers it holds.
        imports: Lines that import the user's own layers.
        generation: How it continues a sequence, if it does.
        remembers: Classes of layers that take a cache while it does so.
        cache: The name for the cache's class.
        blocks: For each block of the spec, the classes that it became.
    """

    name: str
    text: str
    helpers: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    generation: Generation | None = None
    remembers: tuple[str, ...] = ()
    cache: str = "KVCache"
    blocks: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass
class Helpers:
    """The helpers that a file asks for, each with its united flags, in order of first use.

    Attributes:
        package: Of the backend.
        taken: Names of classes that the spec's own blocks have; a helper makes way for them.
        cached: Whether layers remember earlier positions while a sequence is continued.
        before: What the same file asked of each helper when it was written before.
        flags: What is asked of each helper.
        consulted: Whether somebody wanted to know what all uses ask of a helper.
    """

    package: str
    taken: frozenset[str] = frozenset()
    cached: bool = False
    before: dict[str, dict[str, Any]] = field(default_factory=dict)
    flags: dict[str, dict[str, Any]] = field(default_factory=dict)
    consulted: bool = False

    def known(self, name: str) -> dict[str, Any]:
        """What all uses ask of a helper, as far as the file was written before."""
        self.consulted = True
        return self.before.get(name, {})

    def __call__(self, name: str, **flags: Any) -> str:
        """Asks for a helper by the name of its class or function; gives the name it has here."""
        known = self.flags.setdefault(name, {})
        for key, value in flags.items():
            known[key] = known.get(key) or value
        return self.spelled(name)

    def spelled(self, name: str) -> str:
        """The name of a helper's class in this file."""
        while name in self.taken:
            name += "Layer"
        return name

    def texts(self, classes: list[str]) -> tuple[list[str], list[str]]:
        """Their code, and the code of the classes that use them.

        A function makes way for a variable of the spec that is called the same.
        """
        from dsl.passes.drafts import snake_case

        texts = [
            draw_helper(
                self.package,
                name if name.islower() else snake_case(name),
                {**flags, "cached": self.cached},
            )
            for name, flags in self.flags.items()
        ]
        for name in self.flags:
            if self.spelled(name) != name:
                texts = [re.sub(rf"\b{name}\b", self.spelled(name), text) for text in texts]
            elif name.islower() and any(_is_variable(name, text) for text in classes):
                texts = [re.sub(rf"(?<![\w.]){name}\(", f"{name}_layer(", text) for text in texts]
                classes = [
                    re.sub(rf"(?<![\w.]){name}\(", f"{name}_layer(", text) for text in classes
                ]
        return self._ordered(texts), classes

    def _ordered(self, texts: list[str]) -> list[str]:
        """The same, each behind those that it uses, else as asked for."""
        spelled = {self.spelled(name): text for name, text in zip(self.flags, texts, strict=True)}
        ordered: list[str] = []
        while spelled:
            ready = [name for name, text in spelled.items() if not _uses(text, spelled, name)]
            ordered.append(spelled.pop((ready or list(spelled))[0]))
        return ordered


def _uses(text: str, names: Iterable[str], own: str) -> bool:
    """Whether a helper's code calls another one of some names, or derives from it."""
    others = "|".join(re.escape(name) for name in names if name != own)
    return bool(others) and re.search(rf"(?<![\w.\"])({others})(_layer)?[()]", text) is not None


def _is_variable(name: str, text: str) -> bool:
    """Whether a class has a variable or parameter of this name."""
    return re.search(rf"(?<![\w.\"']){name}\b(?![(\"'])", re.sub("#.*", "", text)) is not None


def own_names(model: Model) -> frozenset[str]:
    """What the spec calls its model and the blocks that it uses."""
    names = {model.name}
    stack, seen = [model.body.nodes], set()
    while stack:
        for node in stack.pop():
            if isinstance(node, CallNode):
                if node.instance in seen:
                    continue
                seen.add(node.instance)
                names.add(node.instance.block)
            stack.extend(inner for _, inner, _ in children(node))
    return frozenset(names)


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
    continued = generation(model)
    helpers = Helpers(package, own_names(model), continued is not None and continued.cached)
    externs = _externs(model, emitters.backend)
    writers = (block_writer, model_writer)
    lines, classes, name, blocks = _written(model, emitters, writers, helpers, externs)
    if helpers.consulted:
        helpers = Helpers(package, helpers.taken, helpers.cached, helpers.flags)
        lines, classes, name, blocks = _written(model, emitters, writers, helpers, externs)
    helper_texts, classes = helpers.texts(classes)
    parts = [*lines, *helper_texts, *classes, _build(name)]
    return ModelCode(
        model.name,
        "\n\n\n".join(parts) + "\n",
        tuple(helpers.flags),
        _import_lines(externs),
        continued,
        tuple(helpers.spelled(name) for name in REMEMBERING if name in helpers.flags),
        helpers.spelled("KVCache" if continued and continued.attends else "StateCache"),
        blocks,
    )


def _written(
    model: Model,
    emitters: Emitters,
    writers: tuple[type[Writer], type[Writer]],
    helpers: Helpers,
    externs: dict[str, str],
) -> tuple[list[str], list[str], str, dict[str, tuple[str, ...]]]:
    """The constants, the code of all classes, the name of the model's, and those of each block.

    Args:
        model: With traced sizes.
        emitters: The backend's.
        writers: Of blocks' classes, and of the model's.
        helpers: Receive what is asked of them.
        externs: The user's own classes.
    """
    block_writer, model_writer = writers
    constants: set[str] = set()

    def write(plan: ClassPlan, writer: type[Writer] = block_writer) -> None:
        with book.trial(plan):
            plan.text = writer(plan, book, emitters, helpers, constants).write()

    spelled = constant_names(model.constants, own_names(model) | externs.keys())
    taken = {*CLASSES, *externs}
    name = free_class(model.name, taken)
    book = Book(model, write, {name, *taken}, spelled)
    try:
        book.fill()
        try:
            plan = _model_plan(model, name, book, False)
            write(plan, model_writer)
        except Conflict:
            plan = _model_plan(model, name, book, True)  # with every round written out
            write(plan, model_writer)
    except Conflict as conflict:
        raise _no_loop(conflict.args[0] if conflict.args else model.body.nodes[0]) from None
    classes = [text for item in [*book.classes, plan] for text in _texts(item)]
    code = model_writer(plan, book, emitters, helpers, constants).code
    return _constants(model, constants, book, code), classes, plan.name, book.names()


def _externs(model: Model, backend: str) -> dict[str, str]:
    """The user's own classes (or what holds them), each with the module it comes from.

    Raises:
        Refused: A file's name is no name of a module, or two files hold the same class.
    """
    found: dict[str, str] = {}
    for visit in walk(model.body.nodes):
        layer = visit.node.layer
        if not isinstance(layer, ExternLayer) or backend not in layer.classes:
            continue
        name = layer.classes[backend].partition(".")[0]
        module = layer.path.removesuffix(".py").removeprefix("./").replace("/", ".")
        if not all(map(_is_plain_name, module.split("."))):
            reason, cure = f"`{layer.path}` cannot be imported", "name a file beside the spec"
            raise Refused(reason, f"{cure}, such as `my_ops.py`", visit.node)
        odd = next(filter(KEYWORDS.__contains__, layer.args), "")
        if name in CLASSES | RESERVED or odd:
            reason = (
                f"`{odd or name}` of extern layer `{layer.name}` means something else in Python"
            )
            raise Refused(reason, "give it another name there and here", visit.node)
        if found.setdefault(name, module) != module:
            reason = f"`{name}` comes from two files"
            raise Refused(reason, "give one of the classes another name", visit.node)
    return found


def _is_plain_name(name: str) -> bool:
    return name.isascii() and name.isidentifier() and name not in KEYWORDS


def _import_lines(externs: dict[str, str]) -> tuple[str, ...]:
    return tuple(sorted(f"from {module} import {name}" for name, module in externs.items()))


def _no_loop(node: Node) -> Refused:
    return Refused(
        "the rounds of a repeat differ in a way that no loop can follow",
        "write the rounds that differ one by one",
        node,
    )


def _model_plan(model: Model, name: str, book: Book, unroll: bool) -> ClassPlan:
    params = {
        param: literal(plain(value)) if _is_plain(value) else None
        for param, value in model.args.items()
        if not _holds_layers(value)
    }
    template = align([model.body], book.results, unroll)
    pool_first(template)
    plan = ClassPlan(name, template, (), params)
    plan.unrolled = unroll
    plan.settled = {param: params[param] or "None" for param in template.settled & params.keys()}
    plan.comments = comments_above(model.decl)
    return plan


def _holds_layers(value: Any) -> bool:
    """Whether a value is a layer, or a list with one: such are written where they are needed."""
    return isinstance(value, LayerClosure) or (
        isinstance(value, tuple) and any(map(_holds_layers, value))
    )


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return isinstance(value, (bool, int, float, str, Auto))


def _texts(plan: ClassPlan) -> list[str]:
    return [text for inner in plan.inner for text in _texts(inner)] + [plan.text]


def _constants(model: Model, names: set[str], book: Book, code: Callable[[Any], str]) -> list[str]:
    lines = []
    for name, value in model.constants.items():
        if name in names:
            lines += [
                line
                for text in comments_above(model.declared[name])
                for line in comment_lines(text)
            ]
            lines.append(f"{book.constants[name]} = {code(value)}")
    return ["\n".join(lines)] if lines else []


def _build(name: str) -> str:
    return f"def build_model():\n    return {name}()"
