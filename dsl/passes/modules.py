"""Files and what they declare: imports are followed, names are gathered.

Imports are relative to the importing file and stay under the project root: the nearest folder
above the main file that holds ``pyproject.toml``, ``.git`` or ``msl.toml``, or the main file's own.
"""

from __future__ import annotations

import os
from typing import Any, Protocol

from dsl.diagnostics.model import Reporter
from dsl.kinds.kind import find
from dsl.passes.arguments import Evaluator
from dsl.passes.evaluate import Reported
from dsl.passes.parameters import default_value, value_type
from dsl.passes.scope import Binding, Module
from dsl.passes.work import Work
from dsl.shapes.trace import Expr, plain, traced
from dsl.source import Source, Span, project_root, read_source
from dsl.syntax import ast

DEPTH_LIMIT = 16
FILE_LIMIT = 256


class Loader(Protocol):
    """Reads imported files."""

    def resolve(self, path: str, importer: str) -> str:
        """The identity of an import; raises OSError where it may not be read."""

    def read(self, identity: str) -> Source:
        """Its text; raises OSError or UnicodeError."""


class FileLoader:
    """Reads files under a project root and no others."""

    def __init__(self, main: str) -> None:
        self.root = project_root(os.path.dirname(os.path.abspath(main)))

    def resolve(self, path: str, importer: str) -> str:
        """The real path of an import.

        Raises:
            PermissionError: It lies outside of the project.
            FileNotFoundError: There is no such file.
        """
        if os.path.isabs(path) or "://" in path:
            raise PermissionError("imports are relative to the file that imports")
        base = os.path.dirname(os.path.abspath(importer))
        real = os.path.realpath(os.path.join(base, path))
        if os.path.commonpath([real, os.path.realpath(self.root)]) != os.path.realpath(self.root):
            raise PermissionError(f"imports stay inside the project, {os.path.basename(self.root)}")
        if not os.path.isfile(real):
            raise FileNotFoundError("there is no such file")
        return real

    def read(self, identity: str) -> Source:
        """The text of a file."""
        return read_source(identity, os.path.relpath(identity))


class Modules:
    """Gathers the declarations of a file and of what it imports.

    Args:
        loader: Reads imports; None refuses them (a text from standard input).
        parse: The parser.
        trace: Whether file-level constants are traced, for writing code.
        overrides: Values for the main file's ``param``s by name (``-D``), as expressions.
        work: Is told of what is done.
    """

    def __init__(
        self, reporter: Reporter, loader: Loader | None, parse: Any, trace: bool,
        overrides: dict[str, ast.Expr], work: Work,
    ) -> None:  # fmt: skip
        self.reporter = reporter
        self.loader = loader
        self.parse = parse
        self.trace = trace
        self.overrides = overrides
        self.evaluator = Evaluator(reporter, work)
        self.loaded: dict[str, Module] = {}
        self.constants: dict[str, Any] = {}
        self.declared: dict[str, ast.Let | ast.ParamDecl] = {}

    def gather(self, file: ast.File, identity: str, chain: tuple[str, ...] = ()) -> Module:
        """The module of a file."""
        label = "" if not chain else str(len(self.loaded) + 1)
        module = Module(file, label)
        self.loaded[identity] = module
        declared: dict[str, Span] = {}
        for statement in file.statements:
            if isinstance(statement, ast.Import):
                self._import(statement, module, identity, (*chain, identity), declared)
        for statement in file.statements:
            self._declare(statement, module, declared, not chain)
        self._check_version(file)
        return module

    def _check_version(self, file: ast.File) -> None:
        for item in file.statements:
            if isinstance(item, ast.Version) and item.number != 1:
                self.reporter.report(
                    "MSL131", f"this is MSL 1, and the file asks for {item.number}", item.span,
                    helps=("write `msl 1`, or use a newer msl",),
                )  # fmt: skip

    def _import(
        self, statement: ast.Import, module: Module, importer: str, chain: tuple[str, ...],
        declared: dict[str, Span],
    ) -> None:  # fmt: skip
        imported = self._load(statement, importer, chain)
        if imported is None:
            module.has_broken_import = True
            return
        for name, entry in imported.blocks.items():
            if module.blocks.get(name) != entry:  # the same one may come by two ways
                self._take_name(name, statement.span, declared)
                module.blocks[name] = entry
        for name, variant in imported.variants.items():
            if module.variants.get(name) != variant:
                self._take_name(name, statement.span, declared)
                module.variants[name] = variant
        module.imported.append(imported)

    def _load(self, statement: ast.Import, importer: str, chain: tuple[str, ...]) -> Module | None:
        problem = ""
        if self.loader is None:
            problem = "a text without a place of its own has nothing to import from"
        elif len(chain) > DEPTH_LIMIT:
            problem = f"imports go more than {DEPTH_LIMIT} deep"
        elif len(self.loaded) >= FILE_LIMIT:
            problem = f"more than {FILE_LIMIT} files are imported"
        else:
            try:
                return self._read(statement, importer, chain)
            except UnicodeDecodeError:
                problem = "it is not UTF-8"
            except OSError as error:
                problem = error.strerror or str(error)
        self.reporter.report(
            "MSL133", f"`{statement.path}` cannot be imported", statement.path_span, problem
        )
        return None

    def _read(self, statement: ast.Import, importer: str, chain: tuple[str, ...]) -> Module | None:
        assert self.loader is not None
        identity = self.loader.resolve(statement.path, importer)
        if identity in chain:
            names = [os.path.basename(name) for name in (*chain[chain.index(identity) :], identity)]
            self.reporter.report(
                "MSL134", "files import one another in a circle", statement.path_span,
                notes=(" imports ".join(names),),
            )  # fmt: skip
            return None
        if identity in self.loaded:
            return self.loaded[identity]
        file = self.parse(self.loader.read(identity), self.reporter)
        return self.gather(file, identity, chain)

    def _take_name(self, name: str, span: Span, declared: dict[str, Span]) -> bool:
        if name in declared:
            self.reporter.report(
                "MSL109", f"`{name}` is declared twice", span,
                others=((declared[name], "declared here"),),
            )  # fmt: skip
            return False
        declared[name] = span
        return True

    def _declare(
        self, statement: ast.Statement, module: Module, declared: dict[str, Span], is_main: bool
    ) -> None:
        try:
            if isinstance(statement, ast.Let):
                if self._take_name(statement.name, statement.name_span, declared):
                    value = self.evaluator.evaluate(statement.value, module.scope)
                    self._constant(statement.name, value, statement, module)
            elif isinstance(statement, ast.ParamDecl):
                param = statement.param
                if self._take_name(param.name, param.name_span, declared):
                    value = self._param(param, module, is_main)
                    self._constant(param.name, value, statement, module)
            elif isinstance(statement, (ast.BlockDecl, ast.ModelDecl)):
                self._declare_block(statement, module, declared)
            elif isinstance(statement, ast.ExternDecl):
                if self._take_name(statement.name, statement.name_span, declared):
                    module.externs[statement.name] = statement
            elif isinstance(statement, ast.Broken):
                self._declare_broken(statement, module)
            elif isinstance(statement, ast.VariantDecl):
                if self._take_name(statement.name, statement.name_span, declared):
                    module.variants[statement.name] = (statement, module)
        except Reported:
            name = statement.param.name if isinstance(statement, ast.ParamDecl) else statement.name
            module.scope.names[name] = Binding(None, statement.span, used=True, hideable=True)

    def _declare_broken(self, statement: ast.Broken, module: Module) -> None:
        module.broken.update(statement.names)
        for name in statement.names:
            binding = Binding(None, statement.span, used=True, hideable=True)
            module.scope.names.setdefault(name, binding)

    def _declare_block(
        self, decl: ast.BlockDecl | ast.ModelDecl, module: Module, declared: dict[str, Span]
    ) -> None:
        if not self._take_name(decl.name, decl.name_span, declared):
            module.broken.add(decl.name)
            return
        if find("layer", decl.name) is not None:
            self.reporter.report(
                "MSL135", f"`{decl.name}` is also a built-in layer, which this one hides here",
                decl.name_span, helps=("choose another name to be clear",),
            )  # fmt: skip
        names: dict[str, Span] = {}
        taken = [self._take_name(param.name, param.name_span, names) for param in decl.params]
        if not all(taken):
            module.broken.add(decl.name)
            return
        module.blocks[decl.name] = (decl, module)

    def _param(self, param: ast.Param, module: Module, is_main: bool) -> Any:
        wanted = value_type(param, self.evaluator, module.scope)
        override = self.overrides.get(param.name) if is_main else None
        if override is not None:
            param = ast.Param(
                param.name, param.type, override, param.bounds,
                span=param.span, name_span=param.name_span, type_span=param.type_span,
            )  # fmt: skip
        if param.default is None:
            raise self.evaluator.fail(
                "MSL136", f"`{param.name}` has no value", param.span,
                helps=(f"give it a default, or a value with -D {param.name}=...",),
            )  # fmt: skip
        return default_value(param, wanted, self.evaluator, module.scope)

    def _constant(
        self, name: str, value: Any, statement: ast.Let | ast.ParamDecl, module: Module
    ) -> None:
        span = (statement if isinstance(statement, ast.Let) else statement.param).name_span
        value = plain(value)
        if self.trace:
            key = f"@{module.label}{name}"
            self.constants[key] = value
            self.declared[key] = statement
            value = traced(value, Expr("name", key))
        module.scope.names[name] = Binding(value, span, hideable=True)
