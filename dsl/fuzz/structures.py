"""Draws what has braces: residuals, branches, repeats, choices, and blocks with their arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dsl.fuzz.bodies import Writer, size_of
from dsl.fuzz.machine import Refused, Value
from dsl.fuzz.program import (
    Block,
    Body,
    Call,
    Chain,
    Declared,
    Expr,
    Parallel,
    Repeat,
    Residual,
    Shared,
    Statement,
    Use,
    When,
    literal,
)
from dsl.fuzz.recipes.fitting import fit
from dsl.fuzz.recipes.registry import draw_layer, fits_image
from dsl.shapes.types import TensorType

DEPTH = 3
"""How deep braces nest."""


def draw_step(w: Writer) -> bool:
    """Adds something to a body; whether it did."""
    structures = [] if w.depth >= DEPTH or len(w.current) > 1 else STRUCTURES
    place = w.d.integer(0, 2 * len(STRUCTURES))
    if place % 2 and structures:
        return w.attempt(lambda: structures[place // 2](w))
    return w.attempt(lambda: draw_layer(w))


def fill(w: Writer, most: int = 3) -> None:
    """Draws a body of a few steps, at least one."""
    draw_some(w, most)
    if not w.body.statements:
        w.link("Identity")


def draw_some(w: Writer, most: int) -> None:
    """Draws a few steps."""
    for _ in range(most):
        draw_step(w)
        if not w.d.chance(2):
            break


def _residual(w: Writer) -> None:
    body, before = Body(), w.x
    inner = w.inner(body)
    fill(inner)
    condition = None
    shortcut = None
    if inner.x.shape != before.shape:
        if w.d.chance(2):
            shortcut = Body()
            fit(w.inner(shortcut), inner.x)
        else:
            fit(inner, before)
    if shortcut is None and w.d.chance(4):
        condition = truth(w, True)
    w.add(Residual(body, shortcut, condition))


def _parallel(w: Writer) -> None:
    first = Body()
    inner = w.inner(first)
    fill(inner, 2)
    target = inner.x
    bodies = [first]
    merge = w.d.pick(["Add", "Concat", "Multiply", "Average", "Maximum"])
    for _ in range(w.d.integer(1, 2)):
        body = Body()
        other = w.inner(body)
        draw_some(other, 1)
        fit(other, target)
        bodies.append(body)
    w.add(Parallel(tuple(bodies)))
    if w.d.chance(4):
        names = tuple(w.shop.names.fresh() for _ in bodies)
        last = w.body.statements[-1]
        assert isinstance(last, Statement)
        last.names = names
        w.env.update(zip(names, w.current))
        w.join([("", name) for name in names], w.call(merge))
    else:
        w.link_on(w.call(merge))


def _repeat(w: Writer) -> None:
    count = w.d.pick([2, 3, 1, 0])
    body = Body()
    kind = w.d.pick(["plain", "index", "rows", "pairs", "counted"])
    if kind in ("plain", "index"):
        names = (w.shop.names.fresh("i"),) if kind == "index" else ()
        over = w.express(count)
        first: dict[str, Any] = dict.fromkeys(names, 0)
        if count == 0:
            first = dict.fromkeys(names, 1)
    else:
        names, over, first = _rows(w, kind, max(count, 1))
    inner = w.inner(body, names=first)
    same = inner.x
    if names:
        use(inner, names)
    fill(inner, 2)
    if w.d.chance(2) or not names:
        fit(inner, same)
    w.add(Repeat(over, names, body, kind == "counted"))


def _rows(w: Writer, kind: str, count: int) -> tuple[tuple[str, ...], Expr, dict[str, Any]]:
    """The names of a repeat over a list, the list, and what the names stand for at first."""
    width = 1 if kind == "rows" else 2
    names = tuple(w.shop.names.fresh() for _ in range(width))
    rows = [[w.d.integer(2, 6) for _ in names] for _ in range(count)]
    first = dict(zip(names, rows[0]))
    if kind == "counted":
        index = w.shop.names.fresh("i")
        names, first = (index, *names), {index: 0, **first}
    if width == 1:
        flat = [row[0] for row in rows]
        return names, w.declared(flat) if w.d.chance(2) else literal(flat), first
    return names, literal(rows), first


def use(w: Writer, names: tuple[str, ...]) -> None:
    """A layer whose size is made of the names of a repeat."""
    for name in names:
        held = w.env[name]
        extra = w.d.integer(1, 3)
        if w.d.chance(2):
            size = Expr(f"{name} + {extra}", lambda env, name=name, n=extra: env[name] + n)
        else:
            size = Expr(
                f"{extra} * ({name} + 1)", lambda env, name=name, n=extra: n * (env[name] + 1)
            )
        if fits_image(w.x):
            w.link("Conv2d", size, 1)
        elif w.x.is_float and w.x.rank and w.x.axes[-1] != "width":
            w.link("Linear", size)
        elif held is not None:
            raise Refused("nothing takes a size")


def _when(w: Writer) -> None:
    w.here()
    taken = w.d.chance(2)
    body = Body()
    fill(w.inner(body, bound=False), 2)
    other = None
    if w.d.chance(2):
        other = Body()
        fill(w.inner(other, bound=False), 2)
    w.add(When(truth(w, not taken), body, other))


def truth(w: Writer, value: bool) -> Expr:
    """A condition of that value."""
    forms = [w.express(value)]
    for name, held in w.visible().items():
        if type(held) is int:
            sign = "<=" if value else ">"
            forms.append(
                Expr(
                    f"{name} {sign} {held}",
                    lambda env, name=name, held=held: (env[name] <= held) == value,
                )
            )
        if isinstance(held, Value):
            for axis, size in zip(held.type.axes, held.type.shape):
                if axis and type(size) is int and held.type.axes.count(axis) == 1:
                    forms.append(_compared(name, axis, size, value))
    return w.d.pick(forms)


def _compared(name: str, axis: str, size: int, value: bool) -> Expr:
    get = size_of(name, axis)
    return Expr(
        f"{name}.{axis} {'==' if value else '!='} {size}", lambda env: (get(env) == size) == value
    )


def _block(w: Writer) -> None:
    known = list(w.shop.program.blocks.values())
    if known and not w.d.chance(2):
        again(w, w.d.pick(known))
    else:
        new_block(w)


def new_block(w: Writer) -> None:
    """Declares a block for the current value, and applies it."""
    shop = w.shop
    made = Block("block", f"Block{len(shop.program.blocks) + len(w.shop.opened) + 1}")
    shop.opened.append(made.name)
    given = [w.here()]
    others = w.operands(lambda type_: type_.is_float)
    several = w.d.chance(4) and others
    env: dict[str, Any] = {}
    if several:
        given.append(w.d.pick([name for name in others if name != given[0]] or others))
    if len(given) > 1 or w.d.chance(4):
        for name in given:
            item = Declared(shop.names.fresh())
            made.inputs.append(item)
            env[item.name] = w.env[name]
    if len(given) == 1:
        env["input"] = w.current[0]
    inner = Writer(shop, made, made.body, env, w.current, w.depth + 1)
    if len(given) > 1:
        start = [("", item.name) for item in made.inputs]
        first, second = (env[item.name].type for item in made.inputs)
        if first.shape == second.shape and first.axes == second.axes:
            inner.join(start, Call("Add"))
        else:
            raise Refused("blocks of several inputs add them")
    elif w.d.chance(5):
        _shared(inner)
    fill(inner, 3)
    params = made.params
    made.params = [p for p in params if not p.default] + [p for p in params if p.default]
    if w.d.chance(5) and len(inner.current) == 1:
        several_outputs(inner)
    shop.program.blocks[made.name] = made
    call = application(w, made, {p.name: shop.given[p.name] for p in made.params})
    if len(given) > 1:
        w.join([("", name) for name in given], call)
    else:
        w.add(call)
    if len(w.current) > 1:
        w.link_on(Call("Concat")) if w.d.chance(2) else w.link_on(Call("Add"))


def several_outputs(w: Writer) -> None:
    """Ends a block with two outputs of one shape."""
    statement = w.body.statements[-1]
    assert isinstance(statement, Statement)
    if statement.names:
        raise Refused("the value has its names")
    statement.names = (w.shop.names.fresh(),)
    statement.output = True
    w.env[statement.names[0]] = w.current[0]
    w.link(w.d.pick(["Tanh", "Sigmoid", "ReLU"]))
    last = w.body.statements[-1]
    assert isinstance(last, Statement) and last is not statement
    last.names, last.output = (w.shop.names.fresh(),), True


def application(w: Writer, made: Block, values: dict[str, Any]) -> Call:
    """A block with arguments, defaults left out at times, names given at times."""
    args: list[tuple[str, Expr]] = []
    positional = True
    for param in made.params:
        default = param.default
        if default and default.value({}) == values[param.name] and not w.d.chance(2):
            positional = False
            continue
        positional = positional and not w.d.chance(3)
        args.append(("" if positional else param.name, w.express(values[param.name])))
    return Call(made.name, tuple(args))


def again(w: Writer, made: Block) -> None:
    """Applies a block once more, with other arguments where that works."""
    if len(made.inputs) > 1:
        raise Refused("other values are needed")
    values = {p.name: w.shop.given[p.name] for p in made.params}
    for param in made.params:
        if not param.bounds and w.d.chance(2):
            values[param.name] = another(w, values[param.name])
    w.add(application(w, made, values))
    if len(w.current) > 1:
        w.link_on(Call("Add"))


def another(w: Writer, value: Any) -> Any:
    """Another value of the same type."""
    if type(value) is bool:
        return not value
    if type(value) is int:
        return max(1, value + w.d.pick([1, 2, -1, 4]))
    if type(value) is float:
        return value / 2
    if isinstance(value, list):
        return [*value, another(w, value[-1])]
    if isinstance(value, Call) and not value.args and value.kind in ACTIVATIONS:
        return Call(w.d.pick(ACTIVATIONS))
    return value


ACTIVATIONS = ("ReLU", "GELU", "Tanh", "SiLU", "Identity")


def _argument(w: Writer) -> None:
    """Passes the value through a layer that is an argument of the block."""
    call = w.d.pick(
        [Call("ReLU"), Call("Tanh"), Call("LeakyReLU", (("", literal(0.2)),)), Call("LayerNorm")]
    )
    name = w.declared(call).text
    w.add(Use(name))


def _shared(w: Writer) -> None:
    """Declares a shared layer and applies it twice."""
    x = w.x
    name = w.shop.names.fresh()
    if fits_image(x):
        call = w.call("Conv2d", x.shape[0], 3, padding=1)
    elif x.is_float and x.rank and x.axes[-1] != "width" and type(x.shape[-1]) is int:
        call = w.call("Linear", x.shape[-1])
    else:
        raise Refused("nothing to share")
    statement = Shared(name, call)
    env = w.visible()
    w.shop.machine.statement(statement, env, w.current)
    w.env[name] = env[name]
    w.body.statements.append(statement)
    w.add(Use(name))
    w.attempt(lambda: draw_layer(w))
    fit(w, x)
    w.add(Use(name))


def _skip(w: Writer) -> None:
    """Joins the current value with one named before."""
    names = w.operands(lambda type_: type_.is_float and type_.shape == w.x.shape)
    here = w.here()
    left = [name for name in names if w.env[name] is not w.env.get(here)]
    if not left:
        raise Refused("nothing to join with")
    other = w.d.pick(left)
    kind = w.d.pick(["Add", "Multiply", "Subtract", "Average", "Maximum", "Minimum", "Concat"])
    w.join([("", here), ("", other)], w.call(kind))


def _named(w: Writer) -> None:
    draw_layer(w)
    w.here()


Structure = Callable[[Writer], None]
STRUCTURES: list[Structure] = [
    _named,
    _skip,
    _residual,
    _block,
    _repeat,
    _when,
    _parallel,
    _argument,
    _shared,
]  # fmt: _skip

__all__ = ["STRUCTURES", "Chain", "TensorType", "draw_some", "draw_step", "fill"]
