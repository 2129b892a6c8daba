"""How much one text may ask of the compiler: a few lines can unfold to any size.

Every evaluation, layer and structure that is worked on is counted, in each round that differs and
each instance of a block. The counts are the same on every machine, so that a text is within the
limits everywhere or nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dsl.diagnostics.model import Reporter
from dsl.ir import CallNode, Instance, LayerNode, Model, Node, children
from dsl.source import Span

LAYER = 25
"""What a layer, a block or a structure costs, in evaluations."""
MOST = LAYER * 30_000
"""Steps of work; equal rounds, and instances with equal arguments, are worked out once."""
MOST_ROWS = 100_000
"""Layers and blocks of a model that has its blocks written out; equal rounds are still one."""
MOST_RUNS = 2**63
"""Layers of a model that has its repeats written out as well."""
MOST_ERRORS = 100


class Exhausted(Exception):
    """A text asks for more than there is; it ends the elaboration."""

    def __init__(self, code: str, message: str, span: Span, help: str) -> None:
        super().__init__(message)
        self.code, self.message, self.span, self.help = code, message, span, help

    def report(self, reporter: Reporter) -> None:
        """Tells where the text asks for too much, and what to do."""
        reporter.report(self.code, self.message, self.span, helps=(self.help,))


class Work:
    """What is left of the work that one elaboration may do."""

    __slots__ = ("left", "places")

    def __init__(self) -> None:
        self.left = MOST
        self.places: set[tuple[str, str, int]] = set()

    def spend(self, amount: int, span: Span) -> None:
        """Takes note of work to do.

        Raises:
            Exhausted: It is more than is left.
        """
        self.left -= amount
        if self.left < 0:
            raise Exhausted(
                "MSL142",
                f"up to here, the text unfolds to more than {MOST:,} steps of work",
                span,
                "say equal layers with `repeat`, without an index; "
                "models and variants may have files of their own",
            )

    def failed(self, code: str, span: Span) -> None:
        """Takes note of a mistake.

        Raises:
            Exhausted: There are too many to go on.
        """
        self.places.add((code, span.source.name, span.start))
        if len(self.places) >= MOST_ERRORS:
            raise Exhausted(
                "MSL144", f"{MOST_ERRORS} mistakes are found, and more may follow", span,
                "mend these first, then check again",
            )  # fmt: skip


@contextmanager
def limited(reporter: Reporter) -> Iterator[None]:
    """Reports where something asks for too much, and leaves out what follows."""
    try:
        yield
    except Exhausted as limit:
        limit.report(reporter)


def hold_size(model: Model | None) -> Model | None:
    """A model, held against the limits on how large it is when written out.

    Raises:
        Exhausted: It is larger.
    """
    if model is None:
        return None
    sizes: dict[Instance, tuple[int, int]] = {}
    rows = runs = 0
    for node in model.body.nodes:
        more = _size(node, sizes)
        rows, runs = rows + more[0], runs + more[1]
        if rows > MOST_ROWS or runs > MOST_RUNS:
            what = (
                f"{MOST_ROWS:,} layers and blocks"
                if rows > MOST_ROWS
                else "2**63 layers, rounds counted"
            )
            raise Exhausted(
                "MSL143", f"written out, `{model.name}` has more than {what}", node.span,
                "say equal layers with `repeat`" if rows > MOST_ROWS else "take fewer rounds",
            )  # fmt: skip
    return model


def _size(root: Node, sizes: dict[Instance, tuple[int, int]]) -> tuple[int, int]:
    """Layers below a node: with blocks written out, and with repeats written out as well."""
    for instance in _instances(root, sizes):
        sizes[instance] = _sum(instance.body.nodes, sizes)
    return _sum((root,), sizes)


def _sum(nodes: tuple[Node, ...], sizes: dict[Instance, tuple[int, int]]) -> tuple[int, int]:
    rows = runs = 0
    stack = [(node, 1) for node in nodes]
    while stack:
        node, times = stack.pop()
        if isinstance(node, LayerNode):
            rows, runs = rows + 1, runs + times
        elif isinstance(node, CallNode):
            inner = sizes[node.instance]
            rows, runs = rows + 1 + inner[0], runs + times * inner[1]
        else:
            stack.extend(
                (child, times * count) for _, body, count in children(node) for child in body
            )
    return rows, runs


def _instances(root: Node, known: dict[Instance, tuple[int, int]]) -> Iterator[Instance]:
    """The instances of blocks below a node, those within others first."""
    stack: list[tuple[Node | Instance, bool]] = [(root, False)]
    seen: set[Instance] = set()
    while stack:
        item, done = stack.pop()
        if isinstance(item, Instance):
            if done:
                yield item
            elif item not in seen and item not in known:
                seen.add(item)
                stack.append((item, True))
                stack.extend((node, False) for node in item.body.nodes)
        elif isinstance(item, CallNode):
            stack.append((item.instance, False))
        else:
            stack.extend((child, False) for _, body, _ in children(item) for child in body)
