"""One compilation: every stage of one text as a lazily computed, pure result.

The command line, the Python interface, tests and editors all hold a `Compilation`; none has a path
of its own through the compiler.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Protocol

import dsl.layers.families  # registers the layers
import dsl.training.initializers  # noqa: F401
from dsl.diagnostics.model import Diagnostic, Label, Reporter
from dsl.diagnostics.suggest import nearest
from dsl.ir import Model
from dsl.passes.arguments import Evaluator
from dsl.passes.evaluate import Reported
from dsl.passes.modules import Loader, Modules
from dsl.passes.scope import Module
from dsl.passes.work import LAYER, Work, hold_size, limited
from dsl.record import Record, field
from dsl.source import Source
from dsl.syntax import ast
from dsl.syntax.parser import parse, parse_value
from dsl.training.plan import Training


class Options(Record):
    """What the user asks of a compilation beyond the text.

    Attributes:
        model: Name of a model or variant, "" for the file's own choice.
        define: Values of parameters by name, as text (``-D width=128``).
        set: Values of settings by ``section.key``, as text (``--set train.epochs=3``).
        needs_model: Whether a file of blocks alone, which others import, is a mistake.
    """

    model: str = ""
    define: Mapping[str, str] = field(default_factory=dict)
    set: Mapping[str, str] = field(default_factory=dict)
    needs_model: bool = True


class Backend(Protocol):
    """What writes a model in a framework; `backends.get` gives one."""

    name: str

    def emit(
        self, model: Model, training: Training, spec: str, place: str, reporter: Reporter
    ) -> str | None:
        """The text of a file, or None after a report.

        Args:
            model: With traced sizes.
            training: The training sections.
            spec: Path of the spec.
            place: Path of the file to be, "" where there is none.
            reporter: Is told of what the framework lacks.
        """


class Emitted(Record):
    """The text that a backend wrote, None where it could not, with what it reports."""

    text: str | None
    diagnostics: tuple[Diagnostic, ...]


class Elaborated(Record):
    """The result of one elaboration."""

    module: Module
    model: Model | None
    diagnostics: tuple[Diagnostic, ...]


class Compilation:
    """Every stage of one text.

    Args:
        source: The text.
        options: Model, parameters and settings asked for.
        loader: Reads imports; None refuses them.
        path: Path of the text, which imports are relative to.
    """

    def __init__(
        self,
        source: Source,
        options: Options | None = None,
        loader: Loader | None = None,
        path: str = "",
    ) -> None:
        self.source = source
        self.options = options or Options()
        self.loader = loader
        self.path = path or source.name

    @cached_property
    def _parsed(self) -> tuple[ast.File, tuple[Diagnostic, ...]]:
        reporter = Reporter()
        return parse(self.source, reporter), tuple(reporter.diagnostics)

    @property
    def syntax(self) -> ast.File:
        """The syntax tree, partial where the text has mistakes."""
        return self._parsed[0]

    @property
    def unread(self) -> tuple[Diagnostic, ...]:
        """What the parser found, which the tree lacks."""
        return self._parsed[1]

    @cached_property
    def plain(self) -> Elaborated:
        """The model with plain sizes: for checks and costs."""
        return self._elaborate(trace=False)

    @cached_property
    def traced(self) -> Elaborated:
        """The model with traced sizes: for writing code."""
        return self._elaborate(trace=True)

    @property
    def model(self) -> Model | None:
        """The elaborated model; None where mistakes leave none."""
        return self.plain.model

    @cached_property
    def _trained(self) -> tuple[Training, tuple[Diagnostic, ...]]:
        from dsl.passes.sections import elaborate_sections

        reporter = Reporter()
        mistaken = any(finding.is_error for finding in self.plain.diagnostics)
        model = None if mistaken else self.model  # outputs or weights may be missing
        training = Training()
        with limited(reporter):
            training = elaborate_sections(
                self.plain.module, model, Evaluator(reporter), self.options.set, reporter
            )
        return training, tuple(reporter.diagnostics)

    @property
    def training(self) -> Training:
        """The training sections, without what mistakes leave unknown."""
        return self._trained[0]

    @cached_property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Every finding about the text, silenced ones left out, in order of the text."""
        from dsl.diagnostics.render import ordered_findings
        from dsl.lint.allow import suppressed

        parsed = self._parsed[1]
        found = [*self.plain.diagnostics, *self._trained[1], *self._judged]
        found = [*parsed, *(one for one in found if not _follows_from(one, parsed))]
        return tuple(ordered_findings(suppressed(_distinct(found), self.syntax)))

    @cached_property
    def _judged(self) -> tuple[Diagnostic, ...]:
        """Findings about the model as a whole: the budget, and what experience warns of."""
        from dsl.lint.engine import lint

        reporter = Reporter()
        if self.model is not None and self.training.budget:
            self._check_budget(self.model, reporter)
        earlier = (*self._parsed[1], *self.plain.diagnostics, *self._trained[1])
        doubtful = any(finding.is_error for finding in earlier)
        lint(self.plain.module, self.model, self.training, reporter, doubtful)
        return tuple(reporter.diagnostics)

    def _check_budget(self, model: Model, reporter: Reporter) -> None:
        from dsl.cost.budget import Figures
        from dsl.passes.budget import check_budget

        check_budget(self.training.budget, Figures(model, self.training).of, reporter)

    def emit(self, backend: Backend, place: str = "") -> Emitted:
        """The text of a file that a backend writes.

        Args:
            backend: What writes it.
            place: Path of the file to be, "" where there is none; names in it follow.
        """
        reporter = Reporter()
        if self.traced.model is None or any(finding.is_error for finding in self.diagnostics):
            return Emitted(None, self.diagnostics)
        text = backend.emit(self.traced.model, self.training, self.path, place, reporter)
        return Emitted(text, tuple(reporter.diagnostics))

    def _elaborate(self, trace: bool) -> Elaborated:
        reporter, work = Reporter(), Work()
        module, model = Module(self.syntax), None
        with _deep(), limited(reporter):
            defines = self._expressions(self.options.define, reporter)
            modules = Modules(reporter, self.loader, parse, trace, defines, work)
            module = modules.gather(self.syntax, self._identity)
            found = _Chooser(self, module, modules, defines, reporter, trace, work).model()
            model = hold_size(found)
        return Elaborated(module, model, tuple(reporter.diagnostics))

    @property
    def _identity(self) -> str:
        import os

        return os.path.realpath(self.path)

    def _expressions(self, texts: Mapping[str, str], reporter: Reporter) -> dict[str, ast.Expr]:
        parsed = {}
        for name, text in texts.items():
            value = parse_value(Source(f"-D {name}", text), reporter)
            if value is not None:
                parsed[name] = value
        return parsed


class _Chooser:
    """Finds the model that is asked for, or meant, and elaborates it."""

    def __init__(
        self, compilation: Compilation, module: Module, modules: Modules,
        defines: dict[str, ast.Expr], reporter: Reporter, trace: bool, work: Work,
    ) -> None:  # fmt: skip
        from dsl.passes.elaborate import Elaborator

        self.compilation, self.module, self.modules = compilation, module, modules
        self.defines, self.reporter = dict(defines), reporter
        self.elaborator = Elaborator(reporter, work, trace)
        self.applied: set[int] = set()

    def model(self) -> Model | None:
        """The elaborated model, or None after a report."""
        if self._is_torn():
            return None
        self._check_variants()
        options = self.compilation.options
        targets = [options.model] if options.needs_model or options.model else self._targets()
        models = [self._one(target) for target in targets or [""]]
        if not (options.needs_model or options.model or self.defines or self.reporter.failed):
            self._try_variants(targets)
        self._look_over_blocks()
        return models[0] if len(models) == 1 else None

    def _look_over_blocks(self) -> None:
        """Checks the file's own blocks that no model applied, as far as that goes without one.

        After a mistake, what is not applied may be so because of it.
        """
        if self.reporter.failed:
            return
        for item in self.module.file.statements:
            if isinstance(item, ast.BlockDecl) and id(item) not in self.applied:
                self.elaborator.look_over(item, self.module)

    def _one(self, name: str) -> Model | None:
        """The model or variant of that name, or by default, elaborated."""
        self.elaborator = type(self.elaborator)(
            self.reporter, self.elaborator.evaluator.work, self.elaborator.trace
        )
        try:
            found = self._find(name)
            return None if found is None else self._elaborate(*found)
        except Reported:
            return None
        finally:
            self.applied.update(key[0] for key in self.elaborator.instances)

    def _targets(self) -> list[str]:
        """What a check of the whole file covers: its models, by variants where they need values."""
        statements = self.module.file.statements
        own = [item for item in statements if isinstance(item, ast.ModelDecl)]
        used = {kind for decl in own for kind in kinds_in(decl.body)}
        variants = [item for item in statements if isinstance(item, ast.VariantDecl)]
        targets: list[str] = []
        for decl in [decl for decl in own if decl.name not in used] or own:
            lacks = any(p.default is None and p.name not in self.defines for p in decl.params)
            named = [item.name for item in variants if item.base.kind == decl.name]
            targets.extend(named if lacks and named else [decl.name])
        return targets

    def _is_torn(self) -> bool:
        """Whether the file has no model, and that may be due to a mistake already reported."""
        if self._candidates() or self.compilation.options.model:
            return False
        unread = any(finding.is_error for finding in self.compilation._parsed[1])
        return unread or bool(self.module.broken) or self.module.has_broken_import

    def _check_variants(self) -> None:
        """Holds the file's variants, asked for or not, against the models that they vary."""
        for item in self.module.file.statements:
            if isinstance(item, ast.VariantDecl) and item.name != self.compilation.options.model:
                try:
                    decl, home = self._base_of(item, self.module)
                    arguments = self.elaborator.signature_of(decl, home)
                    self.elaborator.evaluator.bind_call(arguments, item.base, self.module.scope)
                except Reported:
                    continue

    def _try_variants(self, done: list[str]) -> None:
        """Elaborates the other variants; what only one of them brings up points at it as well."""
        found = self.reporter.diagnostics
        for item in self.module.file.statements:
            if isinstance(item, ast.VariantDecl) and item.name not in done:
                before = len(found)
                self._one(item.name)
                values = Label(item.base.span, f"with the values of `{item.name}`")
                found[before:] = [_with_label(one, values) for one in found[before:]]

    def _candidates(self) -> list[str]:
        own = [item for item in self.module.file.statements if isinstance(item, ast.ModelDecl)]
        return [decl.name for decl in own]

    def _find(
        self, name: str
    ) -> tuple[str, ast.ModelDecl, Module, ast.KindCall | None, Module] | None:
        name = name or self._default()
        if not name:
            return None
        if name in self.module.variants:
            variant, home = self.module.variants[name]
            return name, *self._base_of(variant, home), variant.base, home
        entry = self.module.blocks.get(name)
        if entry is None or not isinstance(entry[0], ast.ModelDecl):
            if name not in self.module.broken:
                self._unknown_model(name)
            return None
        return name, entry[0], entry[1], None, entry[1]

    def _base_of(self, variant: ast.VariantDecl, home: Module) -> tuple[ast.ModelDecl, Module]:
        """The model that a variant varies, and the module it belongs to.

        Raises:
            Reported: There is none.
        """
        entry = home.blocks.get(variant.base.kind)
        if entry is not None and isinstance(entry[0], ast.ModelDecl):
            return entry[0], entry[1]
        if variant.base.kind in home.broken or home.has_broken_import:
            raise Reported
        raise self._unknown_base(variant, home)

    def _unknown_base(self, variant: ast.VariantDecl, home: Module) -> Reported:
        models = [key for key, (decl, _) in home.blocks.items() if isinstance(decl, ast.ModelDecl)]
        near = nearest(variant.base.kind, models)
        return self.elaborator.evaluator.fail(
            "MSL137", f"there is no model `{variant.base.kind}`", variant.base.name_span,
            helps=(f"did you mean `{near[0]}`?",) if near else (),
        )  # fmt: skip

    def _unknown_model(self, name: str) -> None:
        known = [*self._candidates(), *self.module.variants]
        near = nearest(name, known)
        helps = (f"did you mean `{near[0]}`?",) if near else (f"there are {', '.join(known)}",)
        self.reporter.report(
            "MSL138", f"the file has no model or variant `{name}`", None, helps=helps
        )

    def _default(self) -> str:
        """The model that no other model uses."""
        every = [item for item in self.module.file.statements if isinstance(item, ast.ModelDecl)]
        own = list({decl.name: decl for decl in reversed(every)}.values())[::-1]
        used = {kind for decl in own for kind in kinds_in(decl.body)}
        free = [decl for decl in own if decl.name not in used]
        if len(free or own) == 1:
            return (free or own)[0].name
        if not own and self.module.blocks and not self.compilation.options.needs_model:
            return ""  # a file of blocks, for others to import
        if not own:
            start = self.module.file.span
            empty = (
                "the file is empty" if not self.module.file.statements else "the file has no model"
            )
            self.reporter.report(
                "MSL139", empty, start if self.module.file.statements else None,
                helps=("a model is `model Name { input x: float32[8]; output y = Linear(2) }`",),
            )  # fmt: skip
            return ""
        names = [decl.name for decl in free or own]
        self.reporter.report(
            "MSL140", f"the file has several models: {', '.join(names)}", (free or own)[1].name_span
            if len(free or own) > 1 else own[0].name_span,
            helps=(f"say which with `--model {names[0]}`",),
        )  # fmt: skip
        return ""

    def _elaborate(
        self,
        name: str,
        decl: ast.ModelDecl,
        module: Module,
        base: ast.KindCall | None,
        home: Module,
    ) -> Model | None:
        evaluator = self.elaborator.evaluator
        evaluator.work.spend(LAYER, decl.name_span)
        arguments = self.elaborator.signature_of(decl, module)
        self._check_defines(decl)
        args: dict[str, Any] = {}
        if base is not None:
            args = evaluator.bind_call(arguments, base, home.scope)
        given = [
            ast.Argument(key, value, span=value.span)
            for key, value in self.defines.items()
            if key in arguments
        ]
        if given:
            required = {key: a for key, a in arguments.items() if key in self.defines}
            call = ast.KindCall(decl.name, tuple(given), span=decl.span, name_span=decl.name_span)
            args |= evaluator.bind_call(required, call, module.scope)
        missing = [key for key, a in arguments.items() if a.required and args.get(key) is None]
        if missing:
            raise evaluator.fail(
                "MSL136", f"`{missing[0]}` has no value", decl.name_span,
                helps=(f"give it a default, or a value with -D {missing[0]}=...",),
            )  # fmt: skip
        model = self.elaborator.model(decl, module, args, name)
        if model is not None:
            model.constants.update(self.modules.constants)
            model.declared.update(self.modules.declared)
        return model

    def _check_defines(self, decl: ast.ModelDecl) -> None:
        if not self.defines:
            return
        own = {param.name for param in decl.params}
        params = [s for s in self.module.file.statements if isinstance(s, ast.ParamDecl)]
        known = [*own, *(statement.param.name for statement in params)]
        for name, value in self.defines.items():
            if name not in known:
                near = nearest(name, known)
                takes = f"there are {', '.join(known)}" if known else "there are none"
                self.reporter.report(
                    "MSL141", f"there is no parameter `{name}`", value.span,
                    helps=(f"did you mean `{near[0]}`?" if near else takes,),
                )  # fmt: skip


def _with_label(finding: Diagnostic, label: Label) -> Diagnostic:
    """A finding with one more place."""
    labels = (*finding.labels, label)
    return Diagnostic(
        finding.rule, finding.message, labels, finding.notes, finding.helps, finding.fix
    )


def _follows_from(finding: Diagnostic, parsed: tuple[Diagnostic, ...]) -> bool:
    """Whether a finding lies in a declaration that a missing brace has torn."""
    places = [label.span for label in finding.labels]
    for tear in parsed:
        opened = next((label.span for label in tear.labels if label.text == "opened here"), None)
        torn = tear.primary
        if torn is None or opened is None or opened.text != "{":
            continue
        source = opened.source
        begin = max(source.text.rfind(f"\n{word} ", 0, opened.start) for word in _BODIES)
        if any(p.source is source and begin <= p.start < torn.span.end for p in places):
            return True
    return False


_BODIES = ("model", "block", "extern")


def _distinct(found: list[Diagnostic]) -> list[Diagnostic]:
    """Findings less those that say again what was said of the same place.

    A block is elaborated for each of its uses, and a mistake in it is found each time.
    """
    seen: set[Any] = set()
    kept = []
    for finding in found:
        place = finding.primary
        key = (finding.rule.code, place.span.source.name, place.span.start) if place else finding
        if key not in seen:
            seen.add(key)
            kept.append(finding)
    return kept


def kinds_in(node: ast.Node) -> Iterator[str]:
    """Every kind that a piece of the syntax tree names."""
    return (item.kind for item in ast.tree(node) if isinstance(item, ast.KindCall))


@contextmanager
def _deep() -> Iterator[None]:
    """Room for blocks that apply one another to the limit; sequences never recurse."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 12_000))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
