"""Models as commands name them that take several: FILE, FILE:Model, or an entry of the zoo."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dsl.cli.files import ToolError, is_stdin
from dsl.cli.options import compilation_of

if TYPE_CHECKING:
    from dsl.compilation import Compilation

Pairs = tuple[tuple[str, str], ...]


def compilation_called(word: str, define: Pairs = (), settings: Pairs = ()) -> Compilation:
    """The compilation that a word names.

    Args:
        word: A file, a file with a model or variant (``net.msl:Small``), or a name of the zoo.
        define: As ``-D`` gives them.
        settings: As ``--set`` gives them.

    Raises:
        ToolError: There is no such file or entry.
    """
    path, model = split(word)
    if is_file(path):
        return compilation_of(path, model, define, settings)
    from dsl.cli.zoo import entry_called

    entry = entry_called(word)
    found = entry.compilation()
    if not define and not settings:
        return found
    return compilation_of(entry.path, entry.model, define, settings)


def split(word: str) -> tuple[str, str]:
    """The file and the model of a word; the model is empty where none is named."""
    path, sign, model = word.rpartition(":")
    if sign and model.isidentifier() and not os.path.exists(word):
        return path, model
    return word, ""


def is_file(path: str) -> bool:
    """Whether a word means a file rather than an entry of the zoo."""
    if is_stdin(path) or os.path.exists(path) or os.sep in path or path.endswith(".msl"):
        return True
    from dsl.zoo.index import entries

    if path.lower().replace("_", "-") in entries():
        return False
    raise ToolError(f"there is no file `{path}`, and no entry of the zoo is called so{_near(path)}")


def _near(word: str) -> str:
    from dsl.diagnostics.suggest import nearest
    from dsl.zoo.index import entries

    near = nearest(word, list(entries()))
    return f"; did you mean `{near[0]}`?" if near else "; `msl zoo` lists them"
