"""A spec as a tree that can be written as text, and evaluated without the compiler.

The tree knows what each expression is worth (`Expr.value`), so `dsl.fuzz.machine` can follow a
program through blocks, branches and repeats by itself: an opinion on names, sizes and scopes that
shares nothing with the passes of the compiler but the shape rules of single layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Union

from dsl.record import Record, field

Env = Mapping[str, Any]


class Expr(Record):
    """An expression: its text, and its value where names have given values."""

    text: str
    compute: Callable[[Env], Any] = field(compare=False)

    def value(self, env: Env) -> Any:
        """What it is worth."""
        return self.compute(env)


class Call(Record):
    """A kind or block with arguments: ``Conv2d(8, kernel_size=3)``; an empty name is positional."""

    kind: str
    args: tuple[tuple[str, Expr], ...] = ()

    def __str__(self) -> str:
        if not self.args:
            return self.kind
        given = (f"{name}={value.text}" if name else value.text for name, value in self.args)
        return f"{self.kind}({', '.join(given)})"

    def bound(self, env: Env) -> Call:
        """The same with the values of its arguments in place of their formulas."""
        return Call(self.kind, tuple((name, literal(arg.value(env))) for name, arg in self.args))


class Use(Record):
    """A shared layer or a layer argument by its name."""

    name: str

    def __str__(self) -> str:
        return self.name


class Residual(Record):
    """``residual { .. } shortcut { .. }``, or ``residual if`` with a condition."""

    body: Body
    shortcut: Body | None = None
    condition: Expr | None = None


class Parallel(Record):
    """``parallel { { .. } { .. } }``."""

    bodies: tuple[Body, ...]


class Repeat(Record):
    """``repeat count as i { .. }``, or over a list, its rows counted if `indexed`."""

    over: Expr
    names: tuple[str, ...]
    body: Body
    indexed: bool = False


class When(Record):
    """``when condition { .. } otherwise { .. }``."""

    condition: Expr
    body: Body
    otherwise: Body | None = None


Link = Union[Call, Use, Residual, Parallel, Repeat, When]


class Chain(Record):
    """Links with what enters the first: nothing for the current value, a name, or several chains.

    Attributes:
        start: Elements with the ports that they are given by name to, "" for the next in order.
        links: What the value passes.
        grouped: Whether the elements stand in brackets.
    """

    start: tuple[tuple[str, Chain | str], ...] = ()
    links: tuple[Link, ...] = ()
    grouped: bool = False


class Let(Record):
    """``let name = value``."""

    name: str
    value: Expr


class Shared(Record):
    """``shared name = Kind(..)``."""

    name: str
    call: Call


class Statement:
    """A chain, the names of its results and whether they are outputs; made up as it is drawn."""

    def __init__(self, chain: Chain, names: tuple[str, ...] = ()) -> None:
        self.chain, self.names = chain, names
        self.output, self.type = False, ""


class Body:
    """What stands between braces."""

    def __init__(self) -> None:
        self.statements: list[Statement | Let | Shared] = []


class Param(Record):
    """A parameter: ``name: type = default in bounds``."""

    name: str
    type: str
    default: Expr | None = None
    bounds: str = ""

    def __str__(self) -> str:
        default = f" = {self.default.text}" if self.default else ""
        return f"{self.name}: {self.type}{default}{self.bounds and f' in {self.bounds}'}"


class Declared(Record):
    """An input of a model, or of a block, which has no type."""

    name: str
    type: str = ""


class Block:
    """A block or model."""

    def __init__(self, word: str, name: str) -> None:
        self.word, self.name = word, name
        self.params: list[Param] = []
        self.inputs: list[Declared] = []
        self.body = Body()


class Program:
    """A whole spec.

    Attributes:
        consts: File-level ``let`` and ``param`` statements.
        blocks: Blocks by name, in the order of their declaration.
        model: The model.
        variants: Text of the variants.
        sections: Text of the training sections.
    """

    def __init__(self) -> None:
        self.consts: list[Let | Param] = []
        self.blocks: dict[str, Block] = {}
        self.model = Block("model", "Net")
        self.variants: list[str] = []
        self.sections = ""

    def __str__(self) -> str:
        parts = ["msl 1"]
        for item in self.consts:
            parts.append(
                f"param {item}"
                if isinstance(item, Param)
                else f"let {item.name} = {item.value.text}"
            )
        parts += ["\n".join(_block(block)) for block in (*self.blocks.values(), self.model)]
        return "\n".join([*parts, *self.variants, *filter(None, [self.sections])]) + "\n"


def _block(block: Block) -> Iterator[str]:
    params = f"({', '.join(map(str, block.params))})" if block.params else ""
    yield f"{block.word} {block.name}{params} {{"
    for item in block.inputs:
        yield f"  input {item.name}" + (f": {item.type}" if item.type else "")
    for line in body_lines(block.body):
        yield f"  {line}"
    yield "}"


def body_lines(body: Body) -> Iterator[str]:
    """The statements of a body, one a line."""
    for item in body.statements:
        if isinstance(item, Let):
            yield f"let {item.name} = {item.value.text}"
        elif isinstance(item, Shared):
            yield f"shared {item.name} = {item.call}"
        else:
            yield statement_text(item)


def statement_text(item: Statement) -> str:
    """One statement."""
    chain = chain_text(item.chain)
    type_ = f": {item.type}" if item.type else ""
    if item.output:
        name = f"output {', '.join(item.names)}{type_}"
        return f"{name} = {chain}" if chain else name
    return f"{', '.join(item.names)} = {chain}" if item.names else chain


def chain_text(chain: Chain) -> str:
    """A chain on one line."""
    parts = [link_text(link) for link in chain.links]
    if chain.start:
        elements = [
            (f"{port}=" if port else "") + (item if isinstance(item, str) else chain_text(item))
            for port, item in chain.start
        ]
        parts.insert(0, f"({', '.join(elements)})" if chain.grouped else elements[0])
    return " -> ".join(parts)


def link_text(link: Link) -> str:
    """A link on one line."""
    if isinstance(link, Residual):
        head = f"residual if {link.condition.text}" if link.condition else "residual"
        tail = f" shortcut {braces(link.shortcut)}" if link.shortcut else ""
        return f"{head} {braces(link.body)}{tail}"
    if isinstance(link, Parallel):
        return f"parallel {{ {' '.join(braces(body) for body in link.bodies)} }}"
    if isinstance(link, Repeat):
        first, rest = ", ".join(link.names[:1]), ", ".join(link.names[1:])
        shown = f"{first}, ({rest})" if link.indexed else ", ".join(link.names)
        names = f" as {shown}" if shown else ""
        return f"repeat {link.over.text}{names} {braces(link.body)}"
    if isinstance(link, When):
        tail = f" otherwise {braces(link.otherwise)}" if link.otherwise else ""
        return f"when {link.condition.text} {braces(link.body)}{tail}"
    return str(link)


def braces(body: Body) -> str:
    """A body on one line."""
    inner = "; ".join(body_lines(body))
    return f"{{ {inner} }}" if inner else "{ }"


class Axis(Record):
    """An axis by its name."""

    name: str


class Tie(Record):
    """A layer by its name."""

    path: str


def literal(value: Any) -> Expr:
    """A value as the language writes it."""
    return Expr(text_of(value), lambda env: value)


def text_of(value: Any) -> str:
    """The text of a value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(text_of(item) for item in value)}]"
    if isinstance(value, (Axis, Tie)):
        return value.name if isinstance(value, Axis) else value.path
    return str(value)
