"""From reductions to syntax nodes: one method per name in the grammar; nothing here raises."""

from __future__ import annotations

from typing import Any

from dsl.source import Source, Span
from dsl.syntax import ast
from dsl.syntax.comments import attach
from dsl.syntax.errors import Fault
from dsl.syntax.lexer import Lexer, Token
from dsl.syntax.literals import LiteralError, read_number, read_string

_LIMIT_SIGNS = frozenset(("<=", "<", ">=", ">", "=="))

_DECLARATIONS = (ast.BlockDecl, ast.ModelDecl)


class Builder:
    """Makes the nodes of one text.

    Every method takes the children that the grammar keeps, and the offsets of the construct.
    """

    def __init__(self, source: Source, lexer: Lexer, faults: list[Fault]) -> None:
        self.source = source
        self.lexer = lexer
        self.faults = faults
        self.headless: set[int] = set()

    def span(self, token: Token) -> Span:
        """The span of a token."""
        return Span(self.source, token.start, token.end)

    # --- expressions ---------------------------------------------------------------------

    def number(self, children: list[Any], start: int, end: int) -> ast.Number:
        text = children[0].text
        value = read_number(text)
        if isinstance(value, LiteralError):
            value = (0, "")
        return ast.Number(*value, text, span=Span(self.source, start, end))

    def string(self, children: list[Any], start: int, end: int) -> ast.String:
        value = read_string(children[0].text)
        if isinstance(value, LiteralError):
            value = children[0].text[1:-1]
        return ast.String(value, span=Span(self.source, start, end))

    def true(self, children: list[Any], start: int, end: int) -> ast.Bool:
        return ast.Bool(True, span=Span(self.source, start, end))

    def false(self, children: list[Any], start: int, end: int) -> ast.Bool:
        return ast.Bool(False, span=Span(self.source, start, end))

    def auto(self, children: list[Any], start: int, end: int) -> ast.Auto:
        return ast.Auto(span=Span(self.source, start, end))

    def name(self, children: list[Any], start: int, end: int) -> ast.Name:
        return ast.Name(self.source.text[start:end], span=Span(self.source, start, end))

    output_name = name

    def list(self, children: list[Any], start: int, end: int) -> ast.List:
        return ast.List(_present(children), span=Span(self.source, start, end))

    def paren(self, children: list[Any], start: int, end: int) -> ast.Paren:
        return ast.Paren(children[0], span=Span(self.source, start, end))

    def unary(self, children: list[Any], start: int, end: int) -> ast.Unary:
        sign, operand = children
        return ast.Unary(sign.text, operand, span=Span(self.source, start, end))

    def binary(self, children: list[Any], start: int, end: int) -> ast.Binary:
        left, sign, right = children
        return ast.Binary(sign.text, left, right, span=Span(self.source, start, end))

    def not_in(self, children: list[Any], start: int, end: int) -> ast.Binary:
        span = Span(self.source, start, end)
        return ast.Binary("not in", children[0], children[-1], span=span)

    def conditional(self, children: list[Any], start: int, end: int) -> ast.Conditional:
        return ast.Conditional(*children, span=Span(self.source, start, end))

    def call(self, children: list[Any], start: int, end: int) -> ast.Call:
        function, *args = children
        return ast.Call(function.text, _present(args), span=Span(self.source, start, end))

    def attribute(self, children: list[Any], start: int, end: int) -> ast.Attribute:
        value, name = children
        return ast.Attribute(value, name.text, span=Span(self.source, start, end))

    def index(self, children: list[Any], start: int, end: int) -> ast.Index:
        value, *indices = children
        return ast.Index(value, _present(indices), span=Span(self.source, start, end))

    def slice(self, children: list[Any], start: int, end: int) -> ast.Slice:
        return ast.Slice(*children, span=Span(self.source, start, end))

    def on_pattern(self, children: list[Any], start: int, end: int) -> ast.OnPattern:
        return ast.OnPattern(*children, span=Span(self.source, start, end))

    def kind_call(self, children: list[Any], start: int, end: int) -> ast.KindCall:
        kind, args = children
        return ast.KindCall(
            kind.text,
            args or (),
            span=Span(self.source, start, end),
            name_span=self.span(kind),
            parenthesised=end != kind.end,
        )

    def args(self, children: list[Any], start: int, end: int) -> tuple[ast.Argument, ...]:
        named = False
        for argument in children:
            if argument.name is not None:
                named = True
            elif named:
                self._positional_after_named(argument)
                break
        return tuple(children)

    def _positional_after_named(self, argument: ast.Argument) -> None:
        fault = Fault(
            "MSL021",
            "an argument without a name stands after one with a name",
            argument.span.start,
            argument.span.end,
            label="which one is it?",
            helps=("name it, or move it to the front: `Conv2d(64, 3, stride=2)`",),
        )
        self.faults.append(fault)

    def positional_argument(self, children: list[Any], start: int, end: int) -> ast.Argument:
        return ast.Argument(None, children[0], span=Span(self.source, start, end))

    def named_argument(self, children: list[Any], start: int, end: int) -> ast.Argument:
        name, value = children
        return ast.Argument(name.text, value, span=Span(self.source, start, end))

    # --- types and parameters ------------------------------------------------------------

    def dim(self, children: list[Any], start: int, end: int) -> ast.DimDecl:
        return ast.DimDecl(children[0], span=Span(self.source, start, end))

    def symbol_dim(self, children: list[Any], start: int, end: int) -> ast.DimDecl:
        symbol, size = children
        return ast.DimDecl(size, symbol.text, span=Span(self.source, start, end))

    def dims(self, children: list[Any], start: int, end: int) -> tuple[ast.DimDecl, ...]:
        return _present(children)

    def type(self, children: list[Any], start: int, end: int) -> ast.TypeExpr:
        dtype, dims = children
        return ast.TypeExpr(dtype.text, dims, span=Span(self.source, start, end))

    def range(self, children: list[Any], start: int, end: int) -> ast.Bounds:
        low, high = children
        return ast.Bounds(low, high, span=Span(self.source, start, end))

    def choices(self, children: list[Any], start: int, end: int) -> ast.Bounds:
        return ast.Bounds(choices=children[0], span=Span(self.source, start, end))

    def param_type(self, children: list[Any], start: int, end: int) -> tuple[str, Span]:
        name, element = children
        text = f"{name.text}[{element.text}]" if element else name.text
        return text, Span(self.source, start, end)

    def param(self, children: list[Any], start: int, end: int) -> ast.Param:
        name, (type_text, type_span), default, bounds = children
        return ast.Param(
            name.text,
            type_text,
            default,
            bounds,
            span=Span(self.source, start, end),
            name_span=self.span(name),
            type_span=type_span,
        )

    def params(self, children: list[Any], start: int, end: int) -> tuple[ast.Param, ...]:
        return _present(children)

    # --- chains --------------------------------------------------------------------------

    def chain(self, children: list[Any], start: int, end: int) -> ast.Chain:
        return ast.Chain(tuple(children), span=Span(self.source, start, end))

    def tuple_item(self, children: list[Any], start: int, end: int) -> ast.TupleItem:
        return ast.TupleItem(None, children[0], span=Span(self.source, start, end))

    def named_tuple_item(self, children: list[Any], start: int, end: int) -> ast.TupleItem:
        name, chain = children
        return ast.TupleItem(name.text, chain, span=Span(self.source, start, end))

    def tuple(self, children: list[Any], start: int, end: int) -> ast.TupleElement:
        return ast.TupleElement(tuple(children), span=Span(self.source, start, end))

    def residual(self, children: list[Any], start: int, end: int) -> ast.Residual:
        return ast.Residual(*children, span=Span(self.source, start, end))

    def parallel(self, children: list[Any], start: int, end: int) -> ast.Parallel:
        return ast.Parallel(tuple(children), span=Span(self.source, start, end))

    def repeat(self, children: list[Any], start: int, end: int) -> ast.Repeat:
        count, names, body = children
        indexed = isinstance(names, tuple)  # made by `indexed_names`
        return ast.Repeat(
            count,
            tuple(name.text for name in names or ()),
            body,
            indexed=indexed,
            name_spans=tuple(self.span(name) for name in names or ()),
            span=Span(self.source, start, end),
        )

    def indexed_names(self, children: list[Any], start: int, end: int) -> tuple[Token, ...]:
        index, names = children
        return (index, *names)

    def when(self, children: list[Any], start: int, end: int) -> ast.When:
        return ast.When(*children, span=Span(self.source, start, end))

    def names(self, children: list[Any], start: int, end: int) -> list[Token]:
        return list(children)

    def body(self, children: list[Any], start: int, end: int) -> ast.Body:
        statements = self._settle(_present(children))
        closing = attach(self.source, statements, self.lexer.comments, start, end)
        return ast.Body(statements, closing=closing, span=Span(self.source, start, end))

    # --- statements in bodies ------------------------------------------------------------

    def step(self, children: list[Any], start: int, end: int) -> ast.Step:
        return ast.Step((), children[0], span=Span(self.source, start, end))

    def named_step(self, children: list[Any], start: int, end: int) -> ast.Step:
        names, chain = children
        return ast.Step(
            tuple(name.text for name in names),
            chain,
            name_spans=tuple(self.span(name) for name in names),
            span=Span(self.source, start, end),
        )

    def let(self, children: list[Any], start: int, end: int) -> ast.Let:
        return self._named(ast.Let, children, start, end)

    def input_decl(self, children: list[Any], start: int, end: int) -> ast.InputDecl:
        return self._named(ast.InputDecl, children, start, end)

    def output_decl(self, children: list[Any], start: int, end: int) -> ast.OutputDecl:
        return self._named(ast.OutputDecl, children, start, end)

    def shared(self, children: list[Any], start: int, end: int) -> ast.SharedDecl:
        return self._named(ast.SharedDecl, children, start, end)

    def _named(self, node: Any, children: list[Any], start: int, end: int) -> Any:
        name, *rest = children
        span = Span(self.source, start, end)
        return node(name.text, *rest, span=span, name_span=self.span(name))

    def broken(self, children: list[Any], start: int, end: int) -> ast.Broken:
        return self._broken(start, end)

    def _broken(self, start: int, end: int) -> ast.Broken:
        names = declared_names(self.source.text[start:end])
        return ast.Broken(names, span=Span(self.source, start, end))

    # --- the top level -------------------------------------------------------------------

    def version(self, children: list[Any], start: int, end: int) -> ast.Version:
        text = children[0].text
        whole = text.isascii() and text.isdigit() and len(text) < 10
        if not whole:
            self.faults.append(
                Fault(
                    "MSL020",
                    f"a version is a whole number, not `{text}`",
                    children[0].start,
                    children[0].end,
                    helps=("write `msl 1`",),
                )
            )
        return ast.Version(int(text) if whole else 1, span=Span(self.source, start, end))

    def import_(self, children: list[Any], start: int, end: int) -> ast.Import:
        path = children[0]
        value = self.string([path], path.start, path.end).value
        return ast.Import(value, span=Span(self.source, start, end), path_span=self.span(path))

    def param_decl(self, children: list[Any], start: int, end: int) -> ast.ParamDecl:
        return ast.ParamDecl(children[0], span=Span(self.source, start, end))

    def block(self, children: list[Any], start: int, end: int) -> ast.BlockDecl:
        name, params, body = children
        return self._named(ast.BlockDecl, [name, params or (), body], start, end)

    def model(self, children: list[Any], start: int, end: int) -> ast.ModelDecl:
        name, params, body = children
        return self._named(ast.ModelDecl, [name, params or (), body], start, end)

    def variant(self, children: list[Any], start: int, end: int) -> ast.VariantDecl:
        return self._named(ast.VariantDecl, children, start, end)

    def extern(self, children: list[Any], start: int, end: int) -> ast.ExternDecl:
        _, name, params, path, *rest = children
        settings = self._settle(_present(rest))
        opening = self.source.text.index("{", path.end)
        closing = attach(self.source, settings, self.lexer.comments, opening, end)
        return ast.ExternDecl(
            name.text,
            params or (),
            self.string([path], path.start, path.end).value,
            settings,
            closing=closing,
            span=Span(self.source, start, end),
            name_span=self.span(name),
        )

    def section_word(self, children: list[Any], start: int, end: int) -> Token:
        return children[0]

    layer_word = section_word

    def section(self, children: list[Any], start: int, end: int) -> ast.Section:
        word, head, entries = children
        statements, closing = entries or (None, ())
        return ast.Section(
            word.text,
            head,
            statements,
            closing=closing,
            span=Span(self.source, start, end),
            word_span=self.span(word),
        )

    def bare_section(self, children: list[Any], start: int, end: int) -> ast.Section:
        word, entries = children
        return self.section([word, None, entries], start, end)

    def entries(self, children: list[Any], start: int, end: int) -> tuple[Any, Any]:
        statements = self._settle(_present(children))
        return statements, attach(self.source, statements, self.lexer.comments, start, end)

    def setting(self, children: list[Any], start: int, end: int) -> ast.Setting:
        return self._named(ast.Setting, children, start, end)

    def mapping(self, children: list[Any], start: int, end: int) -> ast.Item:
        target, value = children
        span = Span(self.source, start, end)
        return ast.Item(target.text, value, span=span, target_span=self.span(target))

    def entry(self, children: list[Any], start: int, end: int) -> ast.Limit | ast.Item:
        value = children[0]
        span = Span(self.source, start, end)
        if (
            isinstance(value, ast.Binary)
            and value.op in _LIMIT_SIGNS
            and isinstance(value.left, ast.Name)
        ):
            name = value.left
            return ast.Limit(name.id, value.op, value.right, span=span, name_span=name.span)
        return ast.Item(None, value, span=span)

    def file(self, children: list[Any], start: int, end: int) -> ast.File:
        statements = self._settle(_present(children))
        self._check_versions(statements)
        comments = self.lexer.comments
        closing = attach(self.source, statements, comments, -1, len(self.source.text))
        return ast.File(
            statements, closing=closing, span=Span(self.source, 0, len(self.source.text))
        )

    def _check_versions(self, statements: tuple[ast.Statement, ...]) -> None:
        for statement in statements[1:]:
            if isinstance(statement, ast.Version):
                span = statement.span
                message = "the version of the language comes first, and once"
                helps = ("move `msl 1` to the top of the file",)
                self.faults.append(Fault("MSL019", message, span.start, span.end, helps=helps))

    # --- broken statements ---------------------------------------------------------------

    def _settle(self, statements: tuple[Any, ...]) -> tuple[Any, ...]:
        """Replaces statements that hold a fault which no statement inside them has claimed."""
        if not self.lexer.broken and not self.headless:
            return statements
        return tuple(self._trusted(statement) for statement in statements)

    def _trusted(self, statement: ast.Statement) -> ast.Statement:
        span = statement.span
        broken = self.lexer.broken
        head = statement.body.span.start if isinstance(statement, _DECLARATIONS) else span.end
        inside = [offset for offset in broken if span.start <= offset < head]
        if span.start in self.headless:
            self.headless.discard(span.start)
        elif not inside:
            return statement
        broken[:] = [offset for offset in broken if not span.start <= offset < span.end]
        return self._broken(span.start, span.end)


def _present(children: list[Any]) -> tuple[Any, ...]:
    return () if len(children) == 1 and children[0] is None else tuple(children)


def declared_names(text: str) -> tuple[str, ...]:
    """The names that a broken statement would have declared, as far as its text tells."""
    import re

    head = re.match(r"(?:block|model|variant|extern\s+layer)\s+(\w+)", text)
    if head:
        return (head[1],)
    head = re.match(r"[a-z]+\s+([A-Z]\w*)[^\n=]*[{=]", text)  # its first word misspelt
    if head:
        return (head[1],)
    head = re.match(r"(?:let|shared|input|output|param)\s+([^\W\d]\w*)", text)
    if head:
        return (head[1],)
    head = re.match(r"([^\W\d]\w*(?:\s*,\s*[^\W\d]\w*)*)\s*=(?!=)", text)
    return tuple(word.strip() for word in head[1].split(",")) if head else ()
