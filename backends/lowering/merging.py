"""Sizes behind choices: one formula for what both ways make of a size.

Each variant of a body went one way through a `when`, and knows what that way made of a size. The
size bears a name of its own from there on, so that variants agree on all that follows; here the
name gets its meaning, from the variants together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dsl.ir import CallNode, WhenNode
from dsl.passes.locals import MERGED
from dsl.shapes.dim import Dim
from dsl.shapes.trace import Expr, Operand, formula, names_in, substitute

Sizes = list[list[Operand]]
"""A formula for each axis of each result, None where there is none."""


def note_merged(variants: Sequence[WhenNode], merged: dict[str, Operand]) -> None:
    """Notes what the sizes behind a choice are.

    Args:
        variants: The choice in each variant.
        merged: Receives a formula for each name; None where there is none, which leaves the
            numbers.
    """
    for index, output in enumerate(variants[0].outputs):
        for axis, dim in enumerate(output.type.shape):
            name = _merged_name(dim)
            if name:
                operand = _merge(variants, index, axis)
                merged[name] = operand if merged.get(name, operand) == operand else None


def note_results(
    variants: list[CallNode], results: Callable[[list[CallNode]], Sizes], merged: dict[str, Operand]
) -> None:
    """Notes what those sizes of a block's results are that hang on a choice in the block.

    Args:
        variants: The call in each variant.
        results: The sizes of what they give, by one formula of the callers.
        merged: As of `note_merged`.
    """
    named = [list(map(_merged_name, output.type.shape)) for output in variants[0].outputs]
    if not any(name for names in named for name in names):
        return
    for names, sizes in zip(named, results(variants)):
        for name, operand in zip(names, sizes):
            if name and operand != Expr("name", name):  # else a size of an input, handed on
                merged[name] = operand if merged.get(name, operand) == operand else None


def _merged_name(dim: Dim) -> str:
    """The name that a size behind a choice goes under, "" for any other size."""
    name = formula(dim)
    is_name = isinstance(name, Expr) and name.op == "name" and name.args[0].startswith(MERGED)
    return name.args[0] if is_name else ""


def _merge(variants: Sequence[WhenNode], index: int, axis: int) -> Operand:
    """The size by the way taken; None where variants that went one way differ in it, or lack it."""
    if any(node.outputs[index].type.rank <= axis for node in variants):
        return None
    ways: list[set[Operand]] = [set(), set()]
    for node in variants:
        ways[node.taken].add(formula(node.results[index].type.shape[axis]))
    if any(len(way) > 1 for way in ways):
        return None
    otherwise, then = (next(iter(way), None) for way in ways)
    if then is None or otherwise is None or then == otherwise:
        return otherwise if then is None else then
    return choose(then, variants[0].condition, otherwise)


def choose(then: Operand, condition: Operand, otherwise: Operand) -> Operand:
    """``then if condition else otherwise``.

    It is `then` alone where that is `otherwise` too whenever the condition fails, such as
    ``a if a != b else b`` and ``n * a if n != 1 else a``; and the reverse.
    """
    if isinstance(condition, Expr) and condition.op in ("==", "!="):
        usual, special = (then, otherwise) if condition.op == "!=" else (otherwise, then)
        left, right = condition.args
        for name, value in ((left, right), (right, left)):
            if isinstance(name, Expr) and name.op == "name":
                known = {name.args[0]: value}
                if substitute(usual, known) == substitute(special, known):
                    return usual
    return Expr("if", then, condition, otherwise)


def unmerged(operand: Operand, merged: Mapping[str, Operand]) -> Operand:
    """A formula in which names of sizes behind choices are replaced by what they stand for.

    One that stands for no formula stays.
    """
    known = {name: value for name, value in merged.items() if value is not None}
    for _ in range(len(known) + 1):
        if not names_in(operand) & known.keys():
            break
        operand = substitute(operand, known)
    return operand


def fold_equal(carried: Mapping[str, tuple[Any, Any]], merged: dict[str, Operand]) -> set[str]:
    """Notes carried sizes that no round changes, once choices are known; gives their names."""
    fixed = set()
    for name, (first, following) in carried.items():
        if first is not None and following is not None:
            start = unmerged(formula(first), merged)
            if unmerged(formula(following), merged) in (Expr("name", name), start):
                merged[name] = formula(first)
                fixed.add(name)
    return fixed
