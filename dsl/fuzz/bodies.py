"""Draws bodies: statement by statement, each held against the shape rules before it is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from dsl.fuzz.choices import Choices
from dsl.fuzz.machine import Machine, Refused, Value
from dsl.fuzz.program import (
    Block,
    Body,
    Call,
    Chain,
    Expr,
    Let,
    Link,
    Param,
    Program,
    Statement,
    literal,
    text_of,
)
from dsl.shapes.types import TensorType

WORDS = (
    "h", "a", "u", "stem", "down", "tail", "out", "gate", "self", "name", "call", "build",
    "weight", "training", "forward", "type", "layers", "dtype", "len", "values", "range", "str",
    "wide", "count", "kwargs", "super", "trainable", "losses", "variables", "modules", "children",
    "inputs", "outputs", "state", "keys", "tf", "nn", "np", "init", "size", "print", "class",
)  # fmt: skip
"""Names to give, some of which mean something in Python or in a framework."""

KEYWORDS = frozenset(
    "msl import let param block model variant input output repeat as when otherwise residual "
    "shortcut parallel shared extern from on in and or not if else true false auto "
    "loss optimizer schedule regularization data train device budget search".split()
)


class Names:
    """Gives out names, each once in a program."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self.taken: set[str] = set(KEYWORDS)

    def fresh(self, prefix: str = "") -> str:
        """A new name, plain ones first."""
        word = prefix or self.choices.pick(WORDS)
        name, number = word, 1
        while name in self.taken:
            number += 1
            name = f"{word}{number}"
        self.taken.add(name)
        return name


class Shop:
    """What all writers of one program share."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self.program = Program()
        self.machine = Machine(self.program)
        self.names = Names(choices)
        self.given: dict[str, Any] = {}
        self.opened: list[str] = []


class Writer:
    """Draws one body.

    Args:
        shop: The program's.
        block: The block or model that the body belongs to, which gets the parameters it needs.
        body: What is drawn.
        env: Names that can be seen.
        current: The current value.
        depth: How many braces deep the body is.
    """

    def __init__(
        self,
        shop: Shop,
        block: Block,
        body: Body,
        env: dict[str, Any],
        current: tuple[Value, ...],
        depth: int = 0,
    ) -> None:
        self.shop, self.block, self.body, self.env = shop, block, body, env
        self.current, self.depth = current, depth
        self.d = shop.choices

    @property
    def x(self) -> TensorType:
        """The type of the current value."""
        return self.current[0].type

    def inner(self, body: Body, bound: bool = True, names: dict[str, Any] | None = None) -> Writer:
        """A writer for braces within this body, which see some names more."""
        env = {**self.env, **(names or {})}
        if bound:
            env["input"] = self.current[0]
        return Writer(self.shop, self.block, body, env, self.current, self.depth + 1)

    # -- statements

    def link(self, kind: str, *args: Any, **named: Any) -> None:
        """Passes the current value through a kind with these arguments.

        Raises:
            Refused: The kind cannot work on it.
        """
        self.add(self.call(kind, *args, **named))

    def call(self, kind: str, *args: Any, **named: Any) -> Call:
        """A kind with arguments, some of them written as formulas."""
        given = [("", self.express(value)) for value in args]
        given += [(name, self.express(value)) for name, value in named.items()]
        return Call(kind, tuple(given))

    def add(self, link: Link) -> None:
        """Passes the current value through a link."""
        made = self.shop.machine.link(link, self.visible(), self.current, ())
        last = self.body.statements[-1] if self.body.statements else None
        if isinstance(last, Statement) and not last.names and not self.d.chance(3):
            last.chain = Chain(last.chain.start, (*last.chain.links, link), last.chain.grouped)
        else:
            self.body.statements.append(Statement(Chain((), (link,))))
        self.current = made

    def link_on(self, link: Link) -> None:
        """Passes what the last link gave, which may be several values, through a further link."""
        made = self.shop.machine.link(link, self.visible(), self.current, ())
        last = self.body.statements[-1]
        assert isinstance(last, Statement)
        last.chain = Chain(last.chain.start, (*last.chain.links, link), last.chain.grouped)
        self.current = made

    def join(self, elements: list[tuple[str, Chain | str]], *links: Link) -> None:
        """Passes several values through links; the current one must be among them."""
        self.say(Chain(tuple(elements), links, True))

    def say(self, chain: Chain, names: tuple[str, ...] = ()) -> None:
        """Adds a statement."""
        statement = Statement(chain, names)
        env = self.visible()
        self.current = self.shop.machine.statement(statement, env, self.current)
        self.env.update(zip(names, self.current))
        self.body.statements.append(statement)

    def here(self) -> str:
        """A name of the current value, given to it if it has none."""
        last = self.body.statements[-1] if self.body.statements else None
        if isinstance(last, Statement):
            if not last.names:
                last.names = tuple(self.shop.names.fresh() for _ in self.current)
                self.env.update(zip(last.names, self.current))
            return last.names[0]
        for name, value in self.env.items():
            if value is self.current[0]:
                return name
        name = self.shop.names.fresh()
        self.say(Chain((), (Call("Identity"),)), (name,))
        return name

    def operands(self, fits: Callable[[TensorType], bool]) -> list[str]:
        """Names of values that fit."""
        return [
            name
            for name, value in self.env.items()
            if isinstance(value, Value) and name != "_" and fits(value.type)
        ]

    def attempt(self, draw: Callable[[], Any]) -> bool:
        """Draws something, or leaves all as it was where a layer refuses."""
        last = self.body.statements[-1] if self.body.statements else None
        kept = (last.chain, last.names) if isinstance(last, Statement) else None
        program = self.shop.program
        lists = (self.body.statements, self.block.params, program.consts)
        sizes = [len(items) for items in lists]
        env, current, blocks = dict(self.env), self.current, dict(program.blocks)
        params = {name: len(block.params) for name, block in blocks.items()}
        try:
            draw()
        except Refused:
            for items, size in zip(lists, sizes):
                del items[size:]
            if kept is not None and isinstance(last, Statement):
                last.chain, last.names = kept
            self.env.clear()
            self.env.update(env)
            self.current, program.blocks = current, blocks
            for name, size in params.items():
                del blocks[name].params[size:]
            return False
        return True

    # -- expressions

    def visible(self) -> dict[str, Any]:
        """All names that can be seen: of the file, the block's arguments, and of the body."""
        own = {item.name: self.shop.given[item.name] for item in self.block.params}
        return {**self.shop.machine.file_names(), **own, **self.env}

    def express(self, value: Any) -> Expr:
        """A value as a formula, which is a literal more often than not."""
        if isinstance(value, Expr):
            return value
        if isinstance(value, (list, tuple)):
            items = [self.express(item) for item in value]
            text = f"[{', '.join(item.text for item in items)}]"
            return Expr(text, lambda env: [item.value(env) for item in items])
        if isinstance(value, (bool, int, float, str, Call)) and self.d.chance(3):
            forms = list(_forms(value, self.visible()))
            place = self.d.integer(0, len(forms))
            return forms[place - 1] if place else self.declared(value)
        return literal(value)

    def declared(self, value: Any) -> Expr:
        """A new name for a value: an argument of the block, a parameter or constant of the file."""
        name = self.shop.names.fresh()
        of_block = isinstance(value, Call) or not self.d.chance(3)
        if of_block:
            default = self.block.word == "model" or self.d.chance(2)
            bounds = _bounds(value) if self.d.chance(4) else ""
            param = Param(name, _type_name(value), literal(value) if default else None, bounds)
            self.block.params.append(param)
        elif self.d.chance(2):
            bounds = _bounds(value) if self.d.chance(3) else ""
            self.shop.program.consts.append(Param(name, _type_name(value), literal(value), bounds))
        else:
            self.shop.program.consts.append(Let(name, literal(value)))
        self.shop.given[name] = value
        return Expr(name, lambda env: env[name])


def _type_name(value: Any) -> str:
    names = {bool: "bool", int: "int", float: "float", str: "string", Call: "layer"}
    return f"list[{_type_name(value[0])}]" if isinstance(value, list) else names[type(value)]


def _bounds(value: Any) -> str:
    if type(value) is not int or value < 1:
        return ""
    return f"1..{4 * value}" if value % 2 else f"[{value}, {value + 1}]"


def _forms(value: Any, names: dict[str, Any]) -> Iterator[Expr]:
    """Formulas for a value, from names that can be seen."""
    for name, held in names.items():
        if type(held) is type(value) and held == value and not isinstance(held, Call):
            yield Expr(name, lambda env, name=name: env[name])
    if type(value) is bool:
        yield Expr(f"not {text_of(not value)}", lambda env: value)
    if type(value) is not int:
        return
    for name, held in names.items():
        if type(held) is int:
            yield from _arithmetic(name, held, value, lambda env, name=name: env[name])
        elif isinstance(held, Value):
            axes = held.type.axes
            for axis, size in zip(axes, held.type.shape):
                if axis and type(size) is int and axes.count(axis) == 1:
                    yield from _arithmetic(f"{name}.{axis}", size, value, size_of(name, axis))


def size_of(name: str, axis: str) -> Callable[[Any], int]:
    """What gives a size of a value by the name of its axis."""

    def get(env: Any) -> int:
        type_ = env[name].type
        place = type_.axis(axis)
        if place is None or type_.axes.count(axis) > 1 or type(type_.shape[place]) is not int:
            raise Refused("no such size")
        return type_.shape[place]

    return get


def _arithmetic(text: str, held: int, value: int, get: Callable[[Any], int]) -> Iterator[Expr]:
    """Formulas that make one number of another."""
    if not 0 < held <= 64 or value < 1:
        return
    if held == value:
        if "." in text:
            yield Expr(text, get)
        yield Expr(f"max({text}, {value - 1})", lambda env: max(get(env), value - 1))
    elif value % held == 0:
        yield Expr(f"{text} * {value // held}", lambda env: get(env) * (value // held))
        yield Expr(f"{value // held} * {text}", lambda env: get(env) * (value // held))
    elif held // (held // value or 1) == value:
        by = held // value
        yield Expr(f"{text} // {by}", lambda env: get(env) // by)
    if held < value:
        yield Expr(f"{text} + {value - held}", lambda env: get(env) + value - held)
        yield Expr(f"min({text} + {value}, {value})", lambda env: min(get(env) + value, value))
    if held > value:
        yield Expr(f"{text} - {held - value}", lambda env: get(env) - (held - value))
        other = held + 1
        yield Expr(
            f"({value} if {text} < {other} else {text})",
            lambda env: value if get(env) < other else get(env),
        )
