"""Two generated files side by side: the same tree but for literals and for names of the spec."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

Pair = tuple[str, str]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def differences(benign: str, hostile: str, renamed: dict[str, str] | None = None) -> list[str]:
    """How two files differ beyond literals and a renaming that confuses nothing.

    Args:
        benign: A generated file.
        hostile: That of the same spec with other names and strings.
        renamed: For each name of the benign spec the other spec's; None where names are equal.
    """
    left, right = ast.parse(benign), ast.parse(hostile)
    if skeleton(left) != skeleton(right):
        return ["the trees have different shapes"]
    pairs = list(zip(ast.walk(left), ast.walk(right)))
    found = [*_strange(pairs, renamed or {}), *_members(left, right)]
    return [*found, *_captured(left, right)]


def skeleton(tree: ast.AST) -> str:
    """A tree without its literals and identifiers."""
    return "\n".join(
        " ".join([type(node).__name__, *map(str, _kinds(node))]) for node in ast.walk(tree)
    )


def _kinds(node: ast.AST) -> Iterator[object]:
    """What a node has besides identifiers and literals: how many children of which field."""
    for name, value in ast.iter_fields(node):
        if isinstance(value, list):
            yield f"{name}={len(value)}"
        elif isinstance(value, ast.AST):
            yield f"{name}={type(value).__name__}"
    if isinstance(node, ast.Constant):
        yield type(node.value).__name__


def _texts(node: ast.AST) -> list[str | None]:
    """The identifiers of one node that are no variables; of those `_captured` has a better idea."""
    if isinstance(node, ast.Attribute):
        return [node.attr]
    if isinstance(node, ast.keyword):
        return [node.arg]
    if isinstance(node, ast.ImportFrom):
        return [node.module, *(alias.name for alias in node.names)]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def _strange(pairs: list[tuple[ast.AST, ast.AST]], renamed: dict[str, str]) -> Iterator[str]:
    """Identifiers that changed although no name of the spec is in them."""
    for left, right in pairs:
        for before, after in zip(_texts(left), _texts(right)):
            if before == after:
                continue
            if before is None or after is None or not _derived(before, renamed):
                yield f"{before} became {after}"


def _derived(name: str, renamed: dict[str, str]) -> bool:
    return any(known.lower() in name.lower() for known in renamed)


# --- attributes -----------------------------------------------------------------------------


def _members(left: ast.Module, right: ast.Module) -> Iterator[str]:
    """Attributes of one class that fall together, or onto the class's own methods."""
    for one, other in zip(_classes(left), _classes(right)):
        pairs = {
            (a.attr, b.attr)
            for a, b in zip(ast.walk(one), ast.walk(other))
            if isinstance(a, ast.Attribute) and isinstance(b, ast.Attribute)
            if isinstance(a.value, ast.Name) and a.value.id == "self"
        }
        methods = {
            (a.name, b.name)
            for a, b in zip(one.body, other.body)
            if isinstance(a, ast.FunctionDef) and isinstance(b, ast.FunctionDef)
        }
        yield from _clashes(pairs | methods, f"attributes of {other.name}")


def _classes(tree: ast.Module) -> list[ast.ClassDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]


def _clashes(pairs: set[Pair], where: str) -> Iterator[str]:
    """Where a renaming is none: one name becomes two, or two become one."""
    for index in (0, 1):
        seen: dict[str, Pair] = {}
        for pair in sorted(pairs):
            if seen.setdefault(pair[index], pair) != pair:
                yield f"{where}: {seen[pair[index]]} and {pair}"


# --- variables ------------------------------------------------------------------------------


def _captured(left: ast.Module, right: ast.Module) -> Iterator[str]:
    """Variables that fall together with others that can be seen where they are used."""
    top = set(_bound(left.body, right.body))
    yield from _clashes(top, "the file's own names")
    known, shadowed = dict(top), {after for _, after in top}
    for one, other in zip(_functions(left), _functions(right)):
        pairs = set(_names(one, other))
        local = {before for before, _ in _locals(one, other)}
        yield from _clashes(pairs, f"names in {getattr(other, 'name', 'lambda')}")
        for before, after in sorted(pairs):
            if before in local:
                continue
            if before in known and known[before] != after:
                yield f"{before} is the file's {known[before]}, and {after} where it is used"
            if before not in known and (after in shadowed or not hasattr(builtins, after)):
                yield f"{before}, a builtin, becomes {after}"


def _functions(tree: ast.Module) -> list[ast.AST]:
    """Functions of the file and methods of its classes; inner functions belong to them."""
    found: list[ast.AST] = []
    for node in tree.body:
        if isinstance(node, FUNCTIONS):
            found.append(node)
        elif isinstance(node, ast.ClassDef):
            found += [item for item in node.body if isinstance(item, FUNCTIONS)]
    return found


def _names(one: ast.AST, other: ast.AST) -> Iterator[Pair]:
    for a, b in zip(ast.walk(one), ast.walk(other)):
        if isinstance(a, ast.Name) and isinstance(b, ast.Name):
            yield a.id, b.id
        elif isinstance(a, ast.arg) and isinstance(b, ast.arg):
            yield a.arg, b.arg
        elif isinstance(a, FUNCTIONS[:2]) and a is not one:
            yield a.name, b.name  # type: ignore[attr-defined]
        elif isinstance(a, ast.ExceptHandler) and a.name:
            yield a.name, str(b.name)  # type: ignore[attr-defined]


def _locals(one: ast.AST, other: ast.AST) -> Iterator[Pair]:
    for a, b in zip(ast.walk(one), ast.walk(other)):
        if isinstance(a, ast.Name) and isinstance(a.ctx, ast.Store):
            yield a.id, b.id  # type: ignore[attr-defined]
    yield from (pair for pair in _names(one, other) if pair[0] in _declared(one))


def _declared(function: ast.AST) -> set[str]:
    """Arguments, inner functions and names of exceptions."""
    nodes = list(ast.walk(function))
    return {
        *(node.arg for node in nodes if isinstance(node, ast.arg)),
        *(node.name for node in nodes if isinstance(node, FUNCTIONS[:2]) and node is not function),
        *(node.name for node in nodes if isinstance(node, ast.ExceptHandler) and node.name),
    }


def _bound(one: list[ast.stmt], other: list[ast.stmt]) -> Iterator[Pair]:
    """What a file binds at its top level."""
    for a, b in zip(one, other):
        if isinstance(a, (*FUNCTIONS[:2], ast.ClassDef)):
            yield a.name, b.name  # type: ignore[attr-defined]
        elif isinstance(a, (ast.Import, ast.ImportFrom)):
            yield from _imported(a, b)
        else:
            yield from (
                pair
                for x, y in zip(ast.walk(a), ast.walk(b))
                if isinstance(x, ast.Name) and isinstance(x.ctx, ast.Store)
                for pair in [(x.id, y.id)]  # type: ignore[attr-defined]
            )


def _imported(one: ast.stmt, other: ast.stmt) -> Iterator[Pair]:
    for a, b in zip(one.names, other.names):  # type: ignore[attr-defined]
        yield (a.asname or a.name).partition(".")[0], (b.asname or b.name).partition(".")[0]
