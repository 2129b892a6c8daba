"""The layers of a report: what each has of everything, and the tree that their names make."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dsl.cost.estimate import Outlook
from dsl.record import Record

MOST = 1000
"""Layers that are listed one by one; of more, those with the largest shares."""


class Row(Record, frozen=False):
    """A layer, or several that are not listed one by one.

    Attributes:
        path: Its dotted path.
        kind: The word of its kind.
        shape: Of its result, without the batch.
        params: Trainable values.
        macs: Of the forward pass.
        kept: Bytes kept for the backward pass.
        layers: How many it stands for.
    """

    path: str
    kind: str
    shape: str = ""
    params: int = 0
    macs: int = 0
    kept: int = 0
    layers: int = 1

    def add(self, other: Row) -> None:
        """Adds the numbers of another."""
        self.params += other.params
        self.macs += other.macs
        self.kept += other.kept
        self.layers += other.layers


class Paths:
    """Finds the line of a layer: that of ``decoder.3.norm`` is ``decoder.0..11.norm``."""

    def __init__(self, paths: Iterable[str]) -> None:
        self.root: dict[str, object] = {}
        for path in paths:
            node = self.root
            for level in levels(path):
                node = node.setdefault(level, {})  # type: ignore[assignment]
            node[""] = path

    def line(self, path: str) -> str:
        """The line of a layer, or the first below the path of a block; itself where none is."""
        node = self.root
        for level in path.split("."):
            found = node.get(level) or self._round(node, level)
            if found is None:
                return path
            node = found  # type: ignore[assignment]
        while "" not in node:
            node = next(iter(node.values()))  # type: ignore[assignment]
        return str(node[""])

    def _round(self, node: dict[str, object], level: str) -> object:
        if not level.isdecimal():
            return None
        index = int(level)
        for name, inner in node.items():
            first, dots, last = name.partition("..")
            if dots and int(first) <= index <= int(last):
                return inner
        return None


def levels(path: str) -> list[str]:
    """The levels of a path; ``0..5`` is one level."""
    return [level.replace("\0", "..") for level in path.replace("..", "\0").split(".")]


def rows_of(outlook: Outlook) -> list[Row]:
    """Every layer of the cost report, with what it keeps."""
    cost = outlook.cost
    made = {}
    for layer in cost.layers:
        shape = ", ".join(str(cost.at(dim)) for dim in layer.output.shape)
        macs = cost.at(layer.macs)
        made[layer.path] = Row(layer.path, layer.kind, f"[{shape}]", layer.params, macs)
    paths = Paths(made)
    for path, kept in outlook.memory.kept.items():
        row = made.get(path) or made.get(paths.line(path))
        if row is not None:
            row.kept += kept
    return list(made.values())


def shortened(rows: list[Row], most: int = MOST) -> list[Row]:
    """The rows with the largest shares in their order, and one that adds the others up."""
    if len(rows) <= most:
        return rows
    chosen = largest(rows, most - 1)
    rest = total(row for at, row in enumerate(rows) if at not in chosen)
    rest.path = f"{rest.layers:,} more layers"
    return [row for at, row in enumerate(rows) if at in chosen] + [rest]


def largest(rows: list[Row], count: int) -> set[int]:
    """The places of the rows whose shares of everything are the largest."""
    whole = total(rows)
    sums = [max(1, number) for number in (whole.params, whole.macs, whole.kept)]
    order = sorted(range(len(rows)), key=lambda at: (-_weight(rows[at], sums), at))
    return set(order[:count])


def _weight(row: Row, sums: list[int]) -> float:
    parts = (row.params, row.macs, row.kept)
    return sum(part / whole for part, whole in zip(parts, sums))


def total(rows: Iterable[Row]) -> Row:
    """All rows added up."""
    made = Row("total", "", layers=0)
    for row in rows:
        made.add(row)
    return made


class Branch:
    """A level of the names: a layer, or what lies below it.

    Attributes:
        name: As shown: the levels since the branch above.
        path: All levels.
        row: The numbers, those of everything below added up.
        inner: The branches below, in order.
    """

    __slots__ = ("inner", "name", "path", "row")

    def __init__(self, name: str, path: str) -> None:
        self.name, self.path = name, path
        self.row = Row(path, "", layers=0)
        self.inner: dict[str, Branch] = {}

    def __iter__(self) -> Iterator[Branch]:
        return iter(self.inner.values())


def tree(rows: Iterable[Row], depth: int) -> Branch:
    """The rows under their names; from a depth on, names are not taken apart."""
    root = Branch("", "")
    for row in rows:
        node = root
        node.row.add(row)
        names = levels(row.path) if row.shape else [row.path]
        if len(names) > depth:
            names[depth - 1 :] = [".".join(names[depth - 1 :])]
        for name in names:
            path = f"{node.path}.{name}" if node.path else name
            node = node.inner.setdefault(name, Branch(name, path))
            node.row.add(row)
        node.row.kind, node.row.shape = row.kind, row.shape
    return root
