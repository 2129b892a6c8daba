"""The setting ``recompute``: blocks that run again in the backward pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dsl.diagnostics.suggest import nearest
from dsl.ir import CallNode, Model, Node, children, walk
from dsl.passes.section_context import Context
from dsl.source import Span


def check_recompute(names: Iterable[str], place: Span, context: Context) -> None:
    """Holds the names against the model's blocks; each must mean the same when it runs twice."""
    if context.model is None:
        return
    calls = list(block_calls(context.model))
    known = dict.fromkeys(call.instance.block for call in calls)
    for name in names:
        if name not in known:
            near = nearest(name, known)
            listed = f"it uses {', '.join(known)}" if known else "it uses no block"
            context.reporter.report(
                "MSL408", f"the model uses no block `{name}`", place,
                helps=(f"did you mean `{near[0]}`?" if near else listed,),
            )  # fmt: skip
            continue
        kind = next((word for call in calls if call.instance.block == name
            for word in _stateful(call)), "")  # fmt: skip
        if kind:
            context.reporter.report(
                "MSL409", f"`{name}` holds a `{kind}`, whose running statistics would move twice",
                place, helps=("name blocks without it, or take a norm without running statistics",),
            )  # fmt: skip


def block_calls(model: Model) -> Iterator[CallNode]:
    """Every place where the model applies a block, each instance of one once."""
    stack: list[Node] = list(model.body.nodes)
    seen: set[object] = set()
    while stack:
        node = stack.pop()
        if isinstance(node, CallNode):
            if node.instance in seen:
                continue
            seen.add(node.instance)
            yield node
        for _, inner, _ in children(node):
            stack.extend(inner)


def _stateful(call: CallNode) -> Iterator[str]:
    for visit in walk(call.instance.body.nodes):
        if visit.node.layer.stateful:
            yield visit.node.layer.name
