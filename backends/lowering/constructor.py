"""The constructor of a class: the lines that make its modules."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Iterator

from backends.lowering.align import (
    CallSlot,
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
from dsl.shapes.trace import Operand, names_in


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
                    yield from self._assign(slot.first, tuple(slot.path.split(".")), depth)
            elif isinstance(slot, GroupSlot):
                yield from self.group(slot, (*path, slot.name), depth)
            elif isinstance(slot, WhenSlot):
                yield from self._choice(slot, path, depth)
            else:
                yield from self.repeat(slot, (*path, slot.name), depth)

    def _assign(self, slot: LayerSlot | CallSlot, path: Path, depth: int) -> Iterator[str]:
        module = self.module(slot, path)
        if module is not None:
            yield f"{'    ' * depth}{self.target(path)} = {module}"

    def _choice(self, slot: WhenSlot, path: Path, depth: int) -> Iterator[str]:
        then = list(self.modules(slot.then.nodes, path, depth + 1))
        otherwise = list(self.modules(slot.otherwise.nodes, path, depth + 1))
        condition = self._operand(slot.condition)
        if then:
            yield f"{'    ' * depth}if {condition}:"
            yield from then
            if otherwise:
                yield f"{'    ' * depth}else:"
                yield from otherwise
        elif otherwise:
            yield f"{'    ' * depth}if not ({condition}):"
            yield from otherwise

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
                if slot.shared is None and self.module(slot, ("_",)) is not None:
                    return True
            else:
                stack.extend(inner_nodes(slot))
        return False

    # --- repeats ------------------------------------------------------------------------

    def loop_header(self, slot: RepeatSlot, code: Callable[[Operand], str], body: str) -> str:
        """``i in range(n)`` or ``a, b in rows``, an unused index left out."""
        if slot.rows is not None:
            return f"{', '.join(map(identifier, slot.names))} in {code(slot.rows)}"
        index = identifier(slot.names[0]) if slot.names else "_"
        if slot.names and not mentions(body, index):
            index = "_"
        return f"{index} in range({code(slot.times)})"

    def repeat(self, slot: RepeatSlot, path: Path, depth: int) -> Iterator[str]:
        """The lines that make the modules of all rounds."""
        if not self.has_modules(slot.body):
            return
        added = (set(slot.names) | set(slot.carried)) - self.locals
        self.locals |= added
        item = self.round_module(slot, path)
        needed = self._needed(slot)
        pad = "    " * depth
        header = self.loop_header(slot, self._operand, item + " ".join(needed))
        if not needed:
            yield f"{pad}{self.target(path)} = {self.container(slot, f'{item} for {header}')}"
        else:
            for name in needed:
                yield f"{pad}{identifier(name)} = {self._operand(slot.carried[name][0])}"
            yield f"{pad}rounds = []"
            yield f"{pad}for {header}:"
            yield f"{pad}    rounds.append({item})"
            for name in needed:
                yield f"{pad}    {identifier(name)} = {self._operand(slot.carried[name][1])}"
            yield f"{pad}{self.target(path)} = {self.container(slot, 'rounds')}"
        self.locals -= set(slot.names)

    def _needed(self, slot: RepeatSlot) -> list[str]:
        """Carried sizes that the constructor mentions; none before that is known."""
        self.carried.update(slot.carried)
        return [name for name in slot.carried if self.needed and name in self.needed]

    def learn_needed(self) -> None:
        """Finds, after a first round of writing, the carried sizes that the code mentions."""
        needed = set(self.used_locals)
        while True:
            more = {
                name
                for carrier in needed & self.carried.keys()
                for operand in self.carried[carrier]
                for name in names_in(operand)
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
        chain = self.chain(slot.body, slot.starts, slot.results, (*path, "0"))
        if chain is not None:
            return chain
        plan = self.round_class(slot)
        args = [self.init_name(name) for name in plan.takes]
        return f"{plan.name}({', '.join([*args, *self.name_argument((*path, '0'))])})"

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
            items: Code of the rounds, ``rounds`` or what stands inside a list's brackets.
        """
        return items if items == "rounds" else f"[{items}]"

    def round_class(self, slot: RepeatSlot) -> ClassPlan:
        """A class for the rounds of a repeat that are more than a chain."""
        if id(slot) not in self.rounds:
            self._refuse_outside(slot)
            captured = captured_slots(slot)
            inputs = (*slot.starts, *captured)
            template = Template(inputs, (), slot.body, slot.results, ("",) * len(slot.results))
            extra = (*self.plan.sizes, *sorted(self.locals), *slot.carried, *slot.names)
            sizes = tuple(dict.fromkeys(extra))
            name = f"{self.plan.name}{class_name(slot.name)}"
            plan = ClassPlan(name, template, sizes, dict.fromkeys(self.plan.params))
            plan.aliases = self.plan.aliases
            self.write_inner(plan)
            self.rounds[id(slot)] = plan
        return self.rounds[id(slot)]

    def _refuse_outside(self, slot: RepeatSlot) -> None:
        """Weights from outside cannot be reached from a class of its own."""
        declared = {inner for inner in every_slot(slot.body) if isinstance(inner, SharedSlot)}
        for inner in every_slot(slot.body):
            if not isinstance(inner, (LayerSlot, CallSlot)):
                continue
            tied = isinstance(inner, LayerSlot) and inner.variants[0].tied
            if tied or (inner.shared is not None and inner.shared not in declared):
                raise Refused(
                    "a repeat whose rounds mix weights of their own with shared or tied ones has "
                    "no class to live in",
                    "move the shared layer out of the repeat, or into a block of its own",
                    inner.variants[0],
                )

    @abstractmethod
    def write_inner(self, plan: ClassPlan) -> None:
        """Writes a class that only this one uses."""


def mentions(text: str, name: str) -> bool:
    """Whether a piece of code mentions a name."""
    return re.search(rf"\b{re.escape(name)}\b", text) is not None
