"""Holds the picture of the rooms: who imports whom, how big things are, what is documented."""

from __future__ import annotations

import ast
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("dsl", "backends", "grammar")

_BELOW_IR = "source diagnostics shapes kinds layers training tape"
_BELOW_COMPILATION = f"{_BELOW_IR} syntax ir ir_text passes cost lint devices"
SEES = {
    "record": "",
    "version": "",
    "source": "",
    "diagnostics": "source",
    "syntax": "source diagnostics",
    "shapes": "",
    "kinds": "source diagnostics shapes",
    "tape": "shapes",
    "layers": "source diagnostics shapes kinds tape",
    "training": "source diagnostics shapes kinds layers tape",
    "ir": _BELOW_IR,
    "ir_text": f"{_BELOW_IR} ir",
    "passes": f"{_BELOW_IR} syntax ir ir_text",
    "devices": "source diagnostics",
    "cost": f"{_BELOW_IR} syntax ir ir_text passes devices",
    "planning": f"{_BELOW_IR} ir cost devices",
    "lint": f"{_BELOW_IR} syntax ir ir_text passes",
    "compilation": _BELOW_COMPILATION,
    "zoo": f"{_BELOW_COMPILATION} compilation version",
    "choosing": f"{_BELOW_COMPILATION} compilation planning zoo",
    "fuzz": f"{_BELOW_COMPILATION} compilation",
    "__init__": f"{_BELOW_COMPILATION} compilation version",
    "__main__": "cli",
    "cli": f"{_BELOW_COMPILATION} compilation planning choosing version zoo fuzz lsp __init__",
    "lsp": f"{_BELOW_COMPILATION} compilation __init__",
}
"""Which rooms of `dsl` each room may import; its own and `record` it always may."""

BACKENDS = {
    "__init__": "writing",
    "base": "",
    "pycode": "base",
    "layers": "base pycode",
    "lowering": "base pycode",
    "scripting": "base pycode",
    "writing": "base pycode lowering scripting",
    "reference": "",
    "measuring": "",
    "torch": "base pycode layers lowering scripting writing",
    "tensorflow": "base pycode layers lowering scripting writing",
    "converting": "base pycode lowering torch tensorflow",
    "verifying": "base pycode lowering scripting writing reference torch tensorflow",
}
"""Which rooms of `backends` each room may import: the two frameworks never each other."""

THIRD_PARTY = {
    "lark": ("dsl/syntax/",),
    "click": ("dsl/cli/",),
    "rich": ("dsl/cli/", "dsl/diagnostics/render", "dsl/cost/"),
    "jinja2": ("backends/pycode/render.py",),
    "black": ("backends/pycode/render.py",),
    "numpy": (
        *("backends/reference/", "backends/verifying/", "backends/converting/"),
        *("backends/torch/runtime/", "backends/tensorflow/runtime/", "backends/measuring/"),
    ),
    "torch": ("backends/torch/runtime/", "backends/measuring/"),
    "tensorflow": ("backends/tensorflow/runtime/",),
    "keras": ("backends/tensorflow/runtime/",),
    "pygls": ("dsl/lsp/",),
    "lsprotocol": ("dsl/lsp/",),
}
"""Where each package from outside may be imported at all."""

LAZY = {
    *("rich", "jinja2", "black", "torch", "tensorflow", "keras", "pygls"),
    *("asyncio", "concurrent.futures", "difflib", "email", "http", "importlib.metadata"),
    *("inspect", "multiprocessing", "unittest", "urllib.request", "xml"),
}
"""What costs start-up time, and so may be imported only inside a function."""

FAMILY_ROOMS = ("backends/torch/layers", "backends/tensorflow/layers", "backends/reference")
"""The rooms whose files mirror those of `dsl/layers`."""

DOCUMENTED_BY_GRAMMAR = {"Builder"}
"""Classes with one method for each grammar rule: the rule of that name is the documentation."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One source file."""

    path: str
    tree: ast.Module
    lines: int

    @property
    def name(self) -> str:
        """Its dotted name."""
        return self.path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")

    @property
    def room(self) -> str:
        """The room it is in: the folder or file below the package."""
        return self.path.split("/")[1].removesuffix(".py")


@dataclass(frozen=True)
class Import:
    """One imported module, with where and whether at import time."""

    module: Module
    name: str
    line: int
    eager: bool

    def __str__(self) -> str:
        return f"{self.module.path}:{self.line} imports {self.name}"


@cache
def modules() -> tuple[Module, ...]:
    """Every source file of the packages that is there."""
    return tuple(
        parse(path) for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))
    )


def parse(path: Path) -> Module:
    """Reads one file."""
    text = path.read_text(encoding="utf-8")
    return Module(path.relative_to(ROOT).as_posix(), ast.parse(text), text.count("\n"))


def imports(module: Module) -> Iterator[Import]:
    """Every import of a module, wherever it stands."""
    pending: list[tuple[ast.AST, bool]] = [(module.tree, True)]
    while pending:
        node, eager = pending.pop()
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name, node.lineno, eager)
        elif isinstance(node, ast.ImportFrom):
            for name in targets(module, node):
                yield Import(module, name, node.lineno, eager)
        if isinstance(node, Function | ast.Lambda) or only_for_types(node):
            eager = False
        pending += [(child, eager) for child in ast.iter_child_nodes(node)]


def targets(module: Module, node: ast.ImportFrom) -> list[str]:
    """What ``from x import a, b`` reaches: modules where they are ours, else ``x``."""
    base = node.module or ""
    if node.level:
        folder = module.path.split("/")[: -node.level]
        base = ".".join([*folder, *([node.module] if node.module else [])])
    if base.split(".")[0] not in PACKAGES:
        return [base]
    names = {other.name for other in modules()} | PACKAGE_FOLDERS
    reached = [f"{base}.{alias.name}" for alias in node.names]
    return [name if name in names else base for name in reached]


PACKAGE_FOLDERS = {
    path.relative_to(ROOT).as_posix().replace("/", ".")
    for package in PACKAGES
    for path in (ROOT / package).rglob("*")
    if path.is_dir()
}


def only_for_types(node: ast.AST) -> bool:
    """Whether a node is ``if TYPE_CHECKING:``."""
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def all_imports() -> Iterator[Import]:
    """Every import of every module."""
    for module in modules():
        yield from imports(module)


def room_of(name: str) -> str:
    """The room of a dotted module name; the package's own file where there is none below."""
    return [*name.split("."), "__init__"][1]


def may_see(found: Import) -> bool:
    """Whether an import of one of our own modules follows the picture."""
    package, room = found.module.path.split("/")[0], found.module.room
    target_package, target = found.name.split(".")[0], room_of(found.name)
    if package == target_package == "dsl":
        return target in (room, "record") or target in SEES[room].split()
    if package == target_package == "backends":
        return target == room or target in BACKENDS[room].split()
    if package == "backends":
        return target_package == "grammar" or target not in ("cli", "lsp", "__main__")
    if target_package == "backends":
        return package == "grammar" or (room in ("cli", "__init__") and not found.eager)
    return target_package != "grammar" or room in ("syntax", "cli", "lsp") or package == "grammar"


def test_the_walk_sees_files() -> None:
    assert {module.path for module in modules()} >= {"dsl/source.py", "dsl/layers/base.py"}
    assert len(list(all_imports())) > 20


def test_every_room_is_in_the_picture() -> None:
    rooms = {module.room for module in modules() if module.path.startswith("dsl/")}
    assert rooms <= set(SEES), "add the room to SEES and to dsl/README.md"
    rooms = {module.room for module in modules() if module.path.startswith("backends/")}
    assert rooms <= set(BACKENDS), "add the room to BACKENDS and to dsl/README.md"


def test_imports_point_one_way() -> None:
    ours = [found for found in all_imports() if found.name.split(".")[0] in PACKAGES]
    assert [str(found) for found in ours if not may_see(found)] == []


def test_packages_from_outside_stay_in_their_rooms() -> None:
    known = set(sys.stdlib_module_names) | set(PACKAGES) | {"__future__"}
    foreign = [found for found in all_imports() if found.name.split(".")[0] not in known]
    strays = [
        str(found)
        for found in foreign
        if not found.module.path.startswith(THIRD_PARTY.get(found.name.split(".")[0], ("?",)))
    ]
    assert strays == []


def test_start_up_stays_light() -> None:
    exempt = ("backends/torch/runtime/", "backends/tensorflow/runtime/", "dsl/lsp/")
    heavy = [
        str(found)
        for found in all_imports()
        if found.eager
        and (found.name in LAZY or found.name.split(".")[0] in LAZY)
        and not found.module.path.startswith(exempt)
    ]
    assert heavy == []


@pytest.mark.parametrize("room", FAMILY_ROOMS)
def test_families_of_layers_have_the_same_files_everywhere(room: str) -> None:
    # extern layers are the spec's own: they have emitters, and no kind in the registry
    assert families(room) - {"extern"} == families("dsl/layers")


def test_every_file_with_layers_is_a_family() -> None:
    files = {
        Path(module.path).stem
        for module in modules()
        if module.path.startswith("dsl/layers/") and makes_layers(module)
    }
    assert files - {"base"} == families("dsl/layers")


def families(room: str) -> set[str]:
    """The files of a room that its `families.py` imports, and so registers."""
    path = f"{room}/families.py"
    return {
        found.name.split(".")[-1]
        for module in modules()
        if module.path == path
        for found in imports(module)
        if found.name.startswith(room.replace("/", ".") + ".")
    }


def makes_layers(module: Module) -> bool:
    """Whether a file of `dsl/layers` defines kinds that infer shapes, by themselves or a base."""
    found = [node for node in module.tree.body if isinstance(node, ast.ClassDef)]
    infers = any(isinstance(child, Function) and child.name == "infer" for child in nested(found))
    return infers and not all(is_abstract(node) for node in found)


def nested(found: list[ast.ClassDef]) -> Iterator[ast.stmt]:
    """What stands in some classes."""
    for node in found:
        yield from node.body


def is_abstract(node: ast.ClassDef) -> bool:
    """Whether a class is no kind of its own."""
    return any(keyword.arg == "abstract" for keyword in node.keywords)


def functions() -> Iterator[tuple[str, int]]:
    """Every function with the number of its lines, documentation not counted."""
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, Function):
                size = node.end_lineno - node.lineno + 1 - documentation(node)
                yield f"{module.path}:{node.lineno} {node.name}", size


def documentation(node: Function) -> int:
    """Lines that a function's docstring takes."""
    first = node.body[0]
    documented = ast.get_docstring(node, clean=False) is not None
    return first.end_lineno - first.lineno + 1 if documented else 0


def test_functions_are_small() -> None:
    sizes = dict(functions())
    assert {name: size for name, size in sizes.items() if size > 80} == {}
    assert statistics.median(sizes.values()) < 10
    assert statistics.quantiles(sizes.values(), n=10)[-1] <= 30


def test_files_are_small() -> None:
    assert {module.path: module.lines for module in modules() if module.lines > 500} == {}


def test_everything_public_is_documented() -> None:
    silent = [place for module in modules() for place in undocumented(module)]
    assert silent == []


def undocumented(module: Module) -> Iterator[str]:
    """What is public in a module and has no docstring, of its own or inherited."""
    if ast.get_docstring(module.tree) is None:
        yield f"{module.path}:1 the module"
    for node in module.tree.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            if ast.get_docstring(node) is None:
                yield f"{module.path}:{node.lineno} {node.name}"
            if isinstance(node, ast.ClassDef) and node.name not in DOCUMENTED_BY_GRAMMAR:
                yield from undocumented_methods(module, node)


def undocumented_methods(module: Module, node: ast.ClassDef) -> Iterator[str]:
    """Public methods of a class that neither it nor an ancestor documents."""
    inherited = documented_above(node)
    for method in node.body:
        if not isinstance(method, Function) or method.name.startswith("_") or is_variant(method):
            continue
        if ast.get_docstring(method) is None and method.name not in inherited:
            yield f"{module.path}:{method.lineno} {node.name}.{method.name}"


def is_variant(method: Function) -> bool:
    """Whether a method is a setter or an overload of one that is documented elsewhere."""
    names = [ast.unparse(decorator).split(".")[-1] for decorator in method.decorator_list]
    return any(name in ("setter", "overload") for name in names)


@cache
def classes() -> dict[str, list[ast.ClassDef]]:
    """Every class by its name, which several may bear."""
    found: dict[str, list[ast.ClassDef]] = {}
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(node)
    return found


def documented_above(node: ast.ClassDef) -> set[str]:
    """Names of the methods that the ancestors of a class document."""
    names: set[str] = set()
    pending, seen = bases(node), set()
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        for parent in classes().get(name, ()):
            methods = [child for child in parent.body if isinstance(child, Function)]
            names |= {method.name for method in methods if ast.get_docstring(method)}
            pending += bases(parent)
    return names


def bases(node: ast.ClassDef) -> list[str]:
    """The names of the classes that a class derives from."""
    return [ast.unparse(base).split("[")[0].split(".")[-1] for base in node.bases]
