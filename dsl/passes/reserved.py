"""Names that the layers of a branch not taken would have.

They are kept free, so that what follows a ``when`` has the same names, and its weights the same
keys, whichever way the choice goes.
"""

from __future__ import annotations

from collections import Counter

from dsl.passes.drafts import snake_case
from dsl.passes.scope import LayerClosure, Scope
from dsl.syntax import ast


def reserved_names(body: ast.Body | None, scope: Scope) -> Counter[str]:
    """How often each name would be given, by number, to the unnamed layers of a body.

    Args:
        body: The branch not taken, if there is one.
        scope: The scope around it, for what ``layer`` arguments stand for.
    """
    found: Counter[str] = Counter()
    for statement in body.statements if body is not None else ():
        if isinstance(statement, ast.Step) and not statement.names:
            for element in statement.chain.elements:
                found += _names_of(element, scope)
    return found


def _names_of(element: ast.Element, scope: Scope) -> Counter[str]:
    """The names that one element of an unnamed chain adds to the level."""
    if isinstance(element, ast.KindCall):
        return Counter([snake_case(element.kind)])
    if isinstance(element, ast.Name):
        binding = scope.lookup(element.id)
        closure = binding.value if binding else None
        is_layer = isinstance(closure, LayerClosure)
        return Counter([snake_case(closure.call.kind)] if is_layer else ())
    if isinstance(element, ast.TupleElement):
        chains = (item.chain for item in element.items)
        return sum(
            (_names_of(part, scope) for chain in chains for part in chain.elements), Counter()
        )
    if isinstance(element, ast.Residual):
        level = Counter(["shortcut", "add"] if element.shortcut else ["add"])
        return reserved_names(element.body, scope) + level
    if isinstance(element, ast.When):
        return reserved_names(element.then, scope) | reserved_names(element.otherwise, scope)
    if isinstance(element, ast.Parallel):
        return Counter(["parallel"])
    return Counter([repeat_name(element, scope)])


def repeat_name(element: ast.Repeat, scope: Scope) -> str:
    """What a repeat is called: after its one unnamed layer, else ``repeat``."""
    inner = [item for item in element.body.statements if not isinstance(item, ast.Let)]
    if len(inner) == 1 and isinstance(inner[0], ast.Step) and not inner[0].names:
        elements = inner[0].chain.elements
        if len(elements) == 1 and isinstance(elements[0], (ast.KindCall, ast.Name)):
            return next(iter(_names_of(elements[0], scope)), "repeat")
    return "repeat"
