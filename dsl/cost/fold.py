"""Folding a cost report: layers added up under the names that the author gave."""

from __future__ import annotations

from dsl.cost.report import CostReport, LayerCost
from dsl.ir import CallNode, Group, LayerNode, Model, RepeatNode, SharedNode, children, join
from dsl.record import Record

WAYS = ("block", "layer", "kind")
"""Ways to fold: by the levels of paths, not at all, or by kind."""


class Line(Record, frozen=False):
    """One line of a folded report.

    Attributes:
        path: The path, or its first levels where layers are folded.
        kind: The kind, the block, or how often it is repeated.
        output: Shape of the result, "" where there is not one.
        params, macs, elementwise: Sums.
        layers: How many layers are folded into it.
    """

    path: str
    kind: str
    output: str = ""
    params: int = 0
    macs: int = 0
    elementwise: int = 0
    layers: int = 0

    def add(self, report: CostReport, layer: LayerCost) -> None:
        """Adds a layer."""
        self.params += layer.params
        self.macs += report.at(layer.macs)
        self.elementwise += report.at(layer.elementwise)
        self.layers += 1


def fold(report: CostReport, model: Model, by: str = "block", depth: int = 1) -> list[Line]:
    """The lines of a report, in order of computation.

    Args:
        report: The report.
        model: The model it is about.
        by: One of `WAYS`.
        depth: By block, how many levels of the paths are told apart.
    """
    if by == "kind":
        return _by_kind(report)
    words = labels(model) if by == "block" else {}
    lines: dict[str, Line] = {}
    for layer in report.layers:
        path = first_levels(layer.path, depth) if by == "block" else layer.path
        line = lines.get(path)
        if line is None:
            word = layer.kind if path == layer.path else words.get(path, "")
            line = lines[path] = Line(path, word)
        line.output = f"[{', '.join(str(report.at(dim)) for dim in layer.output.shape)}]"
        line.add(report, layer)
    return list(lines.values())


def _by_kind(report: CostReport) -> list[Line]:
    lines: dict[str, Line] = {}
    for layer in report.layers:
        lines.setdefault(layer.kind, Line("", layer.kind)).add(report, layer)
    for line in lines.values():
        line.path = f"{line.layers} row" + "s" * (line.layers > 1)
    return sorted(lines.values(), key=lambda line: (-line.macs, -line.params))


def first_levels(path: str, depth: int) -> str:
    """The first levels of a path; ``0..5`` is one level."""
    levels = path.replace("..", "\0").split(".")
    return ".".join(levels[:depth]).replace("\0", "..")


def labels(model: Model) -> dict[str, str]:
    """What stands at each path above the layers: the block, or the structure and how often."""
    found: dict[str, str] = {}
    shared: dict[SharedNode, str] = {}
    stack = [("", node) for node in reversed(model.body.nodes)]
    while stack:
        prefix, node = stack.pop()
        if isinstance(node, SharedNode):
            shared[node] = join(prefix, node.name)
            continue
        path = shared.get(getattr(node, "shared", None), join(prefix, getattr(node, "name", "")))
        if isinstance(node, LayerNode):
            continue
        if isinstance(node, (CallNode, Group, RepeatNode)) and path not in found:
            found[path] = _label(node)
        levels = [(join(path, level), child) for level, body, _ in children(node)
            for child in body]  # fmt: skip
        stack.extend(reversed(levels))
    return found


def _label(node: CallNode | Group | RepeatNode) -> str:
    if isinstance(node, CallNode):
        return node.instance.block
    if isinstance(node, Group):
        return "" if node.kind == "chain" else node.kind
    times = sum(part.count for part in node.rounds)
    nodes = node.rounds[0].nodes if node.rounds else ()
    only = nodes[0] if len(nodes) == 1 else None
    if isinstance(only, CallNode) and not only.name:
        return f"{only.instance.block} x{times}"
    if isinstance(only, LayerNode) and not only.name:
        return f"{only.layer.name} x{times}"
    return f"repeat x{times}"
