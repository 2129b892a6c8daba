"""What of a model's structure matters to those who share it: its units, blocks and seams."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dsl.ir import CallNode, LayerNode, Model, Node, RepeatNode, Visit, children, walk
from dsl.record import Record
from dsl.shapes.dim import evaluate

_ROUNDS = re.compile(r"(\d+)(?:-(\d+))?")


class Unit(Record):
    """A part of the model that is gathered, or put on a stage, as one; equal rounds stand together.

    Attributes:
        path: Where it is.
        rounds: How many equal ones follow each other.
        params: Trainable values of one.
        outside: Whether it lies outside of all repeats.
        boundary: Elements of its result for one sample.
    """

    path: str
    rounds: int
    params: int
    outside: bool
    boundary: int


class Outline(Record):
    """A model as its sharers see it.

    Attributes:
        units: In order of computation.
        seams: Elements, for one sample and one forward pass, of the sums that devices which share
            layers add up: in repeats, the results of attention and of linear layers that narrow.
        sums: How many such sums there are.
        blocks: Names of blocks that are repeated, which may be run again instead of kept.
        tokens: Positions of one sample where the model reads whole numbers; 0 where it does not.
    """

    units: tuple[Unit, ...]
    seams: int
    sums: int
    blocks: tuple[str, ...]
    tokens: int

    @property
    def params(self) -> int:
        """Trainable values."""
        return sum(unit.params * unit.rounds for unit in self.units)

    @property
    def largest(self) -> int:
        """Trainable values of the largest unit."""
        return max((unit.params for unit in self.units), default=0)

    @property
    def rounds(self) -> int:
        """How many rounds of repeats there are."""
        return sum(unit.rounds for unit in self.units if not unit.outside)

    @property
    def boundary(self) -> int:
        """Elements of the largest result that goes from one round to the next, for one sample."""
        return max((unit.boundary for unit in self.units if not unit.outside), default=0)

    def stage(self, stages: int) -> float:
        """The part of the weights that the fullest of some stages of equally many rounds holds."""
        inner = sum(unit.params * unit.rounds for unit in self.units if not unit.outside)
        places = [place for place, unit in enumerate(self.units) if not unit.outside]
        before = sum(unit.params for unit in self.units[: places[0]]) if places else 0
        share = -(-self.rounds // stages) / max(self.rounds, 1)
        edge = max(before, self.params - inner - before)
        return min(1.0, (inner * share + edge) / max(self.params, 1)) if stages > 1 else 1.0


def outline(model: Model, sizes: Mapping[str, int] | None = None) -> Outline:
    """Looks a model over.

    Args:
        model: With plain sizes.
        sizes: Of symbols that differ from the declared ones.
    """
    known = {**model.symbols, **(sizes or {})}
    units: dict[str, list[Any]] = {}
    seams = sums = 0
    for visit in walk(model.body.nodes):
        _enter(units, visit, known)
        if _narrows(visit.node) and not _unit_of(visit.path)[2]:
            seams += visit.times * _elements(visit.node, known)
            sums += visit.times
    made = tuple(Unit(path, *values) for path, values in units.items())
    return Outline(made, seams, sums, _repeated(model.body.nodes), _tokens(model, known))


def _enter(units: dict[str, list[Any]], visit: Visit, sizes: Mapping[str, int]) -> None:
    path, rounds, outside = _unit_of(visit.path)
    unit = units.setdefault(path, [rounds, 0, outside, 0])
    weights = visit.node.weights if visit.owners else ()
    count = sum(weight.count for weight in weights if weight.trainable)
    unit[1] += count * visit.owners // unit[0]
    unit[3] = _elements(visit.node, sizes)


def _unit_of(path: str) -> tuple[str, int, bool]:
    """Where the unit of a layer is, how many rounds it has, and whether it is in no repeat."""
    levels = path.replace("..", "-").split(".")
    for place, level in enumerate(levels):
        match = _ROUNDS.fullmatch(level)
        if match:
            rounds = int(match[2]) - int(match[1]) + 1 if match[2] else 1
            return ".".join(levels[: place + 1]).replace("-", ".."), rounds, False
    return levels[0], 1, True


def _elements(node: LayerNode, sizes: Mapping[str, int]) -> int:
    count = 1
    for dim in node.outputs[0].type.shape:
        count *= evaluate(dim, sizes)
    return count


def _narrows(node: LayerNode) -> bool:
    """Whether a layer ends what is computed in parts: its result is a sum over the devices."""
    if "Attention" in node.layer.name:
        return True
    if node.layer.name != "Linear" or not node.types:
        return False
    before, after = node.types[0].shape[-1], node.outputs[0].type.shape[-1]
    return isinstance(before, int) and isinstance(after, int) and before > after


def block_names(model: Model) -> tuple[str, ...]:
    """Names of all blocks that a model uses."""
    return tuple(sorted({block for block, _ in _calls(model.body.nodes, True)}))


def _repeated(nodes: Iterable[Node]) -> tuple[str, ...]:
    """Names of the outermost blocks that repeats are made of."""
    return tuple(sorted({block for block, repeated in _calls(nodes, False) if repeated}))


def _calls(nodes: Iterable[Node], inside: bool) -> Iterator[tuple[str, bool]]:
    """Blocks with whether they are repeated; those inside of repeated ones only if asked for."""
    stack: list[tuple[Node, bool]] = [(node, False) for node in nodes]
    while stack:
        node, repeated = stack.pop()
        if isinstance(node, CallNode):
            yield node.instance.block, repeated
            if repeated and not inside:
                continue
        below = repeated or isinstance(node, RepeatNode)
        stack.extend((child, below) for _, body, _ in children(node) for child in body)


def _tokens(model: Model, sizes: Mapping[str, int]) -> int:
    for value in model.body.inputs:
        if value.type.dtype.startswith("int"):
            count = 1
            for dim in value.type.shape:
                count *= evaluate(dim, sizes)
            return count
    return 0
