"""What differs between two models, layer by layer."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dsl.ir import Model, Visit, walk
from dsl.ir_text import value_text
from dsl.record import Record
from dsl.shapes.trace import plain

_ROUNDS = re.compile(r"\d+\.\.\d+")


class Row(Record):
    """A layer as it is compared.

    Attributes:
        path: Its dotted path; equal rounds stand together, as ``0..5``.
        kind: The word of its kind.
        arguments: Every argument as the language writes it.
        shape: The type of its result.
        params: Trainable values, over all rounds.
        uses: How often it runs in a forward pass.
    """

    path: str
    kind: str
    arguments: dict[str, str]
    shape: str
    params: int
    uses: int

    @property
    def place(self) -> tuple[str, str]:
        """What a layer is found again by: its kind and the names around it."""
        return _ROUNDS.sub("*", self.path.rpartition(".")[0]), self.kind


class Changed(Record):
    """A layer that is in both models and differs.

    Attributes:
        before: As it was.
        after: As it is.
        arguments: The arguments that differ: name, before, after; "" where there is none.
    """

    before: Row
    after: Row
    arguments: tuple[tuple[str, str, str], ...]

    @property
    def follows(self) -> bool:
        """Whether only its sizes differ, because of a change elsewhere."""
        return not self.arguments and self.before.uses == self.after.uses


class Structure(Record):
    """The difference of two models.

    Attributes:
        removed: Layers of the first alone.
        added: Layers of the second alone.
        changed: Layers of both whose arguments, rounds or sizes differ.
        same: How many are alike.
        heads: Inputs and outputs that differ: name, before, after.
    """

    removed: tuple[Row, ...]
    added: tuple[Row, ...]
    changed: tuple[Changed, ...]
    same: int
    heads: tuple[tuple[str, str, str], ...]

    @property
    def empty(self) -> bool:
        """Whether the models are the same."""
        return not (self.removed or self.added or self.changed or self.heads)


def compare(before: Model, after: Model) -> Structure:
    """Aligns the layers of two models, in order, by their kinds and the names around them."""
    from difflib import SequenceMatcher

    old, new = rows(before), rows(after)
    matcher = SequenceMatcher(
        None, [row.place for row in old], [row.place for row in new], autojunk=False
    )
    removed: list[Row] = []
    added: list[Row] = []
    pairs: list[tuple[Row, Row]] = []
    for word, low, high, start, stop in matcher.get_opcodes():
        if word == "equal":
            pairs += zip(old[low:high], new[start:stop])
        else:
            removed += old[low:high]
            added += new[start:stop]
    _match_paths(removed, added, pairs)
    changed = tuple(_changed(*pair) for pair in pairs if _differs(*pair))
    heads = tuple(_heads(before, after))
    return Structure(tuple(removed), tuple(added), changed, len(pairs) - len(changed), heads)


def _match_paths(removed: list[Row], added: list[Row], pairs: list[tuple[Row, Row]]) -> None:
    """What bears the same path in both is one layer, though its kind or place differs."""
    known = {row.path: row for row in removed}
    for row in list(added):
        other = known.get(row.path)
        if other is not None and other.kind == row.kind:
            pairs.append((other, row))
            removed.remove(other)
            added.remove(row)


def gathered(own: tuple[Row, ...], others: set[str]) -> list[tuple[str, list[Row]]]:
    """Layers under the shortest name around them that the other model has nothing of.

    Args:
        own: Layers of one model alone.
        others: Every path of the other model, and every name around one.
    """
    found: dict[str, list[Row]] = {}
    for row in own:
        levels = row.path.replace("..", "\0").split(".")
        names = [".".join(levels[:n]).replace("\0", "..") for n in range(1, len(levels) + 1)]
        name = next((name for name in names if name not in others), row.path)
        found.setdefault(name, []).append(row)
    return list(found.items())


def names_of(model: Model) -> set[str]:
    """Every path of a model, and every name around one."""
    found = set()
    for row in rows(model):
        levels = row.path.replace("..", "\0").split(".")
        found |= {".".join(levels[:n]).replace("\0", "..") for n in range(1, len(levels) + 1)}
    return found


def rows(model: Model) -> list[Row]:
    """The layers of a model, in order of computation."""
    found: dict[str, Row] = {}
    for visit in walk(model.body.nodes):
        row = _row(visit)
        before = found.get(row.path)
        if before is not None:
            row = row.replace(params=row.params + before.params, uses=row.uses + before.uses)
        found[row.path] = row
    return list(found.values())


def _row(visit: Visit) -> Row:
    layer = visit.node.layer
    arguments = {name: value_text(plain(value)) for name, value in layer.values.items()}
    counts = (weight.count for weight in visit.node.weights if weight.trainable)
    params = sum(counts) * visit.owners if visit.owners else 0
    shape = str(visit.node.outputs[0].type)
    return Row(visit.path, layer.name, arguments, shape, params, visit.times)


def _differs(old: Row, new: Row) -> bool:
    return (old.arguments, old.shape, old.params, old.uses) != (
        new.arguments, new.shape, new.params, new.uses
    )  # fmt: skip


def _changed(old: Row, new: Row) -> Changed:
    names = list(dict.fromkeys((*old.arguments, *new.arguments)))
    values = [(name, old.arguments.get(name, ""), new.arguments.get(name, "")) for name in names]
    return Changed(old, new, tuple(value for value in values if value[1] != value[2]))


def _heads(before: Model, after: Model) -> Iterator[tuple[str, str, str]]:
    """Inputs and outputs that differ."""
    old, new = _ends(before), _ends(after)
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            yield name, old.get(name, ""), new.get(name, "")


def _ends(model: Model) -> dict[str, str]:
    body = model.body
    found = {f"input {name}": str(value.type) for name, value in zip(body.names, body.inputs)}
    return found | {f"output {out.name}": str(out.value.type) for out in body.outputs}
