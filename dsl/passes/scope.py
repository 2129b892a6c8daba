"""Names and what they stand for while a model is elaborated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dsl.ir import Value
from dsl.record import Record, field
from dsl.source import Span
from dsl.syntax import ast


class Binding(Record, frozen=False):
    """What a name stands for.

    Attributes:
        value: A plain or traced value, a `LayerClosure`, or for a tensor a `Tensor`.
        span: Where the name was declared.
        used: Whether anything read it.
        hideable: Whether a body may declare the name again (file-level lets and params).
    """

    value: Any
    span: Span | None
    used: bool = False
    hideable: bool = False


class Tensor(Record, eq=False):
    """A named value of the graph, with the layer that made it, for ``tie`` and dotted paths.

    Attributes:
        value: None where an error has left it unknown.
        draft: The draft of the chain that made it.
    """

    value: Value | None
    draft: Any = None


class SharedUse(Record, eq=False):
    """A ``shared`` name: what it applies, and the weights' declaration."""

    call: ast.KindCall
    scope: Scope
    draft: Any


class LayerClosure(Record):
    """A kind passed as a ``layer`` argument: elaborated anew at each use, in its own scope.

    Attributes:
        call: The kind with its arguments.
        scope: Where they were written.
        name: The name that it was read by, if it was; two that differ in it alone are equal.
    """

    call: ast.KindCall
    scope: Scope
    name: str = ""

    def __hash__(self) -> int:
        return hash((self.call, id(self.scope)))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, LayerClosure)
            and self.call == other.call
            and (self.scope is other.scope or not self.call.args)
        )

    def __str__(self) -> str:
        return self.call.span.text


class Scope(Record, frozen=False, eq=False):
    """The names of one body; inner bodies see outer names.

    Attributes:
        parent: The scope around it, None for a file's.
        names: What is declared here.
        module: The file's declarations: blocks, models, extern layers.
    """

    parent: Scope | None
    module: Module
    names: dict[str, Binding] = field(default_factory=dict)

    def lookup(self, name: str) -> Binding | None:
        """The binding of a visible name."""
        scope: Scope | None = self
        while scope is not None:
            found = scope.names.get(name)
            if found is not None:
                return found
            scope = scope.parent
        return None

    def is_mistake(self, name: str) -> bool:
        """Whether a name is only known from a mistake that is reported already."""
        found = self.lookup(name)
        return found is not None and found.value is None

    def inner(self) -> Scope:
        """A scope inside this one."""
        return Scope(self, self.module)

    def visible(self) -> Iterator[str]:
        """Every visible name, innermost first."""
        scope: Scope | None = self
        while scope is not None:
            yield from scope.names
            scope = scope.parent


class Module(Record, frozen=False, eq=False):
    """The declarations of one file and of the files it imports.

    Attributes:
        file: Its syntax tree.
        blocks: Blocks and models by name, with the module that they belong to.
        externs: Extern layers by name.
        variants: Variants by name.
        imported: The modules it imports directly.
        broken: Names that unreadable statements would have declared.
        has_broken_import: Whether an import failed, so that unknown kinds may be its.
        scope: File-level lets and params.
        label: Tells constants of different files apart in traces; "" for the main file.
    """

    file: ast.File
    label: str = ""
    blocks: dict[str, tuple[ast.BlockDecl | ast.ModelDecl, Module]] = field(default_factory=dict)
    externs: dict[str, ast.ExternDecl] = field(default_factory=dict)
    variants: dict[str, tuple[ast.VariantDecl, Module]] = field(default_factory=dict)
    imported: list[Module] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    has_broken_import: bool = False
    scope: Scope = field(init=False)

    def __post_init__(self) -> None:
        self.scope = Scope(None, self)
