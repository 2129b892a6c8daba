"""The forward pass of a class: the lines that apply its modules."""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractContextManager

from backends.lowering.align import (
    Branch,
    CallSlot,
    FunctionSlot,
    GroupSlot,
    LayerSlot,
    NodeSlot,
    RepeatSlot,
    Slot,
    WhenSlot,
)
from backends.lowering.comments import shape_comment
from backends.lowering.constructor import ConstructorWriter
from backends.lowering.scribe import WIDTH, Scribe
from backends.lowering.steps import Path
from backends.lowering.uses import captured_slots, count_uses, every_slot, read_by


class ForwardWriter(ConstructorWriter):
    """Writes the forward pass, which asks how the constructor made what it applies."""

    def scribe(self) -> Scribe:
        """The pen for a forward pass, at the depth of a method's body."""
        return Scribe(count_uses(self.plan.template), self.comment, 2)

    def comment(self, slot: Slot) -> str:
        """The shape of a value as the framework stores it."""
        return shape_comment(slot, self.unmerged, self.channels_last)

    def steps(self, nodes: list[NodeSlot], path: Path, scribe: Scribe) -> None:
        """Writes the steps of some nodes."""
        for slot in nodes:
            if isinstance(slot, LayerSlot):
                self.layer_step(slot, path, scribe)
            elif isinstance(slot, FunctionSlot):
                self.function_step(slot, scribe)
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
            return self.places[slot.shared]
        return (*path, slot.name) if slot.name else path

    def layer_step(self, slot: LayerSlot, path: Path, scribe: Scribe) -> None:
        """A layer at work."""
        x = scribe.inputs(slot.inputs, slot.line)
        emission = self.emit(slot, self.path_of(slot, path), x, self.anchor_for(slot, scribe))
        scribe.finish(emission.call, slot.inputs, slot.outputs, slot.line, slot.comments)

    def function_step(self, slot: FunctionSlot, scribe: Scribe) -> None:
        """A function that the constructor was given, at work."""
        x = scribe.inputs(slot.inputs, slot.line)
        text = f"{self.forward_name(slot.given)}({x[0]})"
        scribe.finish(text, slot.inputs, slot.outputs, slot.line, slot.comments)

    def anchor_for(self, slot: LayerSlot, scribe: Scribe) -> str:
        """A value with a batch that is in scope, for a layer that is handed none."""
        given = (value.variants[0].type.batched for value in slot.inputs if value is not None)
        return "" if any(given) else scribe.anchor()

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
        names = self._outcomes(slot, scribe)
        condition = self.chosen(slot, path, self.forward_code)
        ways = [(f"if {condition}:", slot.then), ("else:", slot.otherwise)]
        with scribe.holding(names):
            written = [self._way(branch, names, path, scribe) for _, branch in ways]
        self._join_ways(ways, written, condition, scribe)

    def _outcomes(self, slot: WhenSlot, scribe: Scribe) -> list[str]:
        """The variables of a choice's results: where one way does nothing, those it had before."""
        for empty, other in ((slot.otherwise, slot.then), (slot.then, slot.otherwise)):
            if empty.nodes or len(set(empty.results)) < len(empty.results):
                continue
            if any(scribe.is_expected(value) for value in slot.outputs):
                break
            inside = Counter((*empty.results, *other.results))
            for inner in every_slot(other.nodes):
                inside.update(read_by(inner))
            if all(scribe.is_last(value, inside[value]) for value in empty.results):
                for value, before in zip(slot.outputs, empty.results):
                    scribe.alias(value, before)
                return [scribe.variable(value) for value in slot.outputs]
        return [scribe.define(value) for value in slot.outputs]

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
        line = _in_one_line(*written, condition)
        if line and len(line) <= WIDTH - 4:
            scribe.lines.append(line[4:])
        elif written[0]:
            scribe.lines.extend([pad + ways[0][0], *written[0]])
            if written[1]:
                scribe.lines.extend([pad + ways[1][0], *written[1]])
        elif written[1]:
            scribe.lines.extend([f"{pad}if not ({condition}):", *written[1]])

    def repeat_step(self, slot: RepeatSlot, path: Path, scribe: Scribe) -> None:
        """A repeat at work: one call of a container, or a loop."""
        if not self.has_modules(slot.body):
            self.inline_loop(slot, path, scribe)
            return
        captured = captured_slots(slot)
        if self.single(slot) is not None or self.reaches_out(slot):
            if not self.is_sequential(slot, captured):
                self._open_loop(slot, path, scribe, captured)
                return
        if self.is_sequential(slot, captured):
            x = scribe.inputs(slot.inputs, slot.line)
            text = f"{self.target(path)}({x[0]})"
            scribe.finish(text, slot.inputs, slot.outputs, slot.line, slot.comments)
            return
        with self._loop(slot, scribe, captured) as names:
            layer = scribe.free_name("layer")
            pad = "    " * (scribe.depth - 1)
            scribe.lines.append(f"{pad}for {layer} in {self.target(path)}:")
            args = [scribe.variable(value) for value in (*slot.starts, *captured)]
            scribe.add(f"{', '.join(names)} = {layer}({', '.join(args)})", slot.outputs)

    def _open_loop(
        self, slot: RepeatSlot, path: Path, scribe: Scribe, captured: tuple[Slot, ...]
    ) -> None:
        """A loop over the modules of the rounds, whose body is written out."""
        with self._loop(slot, scribe, captured) as names:
            layer = scribe.free_name("layer")
            pad = "    " * (scribe.depth - 1)
            scribe.lines.append(f"{pad}for {layer} in {self.target(path)}:")
            with scribe.holding([layer]):
                self.nested[path] = layer
                added = set(slot.names) - self.locals
                self.locals |= added
                self.round_steps(slot, path, names, scribe)
                self.locals -= added
                del self.nested[path]

    def round_steps(self, slot: RepeatSlot, path: Path, names: list[str], scribe: Scribe) -> None:
        """The steps of a round, which leave its results in the variables that the loop carries."""
        last = slot.body[-1] if slot.body else None
        several = isinstance(last, (LayerSlot, CallSlot)) and len(last.outputs) > 1
        if (several or isinstance(last, WhenSlot)) and last.outputs == slot.results:
            scribe.expect(last.outputs, names)
        self.steps(slot.body, path, scribe)
        scribe.settle_all(slot.results, names)

    def is_sequential(self, slot: RepeatSlot, captured: tuple[Slot, ...]) -> bool:
        """Whether the rounds stand in a container that runs them itself."""
        return False

    def inline_loop(self, slot: RepeatSlot, path: Path, scribe: Scribe) -> None:
        """A loop whose body is written out, since it owns no modules."""
        with self._loop(slot, scribe, captured_slots(slot)) as names:
            place = len(scribe.lines)
            added = set(slot.names) - self.locals
            self.loop_locals |= added
            self.round_steps(slot, path, names, scribe)
            self.loop_locals -= added
            body = "\n".join(scribe.lines[place:])
            if body:  # rounds may hand their value on and do nothing else
                header = self.loop_header(slot, self.forward_code, body)
                scribe.lines.insert(place, f"{'    ' * (scribe.depth - 1)}for {header}:")

    def _loop(
        self, slot: RepeatSlot, scribe: Scribe, captured: tuple[Slot, ...]
    ) -> AbstractContextManager[list[str]]:
        """The variables that a loop carries from round to round."""
        return scribe.loop(slot.inputs, slot.starts, slot.outputs, captured, slot.comments)


def _in_one_line(then: list[str], otherwise: list[str], condition: str) -> str:
    """Two ways that give one variable its value as one assignment, "" where they do more."""
    if len(then) != 1 or len(otherwise) != 1:
        return ""
    codes = [line.partition("  #")[0] for line in (then[0].rstrip(), otherwise[0].rstrip())]
    targets = [code.partition(" = ")[0] for code in codes]
    if targets[0] != targets[1] or "," in targets[0] or "(" in targets[0]:
        return ""
    value, other = (code.partition(" = ")[2] for code in codes)
    return f"{targets[0]} = {value} if {condition} else {other}"
