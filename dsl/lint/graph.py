"""The model as lints see it: which layer makes a value, and which layers take it.

Structure is unfolded once: a block is entered for each distinct instance, a repeat for each
distinct round, and values that pass its borders are followed across them. Where one piece of the
graph stands for several uses, what makes or takes a value is the union over the uses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dsl.ir import (
    CallNode,
    Group,
    Instance,
    LayerNode,
    Model,
    Node,
    RepeatNode,
    Value,
    WhenNode,
)

Links = dict[Value, list[Value]]


class Site:
    """A layer at work, met once.

    Attributes:
        node: The layer.
        index: Its place in the order of computation.
        rounds: How many rounds of repeats this one stands for.
        in_block: Whether it lies in a block, whose text serves several uses.
    """

    __slots__ = ("in_block", "index", "node", "rounds")

    def __init__(self, node: LayerNode, index: int, rounds: int, in_block: bool) -> None:
        self.node, self.index, self.rounds, self.in_block = node, index, rounds, in_block


class Graph:
    """The flow of values through a model.

    Args:
        model: An elaborated model.

    Attributes:
        sites: Every layer, in order of computation.
        outputs: The values of the model's outputs.
    """

    def __init__(self, model: Model) -> None:
        self.sites: list[Site] = []
        self.outputs = {output.value for output in model.body.outputs}
        self._made: dict[Value, Site] = {}
        self._taken: dict[Value, list[Site]] = {}
        self._sources: Links = {}
        self._targets: Links = {}
        self._build(model.body.nodes)

    def makers(self, value: Value | None) -> list[Site | None]:
        """The layers that a value comes from; None stands for an input of the model."""
        found: dict[Site | None, None] = {}
        for alias in _reached(value, self._sources):
            if alias in self._made:
                found[self._made[alias]] = None
            elif alias not in self._sources:
                found[None] = None
        return list(found)

    def maker(self, value: Value | None) -> Site | None:
        """The only layer that a value comes from, if there is one."""
        makers = self.makers(value)
        return makers[0] if len(makers) == 1 else None

    def takers(self, value: Value) -> list[Site]:
        """The layers that take a value."""
        found: dict[Site, None] = {}
        for alias in _reached(value, self._targets):
            found.update(dict.fromkeys(self._taken.get(alias, ())))
        return list(found)

    def takes_directly(self, value: Value) -> list[Site]:
        """The layers that take a value before it leaves its body."""
        return self._taken.get(value, [])

    def is_output(self, value: Value) -> bool:
        """Whether a value is, by whatever name, an output of the model."""
        return any(alias in self.outputs for alias in _reached(value, self._targets))

    def origin(self, value: Value, passes: Callable[[Site], bool]) -> Site | None:
        """The only layer that a value comes from, those that it merely passes left out."""
        site = self.maker(value)
        while site is not None and passes(site):
            site = self.maker(site.node.inputs[0])
        return site

    # --- building -----------------------------------------------------------------------

    def _build(self, nodes: Iterable[Node]) -> None:
        entered: set[Instance] = set()
        stack: list[tuple[Node, int, bool]] = [(node, 1, False) for node in nodes]
        stack.reverse()
        while stack:
            node, rounds, in_block = stack.pop()
            if isinstance(node, LayerNode):
                self._layer(node, rounds, in_block)
                continue
            inner: list[tuple[Node, int, bool]] = []
            if isinstance(node, Group):
                inner = [(child, rounds, in_block) for child in node.nodes]
            elif isinstance(node, WhenNode):
                self._link(node.results, node.outputs)
                inner = [(child, rounds, in_block) for child in node.nodes]
            elif isinstance(node, RepeatNode):
                inner = self._repeat(node, rounds, in_block)
            elif isinstance(node, CallNode):
                self._call(node)
                if node.instance not in entered:
                    entered.add(node.instance)
                    inner = [(child, rounds, True) for child in node.instance.body.nodes]
            stack.extend(reversed(inner))

    def _layer(self, node: LayerNode, rounds: int, in_block: bool) -> None:
        site = Site(node, len(self.sites), rounds, in_block)
        self.sites.append(site)
        for value in node.inputs:
            if value is not None:
                self._taken.setdefault(value, []).append(site)
        for value in node.outputs:
            self._made[value] = site

    def _call(self, node: CallNode) -> None:
        body = node.instance.body
        self._link(node.inputs, body.inputs)
        self._link((output.value for output in body.outputs), node.outputs)

    def _repeat(
        self, node: RepeatNode, rounds: int, in_block: bool
    ) -> list[tuple[Node, int, bool]]:
        given: Iterable[Value] = node.inputs
        inner = []
        for part in node.rounds:
            self._link(given, part.inputs)
            if part.count > 1:
                self._link(part.outputs, part.inputs)
            given = part.outputs
            inner.extend((child, rounds * part.count, in_block) for child in part.nodes)
        self._link(given, node.outputs)
        return inner

    def _link(self, values: Iterable[Value], copies: Iterable[Value]) -> None:
        for value, copy in zip(values, copies):
            if value is not copy:
                self._sources.setdefault(copy, []).append(value)
                self._targets.setdefault(value, []).append(copy)


def _reached(value: Value | None, links: Links) -> list[Value]:
    """A value and all its other identities in one direction."""
    if value is None:
        return []
    found = [value]
    if value not in links:
        return found
    seen = {value}
    for alias in found:  # grows while it is walked
        for other in links.get(alias, ()):
            if other not in seen:
                seen.add(other)
                found.append(other)
    return found
