"""The constructor of a class: the lines that make its modules."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from backends.lowering.align import (
    CallSlot,
    Conflict,
    GroupSlot,
    LayerSlot,
    NodeSlot,
    RepeatSlot,
    SharedSlot,
    Slot,
    Template,
    WhenSlot,
)
from backends.lowering.book import ClassPlan
from backends.lowering.steps import Path, Refused, StepWriter
from backends.lowering.uses import captured_slots, every_slot, inner_nodes
from backends.pycode.names import class_name, identifier
from dsl.shapes.trace import Expr, formula, names_in


class ConstructorWriter(StepWriter):
    """Writes the constructor."""

    def modules(self, nodes: list[NodeSlot], path: Path, depth: int) -> Iterator[str]:
        """The lines that make the modules of some nodes."""
        for slot in nodes:
            if isinstance(slot, (LayerSlot, CallSlot)):
                if slot.shared is None:
                    yield from self._assign(slot, (*path, slot.name), depth)
            elif isinstance(slot, SharedSlot):
                if slot.first is not None:
                    yield from self._assign(slot.first, self.declared(slot, path), depth)
            elif isinstance(slot, GroupSlot):
                yield from self.group(slot, (*path, slot.name), depth)
            elif isinstance(slot, WhenSlot):
                yield from self._choice(slot, path, depth)
            elif isinstance(slot, RepeatSlot):
                yield from self.repeat(slot, (*path, slot.name), depth)

    def declared(self, slot: SharedSlot, path: Path) -> Path:
        """Where a shared layer that is declared at some level of the class lies."""
        return self.places.setdefault(slot, (*path, slot.name))

    def _assign(self, slot: LayerSlot | CallSlot, path: Path, depth: int) -> Iterator[str]:
        module = self.module(slot, path)
        if module is not None:
            yield f"{'    ' * depth}{self.target(path)} = {module}"

    def _choice(self, slot: WhenSlot, path: Path, depth: int) -> Iterator[str]:
        then = list(self.modules(slot.then.nodes, path, depth + 1))
        otherwise = list(self.modules(slot.otherwise.nodes, path, depth + 1))
        condition = self.chosen(slot, path, self.code)
        if then:
            yield f"{'    ' * depth}if {condition}:"
            yield from then
            if otherwise:
                yield f"{'    ' * depth}else:"
                yield from otherwise
        elif otherwise:
            yield f"{'    ' * depth}if not ({condition}):"
            yield from otherwise

    def chosen(self, slot: WhenSlot, path: Path, code: Callable[[Any], str]) -> str:
        """Which way a choice goes: as an attribute that says so, for both methods.

        A condition that is one name is that name; one that names variables of a loop is written
        where it is needed.

        Args:
            slot: The choice.
            path: The level that it lies in.
            code: Writes values as the method at work knows them.
        """
        operand = self.unmerged(slot.condition)
        is_name = isinstance(operand, Expr) and operand.op == "name"
        if is_name or names_in(operand) & (self.loop_locals | self.locals):
            return self.condition(operand, code)
        if id(slot) not in self.flags:
            taken = {flag for flag, _ in self.flags.values()} | set(self.plan.params)
            condition = self.condition(operand, self.code)
            self.flags[id(slot)] = (free_flag(slot, path, taken), condition)
        return f"self.{self.flags[id(slot)][0]}"

    def group(self, slot: GroupSlot, path: Path, depth: int) -> Iterator[str]:
        """The lines that make the modules of a group."""
        yield from self.modules(slot.nodes, path, depth)

    def has_modules(self, nodes: list[NodeSlot]) -> bool:
        """Whether some nodes own modules."""
        stack = list(nodes)
        while stack:
            slot = stack.pop()
            if isinstance(slot, SharedSlot):
                return True
            if isinstance(slot, (LayerSlot, CallSlot)):
                if slot.shared is None and self._is_module(slot):
                    return True
            else:
                stack.extend(inner_nodes(slot))
        return False

    def _is_module(self, slot: LayerSlot | CallSlot) -> bool:
        return isinstance(slot, CallSlot) or self.emit_first(slot, ("_",)).module is not None

    # --- repeats ------------------------------------------------------------------------

    def loop_header(self, slot: RepeatSlot, code: Callable[[Any], str], body: str) -> str:
        """``i in range(n)`` or ``a, b in rows``, an unused index left out."""
        if slot.rows is not None:
            row = self.row(slot, body)
            index = self.variable(slot.names[0]) if slot.indexed else ""
            if not index or not mentions(body, index):
                return f"{row} in {code(slot.rows)}"
            return f"{index}, {f'({row})' if ',' in row else row} in enumerate({code(slot.rows)})"
        index = self.variable(slot.names[0]) if slot.names else "_"
        if slot.names and not mentions(body, index):
            index = "_"
        return f"{index} in range({code(slot.times)})"

    def row(self, slot: RepeatSlot, body: str) -> str:
        """The names of a row, `_` for one that nothing mentions."""
        words = map(self.variable, slot.names[1:] if slot.indexed else slot.names)
        return ", ".join(word if mentions(body, word) else "_" for word in words)

    def repeat(self, slot: RepeatSlot, path: Path, depth: int) -> Iterator[str]:
        """The lines that make the modules of all rounds."""
        if not self.has_modules(slot.body):
            return
        added = (set(slot.names) | set(slot.carried)) - self.locals
        self.locals |= added
        item = self.round_module(slot, path)
        needed = self._needed(slot)
        pad = "    " * depth
        steps = [self.code(slot.carried[name][1]) for name in needed]
        header = self.loop_header(slot, self.code, " ".join([item, *needed, *steps]))
        if not needed:
            yield f"{pad}{self.target(path)} = {self.container(slot, f'{item} for {header}')}"
        else:
            yield from self._growing(slot, needed, item, f"{pad}for {header}:", path)
        self.leave(slot)

    def _growing(
        self, slot: RepeatSlot, needed: list[str], item: str, header: str, path: Path
    ) -> Iterator[str]:
        """A loop whose sizes change from round to round."""
        pad = header[: len(header) - len(header.lstrip())]
        rounds = self.free_variable("rounds")
        for name in needed:
            yield f"{pad}{self.variable(name)} = {self.code(slot.carried[name][0])}"
        yield f"{pad}{rounds} = []"
        yield header
        yield f"{pad}    {rounds}.append({item})"
        for line in self.advance(slot, needed):
            yield f"{pad}    {line}"
        yield f"{pad}{self.target(path)} = {self.container(slot, rounds)}"

    def advance(self, slot: RepeatSlot, needed: list[str]) -> list[str]:
        """The lines that bring carried sizes to their next values: all at once where they mix."""
        targets = [self.variable(name) for name in needed]
        values = [self.code(slot.carried[name][1]) for name in needed]
        mixed = any(
            mentions(value, target)
            for index, value in enumerate(values)
            for target in targets[:index]
        )
        if mixed:
            return [f"{', '.join(targets)} = {', '.join(values)}"]
        return [f"{target} = {value}" for target, value in zip(targets, values)]

    def free_variable(self, name: str) -> str:
        """A name for a variable of the constructor that the spec does not use."""
        while self.sees(name) or name in self.plan.aliases:
            name += "_"
        return name

    def leave(self, slot: RepeatSlot) -> None:
        """Takes the names of a loop out of sight; what it carried stays, unless rounds vary."""
        self.locals -= set(slot.names)
        if self.plan.unrolled:
            self.locals -= set(slot.carried)

    def _needed(self, slot: RepeatSlot) -> list[str]:
        """Carried sizes that the constructor mentions; none before that is known.

        Raises:
            Conflict: No formula tells one of them in every variant.
        """
        self.carried.update(slot.carried)
        names = [name for name in slot.carried if self.needed and name in self.needed]
        if any(None in slot.carried[name] for name in names):
            raise Conflict
        return names

    def learn_needed(self) -> None:
        """Finds, after a first round of writing, the carried sizes that the code mentions."""
        needed = set(self.used_locals)
        while True:
            more = {
                name
                for carrier in needed & self.carried.keys()
                for operand in self.carried[carrier]
                for name in names_in(self.unmerged(formula(operand)))
            }
            if more <= needed:
                break
            needed |= more
        self.needed = needed
        self.locals.clear()

    def round_module(self, slot: RepeatSlot, path: Path) -> str:
        """The code that constructs one round."""
        single = self.single(slot)
        if single is not None:
            return self.module(single, (*path, "0")) or ""
        if self.reaches_out(slot):
            return self.open_round(slot.body, (*path, "0"))
        chain = self._chain_of_round(slot, path)
        if chain is not None:
            return chain
        plan = self.round_class(slot)
        args = [self.init_name(name) for name in plan.takes]
        return f"{plan.name}({', '.join([*args, *self.name_argument((*path, '0'))])})"

    def _chain_of_round(self, slot: RepeatSlot, path: Path) -> str | None:
        """One container for a round, unless its forward pass needs what only a class can hold."""
        try:
            return self.chain(slot.body, slot.starts, slot.results, (*path, "0"))
        except Conflict:
            return None

    def single(self, slot: RepeatSlot) -> LayerSlot | CallSlot | None:
        """The one step of a round that bears no name of its own."""
        only = slot.body[0] if len(slot.body) == 1 else None
        if not isinstance(only, (LayerSlot, CallSlot)) or only.name or only.shared is not None:
            return None
        return only if only.outputs == slot.results else None

    def chain(
        self, nodes: list[NodeSlot], starts: tuple[Slot, ...], results: tuple[Slot, ...], path: Path
    ) -> str | None:
        """One module that does what some nodes do, where the framework has a container for it."""
        return None

    def container(self, slot: RepeatSlot, items: str) -> str:
        """The container of a repeat's rounds: a plain list, or the framework's own.

        Args:
            slot: The repeat.
            items: Code of the rounds: the name of a list, or what stands inside its brackets.
        """
        return items if items.isidentifier() else f"[{items}]"

    def round_class(self, slot: RepeatSlot) -> ClassPlan:
        """A class for the rounds of a repeat that are more than a chain."""
        if id(slot) not in self.rounds:
            captured = captured_slots(slot)
            inputs = (*slot.starts, *captured)
            template = Template(
                inputs, (), slot.body, slot.results, ("",) * len(slot.results),
                merged=self.plan.template.merged,
            )  # fmt: skip
            around = [name for name in self.carried if name in self.locals]
            inside = (*slot.carried, *around, *slot.names, *sorted(self.locals))
            sizes = tuple(dict.fromkeys((*self.plan.sizes, *inside)))
            name = f"{self.plan.name}{class_name(slot.name)}"
            plan = ClassPlan(name, template, sizes, dict.fromkeys(self.plan.params))
            plan.aliases, plan.unrolled = self.plan.aliases, self.plan.unrolled
            plan.settled = self.plan.settled
            self.write_inner(plan)
            self.rounds[id(slot)] = plan
        return self.rounds[id(slot)]

    def reaches_out(self, slot: RepeatSlot) -> bool:
        """Whether the rounds use weights from outside, which no class of their own could reach."""
        declared = {inner for inner in every_slot(slot.body) if isinstance(inner, SharedSlot)}
        steps = [
            inner for inner in every_slot(slot.body) if isinstance(inner, (LayerSlot, CallSlot))
        ]
        return any(
            (isinstance(step, LayerSlot) and step.variants[0].tied)
            or (step.shared is not None and step.shared not in declared)
            for step in steps
        )

    def open_round(self, nodes: list[NodeSlot], place: Path) -> str:
        """The modules of a round by name, for a loop whose body is written out.

        Raises:
            Refused: The round holds structures that a mapping cannot.
        """
        items = self.open_items(nodes, place)
        return self.mapping([(name, module) for name, module in items if module is not None])

    def open_items(self, nodes: list[NodeSlot], place: Path) -> Iterator[tuple[str, str | None]]:
        """The modules of some nodes of such a round, each with its name in the mapping."""
        for slot in nodes:
            if isinstance(slot, (LayerSlot, CallSlot)):
                if slot.shared is None:
                    yield slot.name, self.module(slot, (*place, slot.name))
            elif isinstance(slot, GroupSlot):
                yield from self.open_group(slot, place)
            elif self.has_modules([slot]):
                raise self._too_deep(slot)

    def _too_deep(self, slot: NodeSlot) -> Refused:
        steps = (inner for inner in every_slot([slot]) if isinstance(inner, (LayerSlot, CallSlot)))
        return Refused(
            "a repeat whose rounds use shared or tied weights from outside holds a further "
            "structure with weights",
            "put that structure into a block of its own",
            next(steps).variants[0],
        )

    @abstractmethod
    def open_group(self, slot: GroupSlot, place: Path) -> Iterator[tuple[str, str | None]]:
        """The modules of a group in a round whose loop is written out."""

    @abstractmethod
    def mapping(self, items: list[tuple[str, str]]) -> str:
        """The code of a round's modules by name."""

    @abstractmethod
    def write_inner(self, plan: ClassPlan) -> None:
        """Writes a class that only this one uses."""


def free_flag(slot: WhenSlot, path: Path, taken: set[str]) -> str:
    """A name for what a choice hangs on: after its level, or the first step it decides about."""
    nodes = slot.then.nodes or slot.otherwise.nodes
    first = next((inner.name for inner in every_slot(nodes) if getattr(inner, "name", "")), "more")
    level = path[-1] if path and path[-1].isidentifier() else first
    name = base = "is_residual" if level == "add" else f"has_{identifier(level)}"
    numbers = count(2)
    while name in taken:
        name = f"{base}_{next(numbers)}"
    return name


def mentions(text: str, name: str) -> bool:
    """Whether a piece of code mentions a name."""
    return re.search(rf"\b{re.escape(name)}\b", text) is not None
