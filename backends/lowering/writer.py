"""Writes a class: the constructor that makes its modules, and the forward pass that uses them.

Both backends share this walk; `Style` holds what differs: how a module is reached, how containers
are made, what the class and its methods are called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from backends.base import Emission, Emitters, Site, Unsupported
from backends.lowering.align import (
    Branch,
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
    same,
)
from backends.lowering.book import Book, ClassPlan, size_formulas
from backends.lowering.comments import shape_comment
from backends.lowering.scribe import HOLE, Scribe, comment_lines
from backends.pycode.literals import literal, python
from backends.pycode.names import constant_name, identifier
from dsl.ir import CallNode, LayerNode
from dsl.shapes.trace import Expr, Operand, names_in, traced

Path = tuple[str, ...]
Helper = Callable[..., str]


class Writer:
    """Writes one class of a plan; a subclass per backend says how.

    Args:
        plan: The class.
        book: Classes of blocks, already written.
        emitters: The backend's.
        helper: Asks for a helper of the generated file.
        constants: Receives names of file-level constants that the code mentions.
    """

    channels_last = False
    reserved: frozenset[str] = frozenset()

    def __init__(
        self, plan: ClassPlan, book: Book, emitters: Emitters, helper: Helper, constants: set[str]
    ) -> None:
        self.plan = plan
        self.book = book
        self.emitters = emitters
        self.helper = helper
        self.constants = constants
        self.used: set[str] = set()
        self.stored: dict[str, None] = {}
        self.locals: set[str] = set()
        self.used_locals: set[str] = set()
        self.rounds: dict[int, ClassPlan] = {}
        self.loop_locals: set[str] = set()
        self.carried: dict[str, tuple[Operand, Operand]] = {}
        self.needed: set[str] | None = None
        self.uses: Counter[Slot] = count_uses(plan.template)

    # --- names --------------------------------------------------------------------------

    def init_name(self, name: str) -> str:
        """A name of the spec as the constructor knows it."""
        if name.startswith("@"):
            self.constants.add(name)
            return constant_name(name)
        name = self.plan.aliases.get(name, name)
        if name in self.locals:
            self.used_locals.add(name)
        else:
            self.used.add(name)
        return identifier(name)

    def forward_name(self, name: str) -> str:
        """A name of the spec as the forward pass knows it: what the constructor stored."""
        if name.startswith("@"):
            return self.init_name(name)
        name = self.plan.aliases.get(name, name)
        if name in self.loop_locals:
            return identifier(name)
        if name in self.locals:
            raise Conflict
        self.used.add(name)
        self.stored[name] = None
        return f"self.{self.attribute(name)}"

    def attribute(self, name: str) -> str:
        """A name of the spec as an attribute that the framework does not use itself."""
        return identifier(name, self.reserved)

    def code(self, value: Any) -> str:
        """A value as text valid in the constructor."""
        return python(value, self.init_name)

    def forward_code(self, value: Any) -> str:
        """A value as text valid in the forward pass."""
        return python(value, self.forward_name)

    # --- modules ------------------------------------------------------------------------

    def target(self, path: Path) -> str:
        """The expression that reaches the module at a path."""
        raise TypeError(f"{type(self).__name__} does not say how modules are reached")

    def name_code(self, path: Path) -> str:
        """Code of a module's name."""
        return literal(".".join(path))

    def emit(self, slot: LayerSlot, path: Path, x: list[str | None], anchor: str = "") -> Emission:
        """The code of a layer, the same for all variants."""
        target = self.target(path)
        emissions = []
        for node in slot.variants:
            site = Site(
                tuple(x), node.types, tuple(value.type for value in node.outputs), target,
                self.name_code(path), self.code, self.forward_code, self.helper,
                self.tied(node.tied), anchor,
            )  # fmt: skip
            emissions.append(self._emission(node, site))
        return same(emissions)

    def _emission(self, node: LayerNode, site: Site) -> Emission:
        try:
            return self.emitters.emit(node.layer, site)
        except Unsupported as problem:
            raise Refused(problem.reason, problem.help, node) from None

    def tied(self, path: str | None) -> str:
        """Code of the weight that a tied layer uses."""
        return f"{self.target(tuple(path.split('.')))}.weight" if path else ""

    def module(self, slot: LayerSlot | CallSlot, path: Path) -> str | None:
        """The code that constructs the module of a step, None where it is a plain function."""
        if isinstance(slot, CallSlot):
            return self.construct(slot, path)
        return self.emit(slot, path, self.holes(slot), HOLE.format(0)).module

    def holes(self, slot: LayerSlot) -> list[str | None]:
        """Stand-ins for the inputs of a step."""
        return [None if value is None else HOLE.format(i) for i, value in enumerate(slot.inputs)]

    def construct(self, slot: CallSlot, path: Path) -> str:
        """The code that constructs the class of a block."""
        plan = self.book.plan_of(slot.variants)
        args = same([self._arguments(plan, call) for call in slot.variants])
        return f"{plan.name}({', '.join([*args, *self.name_argument(path)])})"

    def name_argument(self, path: Path) -> list[str]:
        """What a constructor is told of the module's name."""
        return []

    def _arguments(self, plan: ClassPlan, call: Any) -> list[str]:
        sizes = size_formulas(call)
        args: list[str] = []
        for name in plan.takes:
            if name in sizes:
                args.append(self._operand(sizes[name]))
                continue
            default = plan.params.get(name)
            if name not in call.args and default is not None:
                continue
            value = call.args.get(name, call.instance.args.get(name))
            text = self.code(value)
            if default is not None and text == default:
                continue
            by_name = default is not None or len(args) >= 2
            args.append(f"{identifier(name)}={text}" if by_name else text)
        return args

    def _operand(self, operand: Operand) -> str:
        return self.code(traced(1, operand)) if isinstance(operand, Expr) else literal(operand)

    # --- constructor --------------------------------------------------------------------

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
        """The container of a repeat's rounds."""
        raise TypeError(f"{type(self).__name__} has no container")

    def round_class(self, slot: RepeatSlot) -> ClassPlan:
        """A class for the rounds of a repeat that are more than a chain."""
        if id(slot) not in self.rounds:
            self._refuse_outside(slot)
            captured = captured_slots(slot)
            inputs = (*slot.starts, *captured)
            template = Template(inputs, (), slot.body, slot.results, ("",) * len(slot.results))
            extra = (*self.plan.sizes, *sorted(self.locals), *slot.carried, *slot.names)
            sizes = tuple(dict.fromkeys(extra))
            plan = ClassPlan(self.round_name(slot), template, sizes, dict(self.plan.params))
            plan.aliases = self.plan.aliases
            plan.params = dict.fromkeys(plan.params)
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

    def round_name(self, slot: RepeatSlot) -> str:
        """What the class of a round is called."""
        from backends.pycode.names import class_name

        return f"{self.plan.name}{class_name(slot.name)}"

    def write_inner(self, plan: ClassPlan) -> None:
        """Writes a class that only this one uses."""
        raise TypeError(f"{type(self).__name__} writes no inner classes")

    # --- forward pass -------------------------------------------------------------------

    def steps(self, nodes: list[NodeSlot], path: Path, scribe: Scribe) -> None:
        """Writes the steps of some nodes."""
        for slot in nodes:
            if isinstance(slot, LayerSlot):
                self.layer_step(slot, path, scribe)
            elif isinstance(slot, CallSlot):
                self.call_step(slot, path, scribe)
            elif isinstance(slot, GroupSlot):
                self.group_step(slot, (*path, slot.name), scribe)
            elif isinstance(slot, WhenSlot):
                self.choice_step(slot, path, scribe)
            elif isinstance(slot, RepeatSlot):
                self.repeat_step(slot, (*path, slot.name), scribe)

    def path_of(self, slot: LayerSlot | CallSlot, path: Path) -> Path:
        """Where the module of a step lies."""
        if slot.shared is not None:
            return tuple(slot.shared.path.split("."))
        return (*path, slot.name) if slot.name else path

    def layer_step(self, slot: LayerSlot, path: Path, scribe: Scribe) -> None:
        """A layer at work."""
        x = scribe.inputs(slot.inputs, slot.line)
        emission = self.emit(slot, self.path_of(slot, path), x, self.anchor(scribe))
        scribe.finish(emission.call, slot.inputs, slot.outputs, slot.line, slot.comments)

    def anchor(self, scribe: Scribe) -> str:
        """A value with a batch that is in scope."""
        return scribe.anchor()

    def call_step(self, slot: CallSlot, path: Path, scribe: Scribe) -> None:
        """A block at work."""
        x = scribe.inputs(slot.inputs, slot.line)
        text = f"{self.target(self.path_of(slot, path))}({', '.join(map(str, x))})"
        scribe.finish(text, slot.inputs, slot.outputs, slot.line, slot.comments)

    def group_step(self, slot: GroupSlot, path: Path, scribe: Scribe) -> None:
        """A group at work."""
        self.steps(slot.nodes, path, scribe)

    def choice_step(self, slot: WhenSlot, path: Path, scribe: Scribe) -> None:
        """A choice: both ways leave their result in the same variables."""
        scribe.flush()
        scribe.remark(slot.comments)
        names = [scribe.define(value) for value in slot.outputs]
        condition = self.forward_operand(slot.condition)
        ways = [(f"if {condition}:", slot.then), ("else:", slot.otherwise)]
        with scribe.holding(names):
            written = [self._way(branch, names, path, scribe) for _, branch in ways]
        self._join_ways(ways, written, condition, scribe)

    def _way(self, branch: Branch, names: list[str], path: Path, scribe: Scribe) -> list[str]:
        """The lines of one way through a choice."""
        before, scribe.lines = scribe.lines, []
        scribe.depth += 1
        self.steps(branch.nodes, path, scribe)
        scribe.settle_all(branch.results, names)
        scribe.depth -= 1
        written, scribe.lines = scribe.lines, before
        return written

    def _join_ways(
        self, ways: list[tuple[str, Branch]], written: list[list[str]], condition: str,
        scribe: Scribe,
    ) -> None:  # fmt: skip
        pad = "    " * scribe.depth
        if written[0]:
            scribe.lines.extend([pad + ways[0][0], *written[0]])
            if written[1]:
                scribe.lines.extend([pad + ways[1][0], *written[1]])
        elif written[1]:
            scribe.lines.extend([f"{pad}if not ({condition}):", *written[1]])

    def forward_operand(self, operand: Operand) -> str:
        """A formula as text valid in the forward pass."""
        value = traced(1, operand) if isinstance(operand, Expr) else operand
        return self.forward_code(value)

    def repeat_step(self, slot: RepeatSlot, path: Path, scribe: Scribe) -> None:
        """A repeat at work: one call of a container, or a loop."""
        if not self.has_modules(slot.body):
            self.inline_loop(slot, path, scribe)
            return
        captured = self._extra_inputs(slot)
        if self.is_sequential(slot, captured):
            x = scribe.inputs(slot.inputs, slot.line)
            text = f"{self.target(path)}({x[0]})"
            scribe.finish(text, slot.inputs, slot.outputs, slot.line, slot.comments)
            return
        with self._loop(slot, scribe, captured) as names:
            item = self.loop_item(slot, path)
            scribe.lines.append(f"{'    ' * (scribe.depth - 1)}for {item} in {self.target(path)}:")
            args = [scribe.variable(value) for value in self._round_inputs(slot, captured)]
            scribe.add(f"{', '.join(names)} = {item}({', '.join(args)})", slot.outputs)

    def _extra_inputs(self, slot: RepeatSlot) -> tuple[Slot, ...]:
        """Values from outside that a round takes besides what the round before hands on."""
        return captured_slots(slot)

    def _round_inputs(self, slot: RepeatSlot, captured: tuple[Slot, ...]) -> tuple[Slot, ...]:
        single = self.single(slot)
        if single is not None:
            return tuple(value for value in single.inputs if value is not None)
        return (*slot.starts, *captured)

    def loop_item(self, slot: RepeatSlot, path: Path) -> str:
        """The variable that one round's module is called by in a loop."""
        return "layer"

    def is_sequential(self, slot: RepeatSlot, captured: tuple[Slot, ...]) -> bool:
        """Whether the rounds stand in a container that runs them itself."""
        return False

    def inline_loop(self, slot: RepeatSlot, path: Path, scribe: Scribe) -> None:
        """A loop whose body is written out, since it owns no modules."""
        with self._loop(slot, scribe, captured_slots(slot)) as names:
            place = len(scribe.lines)
            added = set(slot.names) - self.locals
            self.loop_locals |= added
            self.steps(slot.body, path, scribe)
            scribe.settle_all(slot.results, names)
            self.loop_locals -= added
            body = "\n".join(scribe.lines[place:])
            header = self.loop_header(slot, self.forward_operand, body)
            scribe.lines.insert(place, f"{'    ' * (scribe.depth - 1)}for {header}:")

    def _loop(self, slot: RepeatSlot, scribe: Scribe, captured: tuple[Slot, ...]) -> Any:
        """The variables that a loop carries from round to round."""
        return scribe.loop(slot.inputs, slot.starts, slot.outputs, captured, slot.comments)


class Refused(Exception):
    """A layer that a backend cannot express.

    Args:
        reason: What the backend lacks.
        help: The cure.
        node: The layer.
    """

    def __init__(self, reason: str, help: str, node: LayerNode | CallNode) -> None:
        super().__init__(reason)
        self.reason, self.help, self.node = reason, help, node


def inner_nodes(slot: NodeSlot) -> list[NodeSlot]:
    """The nodes inside a structure."""
    if isinstance(slot, GroupSlot):
        return slot.nodes
    if isinstance(slot, WhenSlot):
        return [*slot.then.nodes, *slot.otherwise.nodes]
    return slot.body if isinstance(slot, RepeatSlot) else []


def every_slot(nodes: list[NodeSlot]) -> Iterator[NodeSlot]:
    """All nodes of a class, structures before what they hold."""
    stack = list(reversed(nodes))
    while stack:
        slot = stack.pop()
        yield slot
        stack.extend(reversed(inner_nodes(slot)))


def read_by(slot: NodeSlot) -> list[Slot]:
    """The values that a node itself reads, those that its inner nodes read left out."""
    if isinstance(slot, (LayerSlot, CallSlot)):
        return [value for value in slot.inputs if value is not None]
    if isinstance(slot, WhenSlot):
        return [*slot.then.results, *slot.otherwise.results]
    return [*slot.inputs, *slot.results] if isinstance(slot, RepeatSlot) else []


def count_uses(template: Template) -> Counter[Slot]:
    """How often each value of a class is used."""
    uses: Counter[Slot] = Counter(template.outputs)
    for slot in every_slot(template.nodes):
        uses.update(read_by(slot))
    return uses


def captured_slots(slot: RepeatSlot) -> tuple[Slot, ...]:
    """Values from outside that the rounds of a repeat use, in order of use."""
    made: set[Slot] = set(slot.starts)
    read: dict[Slot, None] = dict.fromkeys(slot.results)
    for inner in every_slot(slot.body):
        read.update(dict.fromkeys(read_by(inner)))
        made.update(getattr(inner, "outputs", ()))
        made.update(getattr(inner, "starts", ()))
    return tuple(value for value in read if value not in made)


def mentions(text: str, name: str) -> bool:
    """Whether a piece of code mentions a name."""
    import re

    return re.search(rf"\b{re.escape(name)}\b", text) is not None


def class_comments(plan: ClassPlan) -> list[str]:
    """The comments of the spec above a block, as lines."""
    return [line for text in plan.comments for line in comment_lines(text)]


__all__ = ["Refused", "Writer", "class_comments", "count_uses", "shape_comment"]
