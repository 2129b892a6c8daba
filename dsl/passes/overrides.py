"""``--set section.key=value``: the same spec with other settings.

An override rewrites the section's syntax tree, so that a setting given on the command line goes
through the same checks as one in the file; what is wrong with it is reported in its own text.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from dsl.diagnostics.model import Reporter
from dsl.diagnostics.suggest import nearest
from dsl.kinds.kind import Kind, find
from dsl.kinds.values import OneOf, String, ValueType
from dsl.source import Source, Span
from dsl.syntax import ast
from dsl.training.device import SETTINGS

HEADS = {"optimizer": "optimizer", "schedule": "schedule", "data": "data", "loss": "loss"}
"""Sections whose head is a kind, and its category."""

WORDS = (
    "loss", "optimizer", "schedule", "regularization", "data", "train", "device", "budget",
    "search",
)  # fmt: skip

Sections = dict[str, ast.Section]


class Overrides:
    """Applies overrides to the sections of a file.

    Args:
        sections: By word; changed in place.
        outputs: Names of the model's outputs, or None where they are not known.
        reporter: Is told of overrides that reach nothing.
    """

    def __init__(
        self, sections: Sections, outputs: Collection[str] | None, reporter: Reporter
    ) -> None:
        self.sections = sections
        self.outputs = outputs
        self.reporter = reporter
        self.applied: set[str] = set()

    def apply(self, overrides: Mapping[str, str | ast.Expr]) -> set[str]:
        """Applies them all; returns the paths of those that reached something."""
        for path, value in overrides.items():
            word, _, rest = path.partition(".")
            self._drop_rival(word, rest)
            if self._apply_one(path, word, rest, value):
                self.applied.add(path)
        return self.applied

    def _apply_one(self, path: str, word: str, rest: str, value: str | ast.Expr) -> bool:
        if word not in WORDS:
            return self._refuse(path, value, f"there is no section `{word}`", nearest(word, WORDS))
        if not rest:
            return self._replace_head(path, word, value)
        if word in SETTINGS:
            return self._set(word, rest, self._read(path, value, _type_of(SETTINGS[word], rest)))
        if word in HEADS:
            return self._head_argument(path, word, rest, value)
        if word == "regularization":
            return self._entry_argument(path, rest, value)
        if word == "budget":
            return self._limit(path, rest, value)
        return self._refuse(path, value, f"`{word}` cannot be set from outside", [])

    def _refuse(self, path: str, value: str | ast.Expr, message: str, near: Any) -> bool:
        text = value if isinstance(value, str) else value.span.text
        span = Span(Source("--set", f"{path}={text}"), 0, len(path))
        helps = (f"did you mean `{near[0]}`?",) if near else ()
        self.reporter.report("MSL460", message, span, helps=helps)
        return False

    def _read(self, path: str, value: str | ast.Expr, wanted: ValueType | None) -> ast.Expr | None:
        """The value as an expression; where text is wanted it needs no quotes."""
        if not isinstance(value, str):
            return value
        source = Source(f"--set {path}", value)
        bare = value.strip()
        if wanted is not None and _takes_text(wanted) and bare[:1] not in ('"', "[", ""):
            if bare not in ("auto", "true", "false"):
                return ast.String(bare, span=Span(source, 0, len(value)))
        from dsl.syntax.parser import parse_value

        return parse_value(source, self.reporter)

    def _replace_head(self, path: str, word: str, value: str | ast.Expr) -> bool:
        if word not in HEADS:
            return self._refuse(path, value, f"`{word}` is set one setting at a time", [])
        head = self._read(path, value, None)
        if head is None:
            return False
        span = head.span
        self.sections[word] = ast.Section(word, head, None, span=span, word_span=span)
        return True

    def _drop_rival(self, word: str, name: str) -> None:
        """``train.steps`` takes the place of the file's ``epochs``, and the other way round."""
        rival = {"steps": "epochs", "epochs": "steps"}.get(name)
        section = self.sections.get("train")
        if word != "train" or rival is None or section is None or f"train.{rival}" in self.applied:
            return
        entries = tuple(
            entry
            for entry in section.entries or ()
            if not (isinstance(entry, ast.Setting) and entry.name == rival)
        )
        self.sections["train"] = section.replace(entries=entries)

    def _set(self, word: str, name: str, value: ast.Expr | None) -> bool:
        if value is None:
            return False
        span = value.span
        section = self.sections.get(word) or ast.Section(word, None, (), span=span, word_span=span)
        entries = tuple(
            entry
            for entry in section.entries or ()
            if not (isinstance(entry, ast.Setting) and entry.name == name)
        )
        setting = ast.Setting(name, value, span=span, name_span=span)
        self.sections[word] = section.replace(entries=(*entries, setting))
        return True

    def _head_argument(self, path: str, word: str, name: str, value: str | ast.Expr) -> bool:
        section = self.sections.get(word)
        if section is None and word == "optimizer":
            span = Span(Source("--set", path), 0, len(path))
            adam = ast.KindCall("Adam", span=span, name_span=span)
            section = ast.Section(word, adam, None, span=span, word_span=span)
        if section is None:
            return self._refuse(path, value, f"the spec has no section `{word}`", [])
        if section.head is not None:
            owner, _, last = name.rpartition(".")
            if word == "loss" and owner and owner in (self.outputs or (owner,)):
                name = last
            head = self._with(path, section.head, HEADS[word], name, value)
            self.sections[word] = section.replace(head=head or section.head)
            return head is not None
        return self._entry_argument(path, name, value, word)

    def _entry_argument(
        self, path: str, rest: str, value: str | ast.Expr, word: str = "regularization"
    ) -> bool:
        """``loss.click.pos_weight`` or ``regularization.EarlyStopping.patience``."""
        section = self.sections.get(word)
        entries = list(section.entries or ()) if section is not None else []
        owner, _, name = rest.rpartition(".")
        matches = [i for i, entry in enumerate(entries) if _is_called(entry, owner)]
        if section is None or len(matches) != 1:
            known = [_caption(entry) for entry in entries if isinstance(entry, ast.Item)]
            paths = [f"{word}.{caption}.{name}" for caption in known if caption]
            many = "several entries are" if matches else "nothing is"
            return self._refuse(path, value, f"{many} called `{owner or rest}` there", paths)
        entry = entries[matches[0]]
        category = "loss" if word == "loss" else "regularizer"
        changed = self._with(path, entry.value, category, name, value)
        if changed is not None:
            entries[matches[0]] = entry.replace(value=changed)
            self.sections[word] = section.replace(entries=tuple(entries))
        return changed is not None

    def _limit(self, path: str, name: str, value: str | ast.Expr) -> bool:
        section = self.sections.get("budget")
        entries = list(section.entries or ()) if section is not None else []
        for index, entry in enumerate(entries):
            if isinstance(entry, ast.Limit) and entry.name == name:
                bound = self._read(path, value, None)
                if bound is None:
                    return False
                entries[index] = entry.replace(value=bound, span=bound.span)
                self.sections["budget"] = section.replace(entries=tuple(entries))
                return True
        known = [entry.name for entry in entries if isinstance(entry, ast.Limit)]
        return self._refuse(path, value, f"the budget limits no `{name}`", nearest(name, known))

    def _with(
        self, path: str, expr: ast.Expr, category: str, name: str, value: str | ast.Expr
    ) -> ast.Expr | None:
        """The expression with one argument of the kind in it set."""
        call = kind_call_in(expr)
        if call is None:
            return None
        kind = find(category, call.kind)
        read = self._read(path, value, _type_of(kind, name) if kind else None)
        return None if read is None else swap(expr, call, with_argument(call, kind, name, read))


def _type_of(kind: type[Kind], name: str) -> ValueType | None:
    argument = kind.arguments.get(name)
    return argument.type if argument is not None else None


def _takes_text(wanted: ValueType) -> bool:
    if isinstance(wanted, OneOf):
        return any(_takes_text(part) for part in wanted.types)
    return isinstance(wanted, String) or hasattr(wanted, "texts")


def _is_called(entry: ast.Statement, owner: str) -> bool:
    return isinstance(entry, ast.Item) and (not owner or _caption(entry) == owner)


def _caption(entry: ast.Item) -> str:
    """What an entry is called from outside: its output, else its kind."""
    call = kind_call_in(entry.value)
    return entry.target or (call.kind if call is not None else "")


def kind_call_in(expr: ast.Expr) -> ast.KindCall | None:
    """The kind in ``Kind(args)``, ``Kind * 0.5`` or ``Kind on "pattern"``."""
    stack = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.KindCall):
            return node
        if isinstance(node, (ast.OnPattern, ast.Paren)):
            stack.append(node.value)
        elif isinstance(node, ast.Binary):
            stack.extend((node.right, node.left))
    return None


def swap(expr: ast.Expr, old: ast.Expr, new: ast.Expr) -> ast.Expr:
    """The expression with one node of it replaced."""
    if expr is old:
        return new
    if isinstance(expr, (ast.OnPattern, ast.Paren)):
        return expr.replace(value=swap(expr.value, old, new))
    if isinstance(expr, ast.Binary):
        return expr.replace(left=swap(expr.left, old, new), right=swap(expr.right, old, new))
    return expr


def with_argument(
    call: ast.KindCall, kind: type[Kind] | None, name: str, value: ast.Expr
) -> ast.KindCall:
    """The call with one argument set, wherever it stood."""
    slots = [key for key, arg in kind.arguments.items() if not arg.keyword] if kind else []
    given = ast.Argument(name, value, span=value.span)
    args = list(call.args)
    for index, item in enumerate(args):
        position = slots[index] if item.name is None and index < len(slots) else item.name
        if position == name:
            args[index] = given.replace(name=item.name)
            return call.replace(args=tuple(args))
    return call.replace(args=(*args, given))
