"""The syntax tree: frozen nodes, one class per construct, each with the span it was read from.

Spans and comments do not take part in equality, so ``parse(format(tree)) == tree`` is one assert.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Union

from dsl.record import Record, field
from dsl.source import Span


def _span() -> Span:
    return field(compare=False, kw_only=True)


class Node(Record):
    """Anything with a place in the text."""

    span: Span = _span()


# --- expressions ------------------------------------------------------------------------


class Number(Node):
    """``3``, ``0.1``, ``12M``, ``8GiB``, ``200ms``, ``5epochs``.

    Attributes:
        value: The number with its suffix applied: an int where it is exact (``12M`` is 12000000,
            ``8GiB`` is bytes), otherwise a float; times are seconds.
        unit: ``""`` for plain numbers and counts, ``"B"`` for bytes, ``"s"`` for times,
            ``"epochs"``.
        text: The literal as it was written.
    """

    value: int | float
    unit: str = ""
    text: str = field("", compare=False)


class String(Node):
    """A string literal, unescaped."""

    value: str


class Bool(Node):
    """``true`` or ``false``."""

    value: bool


class Auto(Node):
    """``auto``."""


class Name(Node):
    """A lower-case word standing for a value; also ``input`` and ``output``."""

    id: str


class List(Node):
    """``[a, b]``; an element may be an `OnPattern`."""

    items: tuple[Expr, ...]


class Paren(Node):
    """``(n)``: kept, since ``dim=(n)`` and ``dim=n`` differ."""

    value: Expr


class Unary(Node):
    """``-x``, ``+x`` or ``not x``."""

    op: str
    operand: Expr


class Binary(Node):
    """Arithmetic, comparison (not chained), ``in``, ``not in``, ``and``, ``or``."""

    op: str
    left: Expr
    right: Expr


class Conditional(Node):
    """``then if condition else otherwise``."""

    then: Expr
    condition: Expr
    otherwise: Expr


class Call(Node):
    """A function of the language applied to values: ``ceil(x)``; `function` is lower case."""

    function: str
    args: tuple[Expr, ...]


class Attribute(Node):
    """``input.channels``, ``token_embedding.embedding`` (a dotted path)."""

    value: Expr
    attr: str


class Index(Node):
    """``xs[i]``; with several indices, or none, only as a type such as ``float32[3, 8]``."""

    value: Expr
    indices: tuple[Expr, ...]


class Slice(Node):
    """``xs[1:]``, ``xs[:-1]``, ``xs[::-1]``: as in Python; a bound left out is None."""

    value: Expr
    start: Expr | None = None
    stop: Expr | None = None
    step: Expr | None = None


class Argument(Node):
    """One argument of a kind: positional where `name` is None."""

    name: str | None
    value: Expr


class KindCall(Node):
    """``Conv2d(64, 3)`` or a bare ``ReLU``: a kind with its settings.

    Attributes:
        kind: The capitalized word.
        args: As written; empty for a bare kind.
        name_span: The span of the word alone.
        parenthesised: Whether parentheses were written; ignored in comparisons.
    """

    kind: str
    args: tuple[Argument, ...] = ()
    name_span: Span = _span()
    parenthesised: bool = field(False, compare=False, kw_only=True)


class OnPattern(Node):
    """``AUC on click``, ``L2(1e-4) on "conv*.weight"``: `target` is a Name, String or List."""

    value: Expr
    target: Expr


Expr = Union[
    Number, String, Bool, Auto, Name, List, Paren, Unary, Binary, Conditional,
    Call, Attribute, Index, Slice, KindCall, OnPattern,
]  # fmt: skip


# --- types ------------------------------------------------------------------------------


class DimDecl(Node):
    """One dimension of a type: a size, or with `symbol` ``time=1024``."""

    size: Expr
    symbol: str | None = None


class TypeExpr(Node):
    """``float32[3, 32, 32]``; a bare dtype has `dims` None, ``int64[]`` an empty tuple."""

    dtype: str
    dims: tuple[DimDecl, ...] | None


# --- bodies -----------------------------------------------------------------------------


class Comment(Node):
    """A comment: its text without ``#`` and the blanks around it."""

    text: str


class Statement(Node):
    """A statement with the comments that belong to it.

    Attributes:
        leading: Comments on the lines above it.
        trailing: The comment at the end of its line; of a block, model or section, the one after
            the opening brace.
        inner: Comments amid its text that no statement inside it has: between the arguments of a
            call, between the elements of a chain.
        blank_before: Whether blank lines stood above it (and above its leading comments).
    """

    leading: tuple[Comment, ...] = field((), compare=False, kw_only=True)
    trailing: Comment | None = field(None, compare=False, kw_only=True)
    inner: tuple[Comment, ...] = field((), compare=False, kw_only=True)
    blank_before: bool = field(False, compare=False, kw_only=True)


class Broken(Statement):
    """A statement with an error in it, already reported; it keeps what follows from failing too.

    Attributes:
        names: The values or kinds that it would have declared, as far as its text tells.
    """

    names: tuple[str, ...] = ()


class Body(Node):
    """``{ ... }``; `closing` holds the comments between the last statement and the brace."""

    statements: tuple[Statement, ...]
    closing: tuple[Comment, ...] = field((), compare=False, kw_only=True)


class TupleItem(Node):
    """One element of ``(a, b -> Linear(3), mask=m)``."""

    name: str | None
    chain: Chain


class TupleElement(Node):
    """``(a, b)`` in a chain: several values handed on together."""

    items: tuple[TupleItem, ...]


class Residual(Node):
    """``residual { ... } shortcut { ... }``, or ``residual if condition { ... }``."""

    condition: Expr | None
    body: Body
    shortcut: Body | None = None


class Parallel(Node):
    """``parallel { {...} {...} }``."""

    branches: tuple[Body, ...]


class Repeat(Node):
    """``repeat count as i { ... }`` or ``repeat rows as i, (a, b) { ... }``.

    Attributes:
        count: The number of rounds, or a list of rows.
        names: The words after ``as``; may be empty.
        indexed: Whether the first name is the index and the others are in parentheses.
        name_spans: Parallel to `names`.
    """

    count: Expr
    names: tuple[str, ...]
    body: Body
    indexed: bool = field(False, kw_only=True)
    name_spans: tuple[Span, ...] = field((), compare=False, kw_only=True)


class When(Node):
    """``when condition { ... } otherwise { ... }``."""

    condition: Expr
    then: Body
    otherwise: Body | None = None


Element = Union[KindCall, Name, TupleElement, Residual, Parallel, Repeat, When]


class Chain(Node):
    """``element -> element -> ...``, at least one element."""

    elements: tuple[Element, ...]


class Step(Statement):
    """``chain``, ``name = chain`` or ``a, b = chain``; `name_spans` parallels `names`."""

    names: tuple[str, ...]
    chain: Chain
    name_spans: tuple[Span, ...] = field((), compare=False, kw_only=True)


class Let(Statement):
    """``let name = expression``, at the top level or in a body."""

    name: str
    value: Expr
    name_span: Span = _span()


class InputDecl(Statement):
    """``input image: float32[3, 32, 32]``; in a block the type may be left out."""

    name: str
    type: TypeExpr | None
    name_span: Span = _span()


class OutputDecl(Statement):
    """``output logits: float32[10] = chain``; type and chain are optional."""

    name: str
    type: TypeExpr | None
    chain: Chain | None
    name_span: Span = _span()


class SharedDecl(Statement):
    """``shared name = Kind(...)``."""

    name: str
    kind: KindCall
    name_span: Span = _span()


# --- the top level ----------------------------------------------------------------------


class Bounds(Node):
    """``in 16..512`` (`low`, `high` set) or ``in [1, 3, 5]`` (`choices` set)."""

    low: Expr | None = None
    high: Expr | None = None
    choices: List | None = None


class Param(Node):
    """A parameter of a block, model or extern layer, or the inside of ``param``.

    Attributes:
        type: ``int float bool string dtype axis layer`` or ``list[int]`` and the like, as text.
    """

    name: str
    type: str
    default: Expr | None = None
    bounds: Bounds | None = None
    name_span: Span = _span()
    type_span: Span = _span()


class Version(Statement):
    """``msl 1``."""

    number: int


class Import(Statement):
    """``import "path.msl"``."""

    path: str
    path_span: Span = _span()


class ParamDecl(Statement):
    """``param width: int = 64 in 16..512``."""

    param: Param


class BlockDecl(Statement):
    """``block Name(params) { ... }``."""

    name: str
    params: tuple[Param, ...]
    body: Body
    name_span: Span = _span()


class ModelDecl(Statement):
    """``model Name(params) { ... }``."""

    name: str
    params: tuple[Param, ...]
    body: Body
    name_span: Span = _span()


class VariantDecl(Statement):
    """``variant Small = Classifier(depth=2)``."""

    name: str
    base: KindCall
    name_span: Span = _span()


class Setting(Statement):
    """``name = expression`` in a section or an extern declaration."""

    name: str
    value: Expr
    name_span: Span = _span()


class Limit(Statement):
    """``params <= 12M`` in ``budget``; `op` is one of ``<= < >= > ==``."""

    name: str
    op: str
    value: Expr
    name_span: Span = _span()


class Item(Statement):
    """``CrossEntropy * 1.0``, ``digit: CrossEntropy``, ``L1(1e-6) on "conv*"``, ``age: "age_*"``.

    Attributes:
        target: The word before the colon.
        value: An expression; with ``on`` an `OnPattern`.
    """

    target: str | None
    value: Expr
    target_span: Span | None = field(None, compare=False, kw_only=True)


class Section(Statement):
    """``loss CrossEntropy``, ``train { epochs = 20 }``, ``data CSV("f.csv") { image: "path" }``.

    Attributes:
        word: ``loss optimizer schedule regularization data train device budget search``.
        head: The expression after the word (an `OnPattern` where ``on`` follows), if any.
        entries: The statements in braces, None where there are no braces.
    """

    word: str
    head: Expr | None
    entries: tuple[Setting | Limit | Item, ...] | None
    closing: tuple[Comment, ...] = field((), compare=False, kw_only=True)
    word_span: Span = _span()


class ExternDecl(Statement):
    """``extern layer Name(params) from "file.py" { output = ...; params = ... }``."""

    name: str
    params: tuple[Param, ...]
    path: str
    settings: tuple[Setting, ...]
    closing: tuple[Comment, ...] = field((), compare=False, kw_only=True)
    name_span: Span = _span()


class File(Node):
    """A whole text, with the comments after the last statement."""

    statements: tuple[Statement, ...]
    closing: tuple[Comment, ...] = field((), compare=False, kw_only=True)


def tree(root: Node) -> Iterator[Node]:
    """Every node of a piece of the syntax tree, in no particular order."""
    stack: list[object] = [root]
    while stack:
        item = stack.pop()
        if isinstance(item, tuple):
            stack.extend(item)
        elif isinstance(item, Node):
            yield item
            stack.extend(getattr(item, name) for name in item.FIELDS if not name.endswith("span"))
