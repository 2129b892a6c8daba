"""One entry as a spec of its own: one model, no imports, nothing that the model does not use.

The chosen model bears the entry's variant's name, and that variant's values are its defaults. All
else is the author's text, comments included.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dsl.passes.scope import Module
from dsl.source import Source
from dsl.syntax import ast
from dsl.zoo.index import Entry

Edit = tuple[int, int, str]
_NAMED = (ast.Let, ast.ParamDecl, ast.ExternDecl, ast.BlockDecl, ast.ModelDecl)
_LEFT_OUT = (*_NAMED, ast.Version, ast.Import, ast.VariantDecl)


def extract(entry: Entry) -> str:
    """The text of a spec that is the entry and nothing else, in canonical form.

    Raises:
        ValueError: Two files declare one name, so they cannot be one file.
    """
    compilation = entry.compilation()
    module, model = compilation.plain.module, compilation.model
    assert model is not None, f"{entry.spec}.msl has mistakes"
    variant, home = module.variants.get(model.name, (None, module))
    base = model.name if variant is None else variant.base.kind
    chosen, owner = home.blocks[base]
    kept = [item for item in module.file.statements if not isinstance(item, _LEFT_OUT)]
    roots = [(chosen, owner), *((item, module) for item in kept)]
    roots += [] if variant is None else [(variant.base, home)]
    used = _used(roots)
    text = "\n".join([*_heading(module.file), *_pieces(module, used, chosen, variant, kept)])
    return _canonical(text)


def _pieces(
    module: Module, used: set[int], chosen: ast.Statement, variant: ast.VariantDecl | None,
    kept: list[ast.Statement],
) -> Iterator[str]:  # fmt: skip
    """Texts of the declarations in use, imported ones first, the model and its sections last."""
    top, names = _top(module.file), set()
    for home in _files(module):
        for item in home.file.statements:
            if id(item) not in used or item is chosen:
                continue
            if _name(item) in names:
                raise ValueError(f"two files of the zoo declare `{_name(item)}`")
            names.add(_name(item))
            yield _text(item, comments=item is not top)
    edits = [] if variant is None else list(_settled(chosen, variant))
    yield _text(chosen, edits, comments=chosen is not top)
    for item in kept:
        yield _text(item)


def _files(module: Module) -> list[Module]:
    """The files, each behind those that it imports."""
    found: list[Module] = []
    pending = [(module, False)]
    while pending:
        home, done = pending.pop()
        if home in found:
            continue
        if done:
            found.append(home)
        else:
            pending.append((home, True))
            pending.extend((other, False) for other in reversed(home.imported))
    return found


def _used(roots: list[tuple[ast.Node, Module]]) -> set[int]:
    """Identities of the declarations that some pieces of syntax use, and those that these use."""
    found: set[int] = set()
    pending = list(roots)
    while pending:
        node, home = pending.pop()
        if id(node) in found:
            continue
        found.add(id(node))
        constants = {_name(item): item for item in home.file.statements if _is_constant(item)}
        for word in _words(node):
            if word in home.blocks:
                pending.append(home.blocks[word])
            elif word in home.externs:
                pending.append((home.externs[word], home))
            elif word in constants:
                pending.append((constants[word], home))
    return found


def _words(node: ast.Node) -> set[str]:
    """Kinds and names that a piece of syntax takes from around it."""
    words: set[str] = set()
    own: set[str] = set()
    for item in ast.tree(node):
        words |= _referred(item)
        own |= {item.name} if isinstance(item, ast.Param) else set()
    return words - own


def _referred(item: ast.Node) -> set[str]:
    if isinstance(item, ast.KindCall):
        return {item.kind}
    return {item.id} if isinstance(item, ast.Name) else set()


def _is_constant(item: ast.Statement) -> bool:
    return isinstance(item, ast.Let | ast.ParamDecl)


def _name(item: Any) -> str:
    """The name that a declaration declares."""
    return item.param.name if isinstance(item, ast.ParamDecl) else item.name


def _top(file: ast.File) -> ast.Statement:
    """The first statement, whose comments are the file's heading."""
    return next(item for item in file.statements if not isinstance(item, ast.Version))


def _heading(file: ast.File) -> list[str]:
    """The version and the comments at the top of the file, which name the paper."""
    first, top = file.statements[0], _top(file)
    above = [*first.leading, *(top.leading if top is not first else ())]
    return ["msl 1", *(comment.span.text for comment in above)]


def _text(item: ast.Statement, edits: list[Edit] | None = None, comments: bool = True) -> str:
    """A statement as it was written, changed at some places, behind a blank line.

    Args:
        item: The statement.
        edits: Texts to put in place of what stands between two offsets.
        comments: Whether to take the comments right above it along.
    """
    source, start = item.span.source, item.span.start
    end = max(item.span.end, item.trailing.span.end if item.trailing else 0)
    text = source.text[start:end]
    for low, high, new in sorted(edits or (), reverse=True):
        text = text[: low - start] + new + text[high - start :]
    above = _adjoining(item, source) if comments else []
    gap = [""] if item.blank_before or not _is_constant(item) else []
    return "\n".join([*gap, *above, text])


def _adjoining(item: ast.Statement, source: Source) -> list[str]:
    """The comments that no blank line keeps apart from a statement."""
    lines: list[str] = []
    below = item.span.start
    for comment in reversed(item.leading):
        if source.text.count("\n", comment.span.end, below) > 1:
            break
        lines.insert(0, comment.span.text)
        below = comment.span.start
    return lines


def _settled(chosen: ast.ModelDecl, variant: ast.VariantDecl) -> Iterator[Edit]:
    """Edits that give a model its variant's name, and its parameters the variant's values."""
    yield chosen.name_span.start, chosen.name_span.end, variant.name
    params = {param.name: param for param in chosen.params}
    for param, argument in zip(chosen.params, variant.base.args):
        found = param if argument.name is None else params[argument.name]
        value = argument.value.span.text
        if found.default is None:
            yield found.type_span.end, found.type_span.end, f" = {value}"
        else:
            yield found.default.span.start, found.default.span.end, value


def _canonical(text: str) -> str:
    """The text as `msl fmt` writes it."""
    from dsl.diagnostics.model import Reporter
    from dsl.syntax.formatter import format_file
    from dsl.syntax.parser import parse

    reporter = Reporter()
    file = parse(Source("zoo", f"{text}\n"), reporter)
    assert not reporter.failed, [finding.message for finding in reporter.diagnostics]
    return format_file(file)
