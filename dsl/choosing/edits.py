"""Changes of a spec's text, placed by its syntax tree: settings, parameters' values, symbols."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dsl.diagnostics.model import Edit, Reporter
from dsl.ir import Model
from dsl.source import Source, Span
from dsl.syntax import ast
from dsl.syntax.formatter import format_file
from dsl.syntax.parser import parse


def edited(source: Source, file: ast.File, edits: Iterable[Edit]) -> str:
    """A text with edits applied, in canonical form where it was so before.

    Args:
        source: The text.
        file: Its tree, without mistakes.
        edits: None of which touch each other.
    """
    text = source.text
    for edit in sorted(edits, key=lambda edit: edit.span.start, reverse=True):
        text = text[: edit.span.start] + edit.replacement + text[edit.span.end :]
    if format_file(file) != source.text:
        return text
    reporter = Reporter()
    tree = parse(Source(source.name, text), reporter)
    return text if reporter.failed else format_file(tree)


def set_settings(file: ast.File, word: str, values: Mapping[str, str]) -> list[Edit]:
    """Edits that give settings of a section their values; the section is added if it is not there.

    Args:
        file: The tree.
        word: The section's word, such as ``train``.
        values: Each setting's value as the language writes it.
    """
    section = _section(file, word)
    written = [f"{name} = {value}" for name, value in values.items()]
    if section is None:
        return [_appended(file, f"{word} {{ {'; '.join(written)} }}")]
    if not section.entries:
        return [Edit(section.span, f"{word} {{ {'; '.join(written)} }}")]
    given = {entry.name: entry for entry in section.entries if isinstance(entry, ast.Setting)}
    edits = [Edit(given[name].value.span, values[name]) for name in values if name in given]
    fresh = [line for name, line in zip(values, written) if name not in given]
    return edits + ([_inserted(section, fresh)] if fresh else [])


def _section(file: ast.File, word: str) -> ast.Section | None:
    sections = (item for item in file.statements if isinstance(item, ast.Section))
    return next((item for item in sections if item.word == word), None)


def _appended(file: ast.File, line: str) -> Edit:
    """A statement behind all others."""
    source = file.span.source
    end = len(source.text)
    gap = "" if source.text.endswith("\n") or not source.text else "\n"
    return Edit(Span(source, end, end), f"{gap}{line}\n")


def _inserted(section: ast.Section, lines: list[str]) -> Edit:
    """Settings behind the last entry of a section, on its line or on lines of their own."""
    assert section.entries
    last = section.entries[-1]
    source, end = last.span.source, last.span.end
    if "\n" not in section.span.text:
        return Edit(Span(source, end, end), "".join(f"; {line}" for line in lines))
    if last.trailing is not None:
        end = last.trailing.span.end
    return Edit(Span(source, end, end), "".join(f"\n  {line}" for line in lines))


def set_parameter(file: ast.File, model: Model, name: str, value: str) -> list[Edit]:
    """Edits that give a parameter of the model, or of the file, another value.

    There are none where the value does not stand in this file: where the model is imported.

    Args:
        file: The tree.
        model: The model as it is asked for: where it is a variant that gives the parameter, the
            variant is changed.
        name: The parameter.
        value: As the language writes it.
    """
    place = _parameter_place(file, model, name)
    return [] if place is None else [Edit(place.span, value)]


def _parameter_place(file: ast.File, model: Model, name: str) -> ast.Expr | None:
    """The expression that gives a parameter its value."""
    decl, base = model.decl, None
    for item in file.statements:
        if isinstance(item, ast.VariantDecl) and item.name == model.name != model.base:
            base = item.base
    slots = [param.name for param in decl.params]
    if base is not None and name in slots:
        for index, argument in enumerate(base.args):
            if (argument.name or slots[index]) == name:
                return argument.value
    own = {id(item): item for item in file.statements}
    params = list(decl.params) if id(decl) in own else []
    params += [item.param for item in file.statements if isinstance(item, ast.ParamDecl)]
    return next((param.default for param in params if param.name == name), None)


def set_symbol(file: ast.File, model: Model, name: str, value: str) -> list[Edit]:
    """Edits that declare a symbol with another size; none where this file does not declare it.

    Args:
        file: The tree.
        model: The model whose symbol it is.
        name: The symbol, such as ``time``.
        value: Its size.
    """
    if all(item is not model.decl for item in file.statements):
        return []
    places = {
        node.size.span.start: node.size.span
        for node in ast.tree(model.decl)
        if isinstance(node, ast.DimDecl) and node.symbol == name
    }
    return [Edit(place, value) for place in places.values()]
