"""The intermediate representation as text, for people: every value named, every structure visible.

A line is ``result = name: Kind(arguments)(inputs)  # type``; a name equal to the result's is left
out. Blocks, branches and rounds stand in braces where they are used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from dsl.ir import (
    CallNode,
    Group,
    Instance,
    LayerNode,
    Model,
    Node,
    RepeatNode,
    Round,
    SharedNode,
    Value,
    WhenNode,
)
from dsl.kinds.kind import Kind
from dsl.shapes.dim import symbols as symbols_in
from dsl.shapes.trace import Expr, render


def model_text(model: Model) -> str:
    """A model, blocks and rounds unfolded where they stand.

    Equal rounds of a repeat are written once. Sequences and nesting are walked without recursion.
    """
    return _Writer().model(model)


def value_text(value: Any) -> str:
    """A value as the language writes it; None, an argument left out, is ``none``."""
    if value is None:
        return "none"
    if isinstance(value, bool) or type(value).__name__ == "TracedBool":
        return str(bool(value)).lower()
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(value_text(item) for item in value)}]"
    if isinstance(value, Kind):
        return f"{value.name}{arguments_text({k: getattr(value, k) for k in value.given})}"
    return str(value)


def quoted(text: str) -> str:
    """A string in quotes; what does not print is escaped."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{"".join(c if c.isprintable() else ascii(c)[1:-1] for c in escaped)}"'


def arguments_text(values: dict[str, Any]) -> str:
    """Arguments in parentheses; nothing where there are none."""
    inside = ", ".join(f"{name}={value_text(value)}" for name, value in values.items())
    return f"({inside})" if inside else ""


class _Writer:
    """Collects lines; what is left to write stands on a stack, with its depth.

    That is a node, a line, or a function that writes when its turn comes.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[Value, str] = {}
        self.taken: dict[str, int] = {}
        self.seen: set[Instance] = set()
        self.stack: list[tuple[int, Node | str | Callable[[int], None]]] = []

    def model(self, model: Model) -> str:
        """The text of a model."""
        body = model.body
        self._line(0, f"model {model.name}{arguments_text(model.args)}")
        for name, value in zip(body.names, body.inputs):
            symbols = sorted(set().union(*map(symbols_in, value.type.shape)))
            sizes = ", ".join(f"{symbol} = {model.symbols[symbol]}" for symbol in symbols)
            shown = f"  # {sizes}" if sizes else ""
            self._line(1, f"input {self._name(value, name)}: {value.type}{shown}")
        self._push(1, body.nodes)
        while self.stack:
            self._write(*self.stack.pop())
        for output in body.outputs:
            name, kind = self._name(output.value), output.value.type
            self._line(1, f"output {output.name} = {name}  # {kind}")
        return "".join(f"{line}\n" for line in self.lines)

    def _write(self, depth: int, item: Node | str | Callable[[int], None]) -> None:
        if isinstance(item, str):
            self._line(depth, item)
        elif callable(item):
            item(depth)
        else:
            self._node(depth, item)

    def _line(self, depth: int, text: str) -> None:
        self.lines.append("  " * depth + text)

    def _push(self, depth: int, nodes: tuple[Node, ...]) -> None:
        self.stack.extend((depth, node) for node in reversed(nodes))

    def _name(self, value: Value, hint: str = "") -> str:
        """The name of a value: the author's where there is one, else ``x``; numbered if taken."""
        if value not in self.names:
            wanted = hint or value.hint or "x"
            number = self.taken[wanted] = self.taken.get(wanted, 0) + 1
            self.names[value] = wanted if number == 1 else f"{wanted}_{number}"
        return self.names[value]

    def _list(self, values: Iterable[Value | None]) -> str:
        return ", ".join(self._name(value) for value in values if value is not None)

    # --- nodes --------------------------------------------------------------------------------

    def _node(self, depth: int, node: Node) -> None:
        if isinstance(node, LayerNode):
            self._layer(depth, node)
        elif isinstance(node, SharedNode):
            self._line(depth, f"shared {node.name}")
        elif isinstance(node, CallNode):
            self._call(depth, node)
        elif isinstance(node, Group):
            word = "" if node.kind == node.name else node.name
            self._line(depth, " ".join(filter(None, (node.kind, word))) + " {")
            self.stack.append((depth, "}"))
            self._push(depth + 1, node.nodes)
        elif isinstance(node, WhenNode):
            self._when(depth, node)
        else:
            self._repeat(depth, node)

    def _layer(self, depth: int, node: LayerNode) -> None:
        layer = node.layer
        given = {name: layer.values[name] for name in layer.given if name in layer.values}
        types = ", ".join(str(value.type) for value in node.outputs)
        tied = f", weight of {node.tied}" if node.tied else ""
        head = self._head(node, layer.name + arguments_text(given))
        self._line(depth, f"{head}  # {types}{tied}")

    def _head(self, node: LayerNode | CallNode, word: str) -> str:
        """``results = name: Kind(arguments)(inputs)``; a name that says nothing new is left out."""
        inputs, results = self._list(node.inputs), self._list(node.outputs)
        name = f"shared {node.shared.name}" if node.shared is not None else node.name
        level = f"{name}: " if name and name != results else ""
        return f"{results} = {level}{word}({inputs})"

    def _call(self, depth: int, node: CallNode) -> None:
        instance = node.instance
        body = instance.body
        head = self._head(node, instance.block + arguments_text(instance.args))
        if instance in self.seen:
            types = ", ".join(str(value.type) for value in node.outputs)
            self._line(depth, f"{head}  # {types}, as above")
            return
        self.seen.add(instance)
        self._alias(body.inputs, node.inputs)
        self._block(depth, head, body.nodes, [output.value for output in body.outputs])

    def _alias(self, inner: Sequence[Value], outer: Sequence[Value]) -> None:
        """Lets values of a body bear the names of the values it is given."""
        self.names.update((new, self._name(old)) for new, old in zip(inner, outer))

    def _block(
        self, depth: int, head: str, nodes: tuple[Node, ...], results: Sequence[Value]
    ) -> None:
        """Nodes in braces; `results` are what the names in front of the braces stand for."""
        self._line(depth, f"{head} {{")
        self.stack.append((depth, "}"))
        self._push_yield(depth + 1, results)
        self._push(depth + 1, nodes)

    def _push_yield(self, depth: int, results: Sequence[Value]) -> None:
        self.stack.append((depth, lambda level: self._line(level, f"yield {self._list(results)}")))

    def _when(self, depth: int, node: WhenNode) -> None:
        condition = node.condition
        shown = render(condition) if isinstance(condition, Expr) else value_text(condition)
        branch = "" if node.taken else " otherwise"
        head = f"{self._list(node.outputs)} = when {shown}{branch}"
        self._block(depth, head, node.nodes, node.results)

    def _repeat(self, depth: int, node: RepeatNode) -> None:
        times = sum(part.count for part in node.rounds)
        names = f" as {', '.join(node.names)}" if node.names else ""
        if node.indexed:
            names = f" as {node.names[0]}, ({', '.join(node.names[1:])})"
        self._line(depth, f"{self._list(node.outputs)} = {node.name}: repeat {times}{names} {{")
        self.stack.append((depth, "}"))
        handed = [node.inputs, *(part.outputs for part in node.rounds)]
        self._push_yield(depth + 1, handed[-1])
        for part, given in reversed(list(zip(node.rounds, handed))):
            self.stack.append((depth + 1, self._round_writer(part, given)))

    def _round_writer(self, part: Round, given: tuple[Value, ...]) -> Callable[[int], None]:
        def write(depth: int) -> None:
            last = part.start + part.count - 1
            which = f"{part.start}" if part.count == 1 else f"{part.start}..{last}"
            bindings = ", ".join(f"{name}={value_text(v)}" for name, v in part.bindings.items())
            self._alias(part.inputs, given)
            self._line(depth, f"round {which}{f' with {bindings}' if bindings else ''} {{")
            self.stack.append((depth, "}"))
            self._push(depth + 1, part.nodes)

        return write
