"""Follows a program without the compiler: types of all values, and the same model without blocks.

Every application of a layer becomes one statement of a flat model that has no blocks, branches,
repeats, parameters or formulas. What such a model costs and computes is what the program must.
"""

from __future__ import annotations

from typing import Any

from dsl.fuzz.program import (
    Axis,
    Block,
    Body,
    Call,
    Chain,
    Let,
    Link,
    Parallel,
    Param,
    Program,
    Repeat,
    Residual,
    Shared,
    Statement,
    Tie,
    Use,
)
from dsl.kinds.kind import REGISTRY, KindError, KindOf
from dsl.kinds.values import AxisName, BadValue, LayerPath
from dsl.layers.base import Layer, LayerError
from dsl.record import Record
from dsl.shapes.types import TensorType

LIMIT = 6000
"""Values that one sample may have at any place, so that whatever is drawn runs quickly."""


PARTS = ("initializer", "parametrization")
"""Categories of kinds that stand as arguments of layers."""


class Refused(Exception):
    """A layer cannot work on what it is given."""


class Value(Record):
    """The type of a value, and its name in the flat model."""

    type: TensorType
    name: str


class SharedLayer(Record):
    """A shared layer, and its name in the flat model."""

    call: Call
    name: str


Values = tuple[Value, ...]


class Machine:
    """Evaluates bodies; what it meets is written to `lines` as a flat model.

    Args:
        program: Where blocks are looked up.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.lines: list[str] = []
        self.kinds: list[str] = []
        self.shapes: dict[str, tuple[tuple[int, ...], ...]] = {}
        self.count = 0
        self.depth = 0

    def fresh(self, letter: str = "v") -> str:
        """A name of the flat model."""
        self.count += 1
        return f"{letter}{self.count}"

    def body(self, body: Body, env: dict[str, Any], current: Values) -> Values:
        """Evaluates a body in an environment of its own; its result."""
        outputs: list[Value] = []
        for item in body.statements:
            current = self.statement(item, env, current)
            if isinstance(item, Statement) and item.output:
                outputs += [env[name] for name in item.names]
        return tuple(outputs) or current

    def statement(
        self, item: Statement | Let | Shared, env: dict[str, Any], current: Values
    ) -> Values:
        """Evaluates one statement, which may add names; the current value after it."""
        if isinstance(item, Let):
            env[item.name] = item.value.value(env)
            return current
        if isinstance(item, Shared):
            layer = SharedLayer(item.call.bound(env), self.fresh("s"))
            self.lines.append(f"shared {layer.name} = {self._flat(layer.call)}")
            env[item.name] = layer
            return current
        if item.output and not item.chain.links and not item.chain.start:
            return current
        current = self.chain(item.chain, env, current)
        env.update(zip(item.names, current))
        return current

    def chain(self, chain: Chain, env: dict[str, Any], current: Values) -> Values:
        """Evaluates a chain."""
        ports: tuple[str, ...] = ()
        if chain.start:
            found = [self._element(item, env, current) for _, item in chain.start]
            if not chain.grouped:
                current = found[0]
            else:
                current = tuple(one for (one,) in found)
                ports = tuple(port for port, _ in chain.start)
        for link in chain.links:
            current = self.link(link, env, current, ports)
            ports = ()
        return current

    def _element(self, item: Chain | str, env: dict[str, Any], current: Values) -> Values:
        return (env[item],) if isinstance(item, str) else self.chain(item, env, current)

    def link(
        self, link: Link, env: dict[str, Any], current: Values, ports: tuple[str, ...]
    ) -> Values:
        """Evaluates one link on the values before it, some given to ports by name."""
        if isinstance(link, Use):
            used = env[link.name]
            if isinstance(used, SharedLayer):
                return self._layer(used.call, current, ports, used.name)
            return self.link(used, {**self.file_names(), **env}, current, ports)
        if isinstance(link, Call):
            block = self.program.blocks.get(link.kind)
            if block is not None:
                return self.apply(block, link, env, current, ports)
            return self._layer(link.bound(env), current, ports)
        if isinstance(link, Residual):
            return self._residual(link, env, current)
        if isinstance(link, Parallel):
            inner = [self.within(body, env, current) for body in link.bodies]
            return tuple(value for (value,) in inner)
        if isinstance(link, Repeat):
            return self._repeat(link, env, current)
        chosen = link.body if link.condition.value(env) else link.otherwise
        return self.body(chosen, dict(env), current) if chosen else current

    def within(
        self, body: Body, env: dict[str, Any], current: Values, names: dict[str, Any] | None = None
    ) -> Values:
        """Evaluates a body that calls what it was given `input`."""
        inner = {**env, **(names or {})}
        if len(current) == 1:
            inner["input"] = current[0]
        return self.body(body, inner, current)

    def _repeat(self, link: Repeat, env: dict[str, Any], current: Values) -> Values:
        over = link.over.value(env)
        rows = range(over) if isinstance(over, int) else over
        for number, row in enumerate(rows):
            cells = row if isinstance(row, (list, tuple)) else [row]
            cells = [number, *cells] if link.indexed else cells
            current = self.within(link.body, env, current, dict(zip(link.names, cells)))
        return current

    def _residual(self, link: Residual, env: dict[str, Any], current: Values) -> Values:
        inner = self.within(link.body, env, current)
        if link.condition is not None and not link.condition.value(env):
            return inner
        short = self.within(link.shortcut, env, current) if link.shortcut else current
        if inner[0].type.shape != short[0].type.shape:
            raise Refused("a residual that changes the shape")
        return self._layer(Call("Add"), (*short, *inner), ())

    def file_names(self) -> dict[str, Any]:
        """The names that every block sees."""
        env: dict[str, Any] = {}
        for item in self.program.consts:
            value = item.default if isinstance(item, Param) else item.value
            env[item.name] = value.value(env) if value else None
        return env

    def apply(
        self, block: Block, call: Call, env: dict[str, Any], current: Values, ports: tuple[str, ...]
    ) -> Values:
        """Evaluates a block on values."""
        inner = self.file_names()
        given: dict[str, Any] = {}
        for place, (name, expr) in enumerate(call.args):
            given[name or block.params[place].name] = _bound(expr.value(env), env)
        for param in block.params:
            default = param.default
            inner[param.name] = (
                given[param.name] if param.name in given else default and default.value(inner)
            )
        if not block.inputs:
            if len(current) != 1:
                raise Refused("a block takes one value")
            inner["input"] = current[0]
        elif len(current) != len(block.inputs):
            raise Refused("a block takes other values")
        else:
            free = [item.name for item in block.inputs if item.name not in ports]
            names = [port or free.pop(0) for port in (ports or [""] * len(current))]
            inner.update(zip(names, current))
            if len(current) == 1:
                inner["input"] = current[0]
        self.depth += 1
        if self.depth > 20:
            raise Refused("blocks nest too deep")
        try:
            return self.body(block.body, inner, current if len(block.inputs) < 2 else ())
        finally:
            self.depth -= 1

    def _layer(
        self, call: Call, current: Values, ports: tuple[str, ...], shared: str = ""
    ) -> Values:
        layer = instance("layer", call)
        current = () if not layer.ports and not layer.variadic else current
        slots = _slots(layer, current, ports)
        try:
            result = layer.infer(*(slot and slot.type for slot in slots))
            weights = layer.weights(*(slot and slot.type for slot in slots))
        except LayerError as error:
            raise Refused(str(error)) from error
        shapes = tuple(weight.shape for weight in weights)
        if shared and self.shapes.setdefault(shared, shapes) != shapes:
            raise Refused("a shared layer has one set of weights")
        types = result if isinstance(result, tuple) else (result,)
        if any(_count(one) > LIMIT for one in types):
            raise Refused("a value grows large")
        self.kinds.append(call.kind)
        made = tuple(Value(one, self.fresh()) for one in types)
        self.lines.append(_line(made, current, ports, shared or self._flat(call)))
        return made

    def _flat(self, call: Call) -> str:
        return str(call)


def _line(made: Values, current: Values, ports: tuple[str, ...], call: str) -> str:
    given = [
        f"{port}={value.name}" if port else value.name
        for port, value in zip(ports or [""] * len(current), current)
    ]
    start = f"({', '.join(given)})" if len(given) > 1 else "".join(given)
    return f"{', '.join(value.name for value in made)} = {start}{start and ' -> '}{call}"


def _bound(value: Any, env: dict[str, Any]) -> Any:
    return value.bound(env) if isinstance(value, Call) else value


def _slots(layer: Layer, current: Values, ports: tuple[str, ...]) -> list[Value | None]:
    """The values by the layer's ports, None where an optional one is not given."""
    if layer.variadic:
        if len(current) < 2:
            raise Refused("takes several values")
        return list(current)
    named = dict(zip(ports, current)) if ports else {}
    free = [value for value, port in zip(current, ports or [""] * len(current)) if not port]
    slots: list[Value | None] = []
    for port in layer.ports:
        slots.append(named.pop(port.name, None) or (free.pop(0) if free else None))
        if slots[-1] is None and not port.optional:
            raise Refused(f"`{port.name}` is missing")
    if free:
        raise Refused("takes fewer values")
    return slots


def _count(type_: TensorType) -> int:
    total = 1
    for dim in type_.shape:
        total *= dim if isinstance(dim, int) else 12
    return total


def instance(category: str, call: Call) -> Any:
    """A kind from a call whose arguments are literals.

    Raises:
        Refused: The kind does not take them.
    """
    kind = REGISTRY[category][call.kind]
    slots = [name for name, item in kind.arguments.items() if not item.keyword]
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for place, (name, expr) in enumerate(call.args):
        slot = name or slots[min(place, len(slots) - 1)]
        value = _raw(expr.value({}), getattr(kind.arguments.get(slot), "type", None))
        if name:
            named[name] = value
        else:
            positional.append(value)
    try:
        return kind.make(*positional, **named)
    except (BadValue, KindError) as error:
        raise Refused(f"{call}: {error}") from error


def _raw(value: Any, type_: Any) -> Any:
    """A value of the tree as the registry takes it."""
    if isinstance(value, Axis):
        return AxisName(value.name)
    if isinstance(value, Tie):
        return LayerPath(value.path)
    if isinstance(value, Call):
        known = (name for name in ("layer", *PARTS) if value.kind in REGISTRY[name])
        category = type_.category if isinstance(type_, KindOf) else next(known)
        return instance(category, value)
    if isinstance(value, (list, tuple)):
        return tuple(_raw(item, None) for item in value)
    return value
