"""Draws whole specs: inputs, a body, outputs, and how the model is trained."""

from __future__ import annotations

import re
from typing import Any

from dsl.fuzz.bodies import Shop, Writer
from dsl.fuzz.choices import Choices
from dsl.fuzz.machine import Machine, Refused, Value
from dsl.fuzz.program import Call, Chain, Declared, Expr, Program, Statement, Tie, text_of
from dsl.fuzz.recipes.fitting import fit_vector
from dsl.fuzz.recipes.registry import integers
from dsl.fuzz.sections import sections
from dsl.fuzz.structures import draw_step
from dsl.shapes.dim import Poly
from dsl.shapes.types import TensorType

STEPS = 8
"""How many steps the body of a model has, at most."""


def draw_program(choices: Choices) -> Program:
    """A spec that is valid, and different for other decisions."""
    shop = Shop(choices)
    model = shop.program.model
    env: dict[str, Value] = {}
    for name, type_, text in inputs(shop):
        model.inputs.append(Declared(name, text))
        env[name] = Value(type_, name)
    names = list(env)
    w = Writer(shop, model, model.body, dict(env), (env[names[0]],))
    if len(names) == 1:
        w.env["input"] = env[names[0]]
    else:
        w.say(Chain((("", names[0]),), (Call("Identity"),)))
    table = start_with_table(w) if integers(w.x) else ""
    for _ in range(STEPS):
        draw_step(w)
        if choices.integer(0, 5) == 0:
            break
    if table and choices.chance(2):
        w.attempt(lambda: tie(w, table))
    join_rest(w, names)
    outputs(w)
    if model.params and choices.chance(4):
        param = model.params[0]
        shop.program.variants.append(
            f"variant Other = {model.name}({param.name}={text_of(shop.given[param.name])})"
        )
    return shop.program


def start_with_table(w: Writer) -> str:
    """Looks whole numbers up; the name of the table."""
    name = w.shop.names.fresh("table")
    w.say(Chain((), (w.call("Embedding", w.d.integer(5, 9), w.d.integer(2, 6)),)), (name,))
    return name


def tie(w: Writer, table: str) -> None:
    """Passes the value through the table the other way, as language models end."""
    if w.x.rank != 2 or w.x.axes != ("time", "features"):
        raise Refused("no sequence")
    made = next(item for item in w.body.statements if getattr(item, "names", ()) == (table,))
    assert isinstance(made, Statement) and isinstance(made.chain.links[0], Call)
    sizes = [size.value(w.visible()) for _, size in made.chain.links[0].args]
    vocabulary, width = sizes
    if w.x.shape[-1] != width:
        w.link("Linear", width)
    way = Expr(table, lambda env: Tie(env[table].name))
    w.link("Linear", vocabulary, tie=way, bias=False)


def inputs(shop: Shop) -> list[tuple[str, TensorType, str]]:
    """Names and types of the inputs, the types as text too."""
    d = shop.choices
    form = d.pick(["vector", "sequence", "image", "tokens", "symbolic", "signal", "volume"])
    found = [one_input(shop, form)]
    first = found[0][1]
    for _ in range(2):
        if not d.chance(3):
            break
        found.append(other_input(shop, first, found))
    return found


def one_input(shop: Shop, form: str) -> tuple[str, TensorType, str]:
    """An input of a form."""
    d = shop.choices
    name = shop.names.fresh(d.pick(["x", "image", "tokens", "inputs", "data"]))
    if form in ("tokens", "symbolic"):
        time, size = Poly({("time",): 1}), d.integer(4, 7)
        symbol = f"time={size}"
        if "time" in shop.names.taken:
            raise Refused("the symbol is declared")
        shop.names.taken.add("time")
        if form == "tokens":
            return name, TensorType((time,), "int64"), f"int64[{symbol}]"
        width = d.integer(2, 6)
        return name, TensorType((time, width)), f"float32[{symbol}, {width}]"
    low = {"vector": (2,), "sequence": (4, 2), "signal": (3, 6), "image": (2, 4, 4)}.get(
        form, (2, 3, 3, 3)
    )
    shape = tuple(d.integer(size, size + 4) for size in low)
    return name, TensorType(shape), f"float32[{', '.join(map(str, shape))}]"


def other_input(
    shop: Shop, first: TensorType, found: list[tuple[str, TensorType, str]]
) -> tuple[str, TensorType, str]:
    """A further input: of the same type, a mask, positions, or a vector."""
    d = shop.choices
    name = shop.names.fresh(d.pick(["z", "memory", "mask", "other"]))
    form = d.pick(["vector", "same", "mask", "positions"])
    sizes = ["time" if isinstance(size, Poly) else str(size) for size in first.shape]
    steps = first.rank == 2 or integers(first)
    if form == "mask" and steps:
        return name, TensorType(first.shape[:1], "bool"), f"bool[{sizes[0]}]"
    if form == "same" and first.is_float:
        return name, first, f"float32[{', '.join(sizes)}]"
    if form == "positions":
        return (name, TensorType((), "int64"), "int64[]") if d.chance(2) else (
            name, TensorType((3,), "int64"), "int64[3]"
        )  # fmt: skip
    width = d.integer(2, 6)
    return name, TensorType((width,)), f"float32[{width}]"


def join_rest(w: Writer, names: list[str]) -> None:
    """Brings in the inputs that nothing has used."""
    from dsl.fuzz.reading import names_in

    used = names_in(w.body)
    rest = [name for name in names if name not in used and len(names) > 1]
    for name in rest:
        type_ = w.env[name].type
        if type_.dtype == "bool":
            use_mask(w, name)
            continue
        here = w.here()
        if not w.attempt(lambda name=name, here=here: _join(w, name, here)):
            raise Refused("an input is left over")


def _join(w: Writer, name: str, here: str) -> None:
    fit_vector(w)
    here = w.here()
    w.say(Chain((("", name),), (Call("Identity"),)))
    fit_vector(w)
    w.join([("", here), ("", w.here())], Call("Concat"))


def use_mask(w: Writer, name: str) -> None:
    """Uses a mask on a sequence of its length."""
    mask = w.env[name].type
    fitting = w.operands(
        lambda type_: type_.is_float and type_.rank == 2 and type_.shape[:1] == mask.shape
        and type_.axes == ("time", "features")
    )  # fmt: skip
    if not fitting:
        raise Refused("a mask of nothing")
    fit_vector(w)
    here = w.here()
    w.join([("", fitting[0]), ("mask", name)], Call("GlobalAvgPool"))
    w.join([("", here), ("", w.here())], Call("Concat"))


def outputs(w: Writer) -> None:
    """One output, or two, and at times how the model is trained."""
    d = w.d
    trained = d.chance(2)
    if trained or not whole_float(w):
        fit_vector(w)
        w.link("Linear", d.integer(2, 5))
    names = [output(w, "y")]
    if d.chance(4):
        w.say(Chain((), (Call("Tanh"),)))
        names.append(output(w, "extra"))
    if trained:
        w.shop.program.sections = sections(d, w, names)


def output(w: Writer, prefix: str) -> str:
    """Makes the current value an output; its name."""
    last = w.body.statements[-1] if w.body.statements else None
    if not isinstance(last, Statement) or last.names:
        w.say(Chain((), (Call("Identity"),)))
        last = w.body.statements[-1]
    name = w.shop.names.fresh(prefix)
    last.names, last.output = (name,), True
    w.env[name] = w.current[0]
    if w.d.chance(3) and all(type(size) is int for size in w.x.shape):
        last.type = str(w.x)
    return name


def whole_float(w: Writer) -> bool:
    """Whether the value can be an output as it is."""
    return len(w.current) == 1 and w.x.is_float and w.x.batched


def followed(program: Program) -> tuple[Machine, dict[str, Any]]:
    """A machine that has followed a program, and what the model's names stand for."""
    machine = Machine(program)
    env = machine.file_names()
    for param in program.model.params:
        env[param.name] = param.default.value(env) if param.default else None
    for item in program.model.inputs:
        env[item.name] = Value(declared_type(item.type), item.name)
    current: tuple[Value, ...] = ()
    if len(program.model.inputs) == 1:
        env["input"] = env[program.model.inputs[0].name]
        current = (env["input"],)
    machine.body(program.model.body, env, current)
    return machine, env


def flattened(program: Program) -> str:
    """The same model without blocks, branches, repeats, parameters and formulas."""
    machine, env = followed(program)
    made = [line.partition(" = ") for line in machine.lines]
    used = set(re.findall(r"\w+", " ".join(right for _, _, right in made)))
    used |= {env[name].name for name in outputs_of(program)}
    lines = [f"input {item.name}: {item.type}" for item in program.model.inputs]
    for item in program.model.inputs:
        if item.name not in used:
            lines.append(f"_{item.name} = {item.name} -> Identity")
    for left, _, right in made:
        shared = left.removeprefix("shared ")
        if shared == left:
            names = [name if name in used else f"_{name}" for name in left.split(", ")]
            lines.append(f"{', '.join(names)} = {right}")
        elif shared in used:
            lines.append(f"{left} = {right}")
    for name in outputs_of(program):
        lines.append(f"output {name} = {env[name].name} -> Identity")
    body = "\n".join(f"  {line}" for line in lines)
    return f"msl 1\nmodel {program.model.name} {{\n{body}\n}}\n"


def outputs_of(program: Program) -> list[str]:
    """The names of a program's outputs."""
    statements = [item for item in program.model.body.statements if isinstance(item, Statement)]
    return [name for item in statements if item.output for name in item.names]


def declared_type(text: str) -> TensorType:
    """The type of an input from its text."""
    dtype, _, rest = text.partition("[")
    sizes = [part.strip() for part in rest.rstrip("]").split(",") if part.strip()]
    shape = tuple(
        int(size) if size.isdigit() else Poly({(size.partition("=")[0],): 1}) for size in sizes
    )
    return TensorType(shape, dtype)
