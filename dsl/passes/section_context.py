"""What the passes over training sections share: the model's interface, kinds and settings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dsl.diagnostics.model import Edit, Fix, Reporter
from dsl.diagnostics.suggest import nearest
from dsl.ir import Key, Model, weight_keys
from dsl.kinds.kind import REGISTRY, Arg, Kind, find
from dsl.kinds.values import BadValue, KindOf, Quantity, describe
from dsl.passes.arguments import Evaluator, argument_span
from dsl.passes.evaluate import Reported
from dsl.passes.overrides import kind_call_in
from dsl.passes.scope import Module, Scope
from dsl.record import Record, field
from dsl.shapes.trace import plain
from dsl.shapes.types import DTYPES, TensorType
from dsl.source import Span
from dsl.syntax import ast

MISPLACED = "MSL402"


class Context(Record, frozen=False, eq=False):
    """One elaboration of the training sections.

    Attributes:
        module: The main file.
        model: None where mistakes leave it unknown: rules that need it keep silent.
        evaluator: Evaluates expressions of the file.
        reporter: Is told of every mistake.
        sections: By word, overrides applied.
        overridden: Paths set from outside, such as ``train.epochs``.
        given_keys: The model's weights, or None to walk the model when they are needed.
        resolved: Every setting by its path, with its value and where it came from.
        doubtful: Words of sections that hold a mistake, so that what they lack means nothing.
    """

    module: Module
    model: Model | None
    evaluator: Evaluator
    reporter: Reporter
    sections: dict[str, ast.Section]
    overridden: set[str]
    given_keys: Iterable[Key] | None = None
    resolved: dict[str, tuple[Any, str]] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)

    @property
    def scope(self) -> Scope:
        """The file's lets and params."""
        return self.module.scope

    @property
    def keys(self) -> list[Key]:
        """The model's weights in order."""
        if self.given_keys is None:
            nodes = self.model.body.nodes if self.model is not None else ()
            self.given_keys = list(weight_keys(nodes))
        elif not isinstance(self.given_keys, list):
            self.given_keys = list(self.given_keys)
        return self.given_keys

    @property
    def outputs(self) -> dict[str, TensorType] | None:
        """The model's outputs with their types, if they are known."""
        if self.model is None:
            return None
        return {output.name: output.value.type for output in self.model.body.outputs}

    @property
    def inputs(self) -> dict[str, TensorType] | None:
        """The model's inputs with their types, if they are known."""
        if self.model is None:
            return None
        body = self.model.body
        return {name: value.type for name, value in zip(body.names, body.inputs)}

    def fail(self, code: str, message: str, span: Span, label: str = "", **more: Any) -> Reported:
        """Reports a mistake; raise what it returns."""
        self.reporter.report(code, message, span, label, **more)
        return Reported()

    # --- the form of sections -----------------------------------------------------------

    def entries(self, section: ast.Section, example: str) -> list[ast.Statement]:
        """The entries of a section that is written in braces.

        Broken ones are left out, and the section then counts as doubtful.
        """
        if section.head is not None:
            span = section.head.span
            fix = None
            if section.entries is None:
                edits = (Edit(Span(span.source, span.start, span.start), "{ "),)
                edits += (Edit(Span(span.source, span.end, span.end), " }"),)
                fix = Fix("put braces around it", edits)
            raise self.fail(
                MISPLACED, f"`{section.word}` takes its settings in braces", span,
                helps=(f"write `{example}`",), fix=fix,
            )  # fmt: skip
        kept = [entry for entry in section.entries or () if is_entry(entry)]
        if len(kept) != len(section.entries or ()):
            self.doubtful.add(section.word)
        return kept

    def head(self, section: ast.Section, example: str, mapped: bool = False) -> ast.Expr:
        """The head of a section that names one kind; `mapped` where entries may follow it."""
        if section.head is None:
            raise self.fail(
                MISPLACED, f"`{section.word}` names a kind", section.word_span,
                helps=(f"write `{example}`",),
            )  # fmt: skip
        if section.entries is not None and not mapped:
            raise self.fail(
                MISPLACED, f"`{section.word}` takes no entries in braces", section.span,
                helps=("arguments stand in the parentheses of the kind",),
            )  # fmt: skip
        return section.head

    def wrong_entry(self, entry: ast.Statement, wanted: str, sign: str = "") -> Reported:
        """Reports an entry of another form; with `sign` the right sign replaces the one written."""
        fix = None
        between = _between(entry)
        if sign and between is not None:
            fix = Fix(f"write `{sign.strip()}`", (Edit(between, sign),))
        return self.fail(
            MISPLACED, f"this section takes entries of the form `{wanted}`", entry.span, fix=fix
        )

    # --- kinds and values ---------------------------------------------------------------

    def kind(self, expr: ast.Expr, category: str) -> Kind:
        """The kind that an expression is.

        Raises:
            Reported: It is none of that category.
        """
        if isinstance(expr, ast.OnPattern):
            raise self.fail("MSL211", f"`on` has no meaning after {_a(category)}", expr.target.span)
        word = self._lower_case_word(expr)
        if word:
            raise self._lower_case(word, expr.span, category)
        value = self.evaluator.argument(expr, KindOf(category), self.scope)
        if not isinstance(value, Kind):
            near = _kind_like(value, category) if isinstance(value, str) else ""
            raise self.fail(
                MISPLACED, f"this must be {_a(category)}, not {describe(value)}", expr.span,
                helps=(f"write `{near}`",) if near else (),
            )  # fmt: skip
        return value

    def _lower_case_word(self, expr: ast.Expr) -> str:
        """The word of ``adam`` or ``adam(0.1)``, where that is meant for a kind."""
        if isinstance(expr, ast.Name) and self.scope.lookup(expr.id) is None:
            return expr.id
        return expr.function if isinstance(expr, ast.Call) else ""

    def _lower_case(self, word: str, span: Span, category: str) -> Reported:
        name = _kind_like(word, category)
        place = Span(span.source, span.start, span.start + len(word))
        fix = Fix(f"write `{name}`", (Edit(place, name),)) if name else None
        known = ", ".join(REGISTRY.get(category, {}))
        return self.fail(
            MISPLACED, f"`{word}` is not {_a(category)}: kinds begin with a capital", place,
            helps=(f"did you mean `{name}`?" if name else f"there are {known}",), fix=fix,
        )  # fmt: skip

    def setting(self, name: str, argument: Arg, expr: ast.Expr) -> Any:
        """The plain value of a setting."""
        if isinstance(expr, ast.Name) and self.scope.lookup(expr.id) is None:
            self._hold_word(name, argument, expr)
        value = self.evaluator.argument(expr, argument.type, self.scope)
        try:
            return plain(argument.type.coerce(value))
        except BadValue as problem:
            message, help = problem.message, problem.help
            if isinstance(value, Quantity):
                message = f"takes {argument.type}, not `{expr.span.text}`"
                help = f"write {value.value}" if value.unit == "epochs" else ""
            raise self.fail(
                "MSL205", f"`{name}` {message}", expr.span, helps=(help,) if help else ()
            ) from None

    def _hold_word(self, name: str, argument: Arg, expr: ast.Name) -> None:
        """Refuses a bare word where one of a few strings is wanted."""
        texts = getattr(argument.type, "texts", getattr(argument.type, "choices", ()))
        if not texts or expr.id in DTYPES:
            return
        near = expr.id if expr.id in texts else next(iter(nearest(expr.id, texts)), "")
        exact = Fix("put quotes around it", (Edit(expr.span, f'"{near}"'),))
        raise self.fail(
            "MSL205", f"`{name}` takes {argument.type}, and `{expr.id}` is a name", expr.span,
            helps=(f'write `"{near}"`',) if near else (), fix=exact if expr.id in texts else None,
        )  # fmt: skip

    # --- what was resolved --------------------------------------------------------------

    def record(self, path: str, value: Any, given: bool, *aliases: str) -> None:
        """Notes a setting with its source."""
        paths = (path, *aliases)
        source = "spec" if given else "default"
        self.resolved[path] = (
            value,
            "--set" if any(name in self.overridden for name in paths) else source,
        )

    def record_kind(self, path: str, kind: Kind, given: bool = True, alias: str = "") -> None:
        """Notes a kind and each of its arguments."""
        self.record(path, kind.name, given, alias or path)
        for name, value in kind.values.items():
            shown = value.name if isinstance(value, Kind) else plain(value)
            stated = given and name in kind.given
            whole = (path.partition(".")[0],) if stated else ()
            self.record(f"{path}.{name}", shown, stated, f"{alias or path}.{name}", *whole)

    def argument_span(self, expr: ast.Expr | None, kind: Kind, name: str, fallback: Span) -> Span:
        """Where an argument of a kind is written, else the word of the kind."""
        call = kind_call_in(expr) if expr is not None else None
        if call is None or find(kind.category, call.kind) is None:
            return fallback
        return argument_span(kind.arguments, call, name)


_ENDINGS = {".csv": "CSV", ".npz": "NPZ", ".txt": "Text", ".py": "Python"}


def _kind_like(word: str, category: str) -> str:
    """The kind of a category that a word in lower case, or a string, is meant for."""
    known = REGISTRY.get(category, {})
    ending = word[word.rfind(".") :]
    if category == "data" and ending in _ENDINGS:
        return f'{_ENDINGS[ending]}("{word}")'
    folded = {name.lower(): name for name in known}
    return folded.get(word.lower()) or next(iter(nearest(word, known)), "")


def is_entry(statement: ast.Statement) -> bool:
    """Whether an entry of a section could be read."""
    return isinstance(statement, (ast.Setting, ast.Limit, ast.Item))


def _between(entry: ast.Statement) -> Span | None:
    """The place of the sign in ``name = value``, ``name: value`` or ``name <= value``."""
    name = entry.target_span if isinstance(entry, ast.Item) else getattr(entry, "name_span", None)
    value = getattr(entry, "value", None)
    if name is None or value is None or name.source is not value.span.source:
        return None
    return Span(name.source, name.end, value.span.start)


def _a(category: str) -> str:
    word = "data source" if category == "data" else category
    return f"{'an' if word[0] in 'aeio' else 'a'} {word}"
