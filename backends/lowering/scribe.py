"""The lines of a forward pass: which variable holds which value, and what goes on one line.

Steps that the spec has on one line are written as one expression where it stays readable; a value
keeps its author's name; other values share a few short names, each free again after its last use.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from backends.lowering.align import Slot
from backends.pycode.literals import paragraph
from backends.pycode.names import identifier

POOL = ("x", "y", "z", "u", "v", "w")
WIDTH = 100
HOLE = "_hole{}_"


@dataclass
class Pending:
    """An expression not yet written, in the hope that the next line takes it in."""

    slot: Slot
    text: str
    line: int
    comments: tuple[str, ...]


class Scribe:
    """Writes the lines of a forward pass.

    Args:
        uses: How often each value is used.
        shape: Gives the comment of a value's shape.
        depth: Indentation in steps of four blanks.
    """

    def __init__(self, uses: Counter[Slot], shape: Callable[[Slot], str], depth: int) -> None:
        self.lines: list[str] = []
        self.depth = depth
        self._uses = uses
        self._shape = shape
        self._names: dict[Slot, str] = {}
        self._live: dict[Slot, str] = {}  # those of `_names` that may have uses left
        self._expected: dict[Slot, str] = {}
        self._pending: Pending | None = None
        self._pinned: Counter[str] = Counter()

    # --- lines --------------------------------------------------------------------------

    def add(self, text: str, slots: Iterable[Slot] = ()) -> None:
        """Writes a line, with the shapes of the values it makes where there is room."""
        line = "    " * self.depth + text
        shapes = [self._shape(slot) for slot in slots]
        comment = f"  # {', '.join(shapes)}" if shapes else ""
        self.lines.append(line + comment if len(line + comment) <= WIDTH else line)

    def remark(self, comments: Iterable[str]) -> None:
        """Writes comments of the spec on lines of their own."""
        for text in comments:
            written = comment_lines(text, self.depth)
            self.lines.extend("    " * self.depth + line for line in written)

    # --- variables ----------------------------------------------------------------------

    def give(self, slot: Slot, name: str) -> None:
        """Says which variable holds a value, such as an argument of the forward pass."""
        self._names[slot] = self._live[slot] = name

    def name_for(self, slot: Slot) -> str:
        """A variable for a new value, one that no live value is held in."""
        held = self._held_names()
        hint = identifier(slot.hint) if slot.hint else ""
        candidates = [hint] if hint else []
        if not hint or hint in POOL:
            candidates += POOL
        for name in candidates:
            if name not in held:
                return name
        return self.free_name(hint or "value")

    def _held_names(self) -> set[str]:
        self._live = {slot: name for slot, name in self._live.items() if self._uses[slot] > 0}
        return set(self._live.values()) | {
            name for name, count in self._pinned.items() if count > 0
        }

    def reserve(self, names: Iterable[str]) -> None:
        """Keeps names from being taken by values, for good."""
        self._pinned.update(names)

    def free_name(self, base: str) -> str:
        """A name that no live value and no reservation holds."""
        held = self._held_names()
        name, number = base, 2
        while name in held:
            name, number = f"{base}_{number}", number + 1
        return name

    def expect(self, slots: Iterable[Slot], names: Iterable[str]) -> None:
        """Says which variables values are to be held in once they are made."""
        self._expected.update(zip(slots, names))

    def is_expected(self, slot: Slot) -> bool:
        """Whether a value has its variable before it is made."""
        return slot in self._expected

    def define(self, slot: Slot) -> str:
        """Chooses the variable of a new value."""
        name = self._expected.pop(slot, "") or self.name_for(slot)
        self._names[slot] = self._live[slot] = name
        return name

    def variable(self, slot: Slot) -> str:
        """The variable that holds a value, without counting a use."""
        if self._pending is not None and self._pending.slot is slot:
            self.flush()
        return self._names[slot]

    def read(self, slot: Slot) -> str:
        """The variable that holds a value; this is one of its uses."""
        name = self.variable(slot)
        self._uses[slot] -= 1
        return name

    def is_last(self, slot: Slot, uses: int) -> bool:
        """Whether no more than some uses of a value are left, and no name of the author's is."""
        named = slot.hint not in ("", "input")
        if named or slot not in self._names or self._uses[slot] > uses:
            return False
        holders = (other for other, held in self._names.items() if held == self._names[slot])
        return not any(self._uses[other] > 0 for other in holders if other is not slot)

    def alias(self, slot: Slot, other: Slot) -> None:
        """Lets a value be another one under a second identity."""
        self._names[slot] = self._live[slot] = self.variable(other)

    @contextmanager
    def pinned(self, slots: Iterable[Slot]) -> Iterator[None]:
        """Keeps the variables of some values from being taken, as a loop needs them again."""
        names = [self.variable(slot) for slot in slots if slot in self._names]
        self._pinned.update(names)
        yield
        self._pinned.subtract(names)

    # --- expressions --------------------------------------------------------------------

    def inputs(self, slots: tuple[Slot | None, ...], line: int) -> list[str | None]:
        """Texts for the inputs of a step: a hole for one that may be taken in, else variables."""
        texts: list[str | None] = []
        for index, slot in enumerate(slots):
            if slot is None:
                texts.append(None)
            elif self._can_take(slot, slots, line):
                texts.append(HOLE.format(index))
            else:
                texts.append(self.variable(slot))
        return texts

    def _can_take(self, slot: Slot, slots: tuple[Slot | None, ...], line: int) -> bool:
        pending = self._pending
        return (
            pending is not None
            and pending.slot is slot
            and pending.line == line
            and not slot.hint
            and self._uses[slot] == 1
            and slots.count(slot) == 1
        )

    def finish(
        self,
        text: str,
        slots: tuple[Slot | None, ...],
        outputs: tuple[Slot, ...],
        line: int,
        comments: tuple[str, ...],
    ) -> None:
        """Takes the text of a step, its holes filled, as the value of `outputs`."""
        text, comments = self._fill(text, slots, comments)
        self.flush()  # before the inputs are let go, so that it takes none of their variables
        for slot in slots:
            if slot is not None:
                self._uses[slot] -= 1
        if len(outputs) == 1:
            given = next((slot for slot in slots if slot and self._names.get(slot) == text), None)
            if given is not None and not outputs[0].hint and not comments:
                self.alias(outputs[0], given)
                return
            self._pending = Pending(outputs[0], text, line, comments)
            return
        self.remark(comments)
        names = ", ".join(self.define(slot) for slot in outputs)
        self.add(f"{names} = {text}", outputs)

    def _fill(
        self, text: str, slots: tuple[Slot | None, ...], comments: tuple[str, ...]
    ) -> tuple[str, tuple[str, ...]]:
        """Puts a pending expression into its hole, or writes it first where it does not fit."""
        for index, slot in enumerate(slots):
            hole = HOLE.format(index)
            if hole not in text or slot is None:
                continue
            pending = self._pending
            assert pending is not None
            taken = _put(text, hole, pending.text)
            room = WIDTH - 4 * self.depth - len("return   # [B, 000, 000, 000]")
            if taken is not None and len(taken) <= room:
                self._pending = None
                text, comments = taken, (*pending.comments, *comments)
            else:
                text = text.replace(hole, self.variable(slot))
        return text, comments

    def flush(self) -> None:
        """Writes the pending expression, if there is one."""
        pending, self._pending = self._pending, None
        if pending is None:
            return
        self.remark(pending.comments)
        name = self.define(pending.slot)
        self.add(f"{name} = {pending.text}", [pending.slot])

    def settle(self, slot: Slot, name: str) -> None:
        """Brings a value into a given variable; this is one of its uses."""
        pending = self._pending
        self._uses[slot] -= 1
        if pending is not None and pending.slot is slot:
            self._pending = None
            self.remark(pending.comments)
            self.add(f"{name} = {pending.text}", [slot])
        elif self.variable(slot) != name:
            self.flush()
            self.add(f"{name} = {self._names[slot]}", [slot])

    def settle_all(self, slots: tuple[Slot, ...], names: list[str]) -> None:
        """Brings several values into given variables, all at once."""
        if len(slots) == 1:
            self.settle(slots[0], names[0])
            return
        held = [self.variable(slot) for slot in slots]
        self.flush()
        self._uses.subtract(slots)
        if held != names:
            self.add(f"{', '.join(names)} = {', '.join(held)}", slots)

    @contextmanager
    def holding(self, names: list[str]) -> Iterator[None]:
        """Keeps variables from being taken by other values."""
        self._pinned.update(names)
        yield
        self._pinned.subtract(names)

    @contextmanager
    def loop(
        self,
        inputs: tuple[Slot, ...],
        starts: tuple[Slot, ...],
        outputs: tuple[Slot, ...],
        captured: tuple[Slot, ...],
        comments: tuple[str, ...],
    ) -> Iterator[list[str]]:
        """A loop: puts what it starts from into the variables that it carries, and indents.

        Yields the variables; in the body they hold `starts`, after the loop `outputs`.
        """
        self.flush()
        self.remark(comments)
        names = []
        for slot in inputs:
            old = self.read(slot)
            keep = old in names or self._is_wanted(old, captured)
            name = self.name_for(slot) if keep else old
            if name != old:
                self.add(f"{name} = {old}")
            names.append(name)
            self._pinned[name] += 1
        for slot, name in zip(starts, names):
            self._names[slot] = self._live[slot] = name
        with self.pinned(captured):
            self.depth += 1
            yield names
            self.flush()
            self.depth -= 1
        self._pinned.subtract(names)
        for slot, name in zip(outputs, names):
            self._names[slot] = self._live[slot] = name

    def _is_wanted(self, name: str, captured: tuple[Slot, ...]) -> bool:
        """Whether a variable holds what a loop captures or what is used later.

        Several values may lie in one variable, where a layer hands on what it is given.
        """
        holders = (slot for slot, held in self._names.items() if held == name)
        return any(self._uses[slot] > 0 or slot in captured for slot in holders)

    def anchor(self) -> str:
        """A variable that holds a value with a batch, "" where there is none."""
        for slot, name in reversed(self._names.items()):
            if slot.variants[0].type.batched and self._names.get(slot) == name:
                holders = [other for other, held in self._names.items() if held == name]
                if holders[-1] is slot:
                    return name
        return ""

    def result(self, slot: Slot) -> str:
        """The text of a value that is handed out: pending, or its variable."""
        pending = self._pending
        self._uses[slot] -= 1
        if pending is not None and pending.slot is slot:
            self._pending = None
            self.remark(pending.comments)
            return pending.text
        return self.variable(slot)


def _put(text: str, hole: str, inner: str) -> str | None:
    """`text` with `inner` in its one hole, in parentheses where the place asks for them."""
    if text.count(hole) != 1:
        return None
    if is_atom(inner):
        return text.replace(hole, inner)
    as_argument = re.search(rf"(?:\(|, ){re.escape(hole)}(?=[,)])", text)
    return text.replace(hole, inner if as_argument else f"({inner})")


def is_atom(text: str) -> bool:
    """Whether an expression needs no parentheses anywhere."""
    node = ast.parse(text, mode="eval").body
    return isinstance(node, (ast.Call, ast.Name, ast.Attribute, ast.Subscript, ast.Constant))


def comment_lines(text: str, depth: int = 0) -> list[str]:
    """A comment of the spec as Python comments: ASCII, wrapped to what a line so deep holds."""
    clean = text.encode("ascii", "backslashreplace").decode()
    words = "".join(char if char.isprintable() else " " for char in clean)
    return [f"# {line}" for line in paragraph(words, WIDTH - 4 * depth - 2)] or ["#"]
