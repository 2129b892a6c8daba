"""Options that several commands share, and how a command gets its compilation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from dsl.cli.files import is_stdin, read_text

if TYPE_CHECKING:
    from dsl.compilation import Compilation
    from dsl.source import Source
    from dsl.syntax import ast

FORMATS = ("text", "concise", "json", "sarif", "github")
BACKENDS = ("torch", "tensorflow")


class Pairs(click.ParamType):
    """``name=value``, as a pair."""

    name = "name=value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Splits the text at its first equals sign."""
        if isinstance(value, tuple):
            return value
        name, sign, text = str(value).partition("=")
        if not sign or not name.strip() or not text.strip():
            self.fail(f"`{value}` is not of the form {self.name}", param, ctx)
        return name.strip(), text.strip()


class Setting(Pairs):
    """``section.key=value``, as a pair."""

    name = "section.key=value"


def spec_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--model``, ``-D`` and ``--set``."""
    options = (
        click.option("--model", default="", metavar="NAME", help="The model or variant meant."),
        click.option("-D", "--define", "define", type=Pairs(), multiple=True,
            help="The value of a parameter, as the language writes it; a string needs no quotes "
            "(repeatable)."),
        click.option("--set", "settings", type=Setting(), multiple=True,
            help="The value of a training setting, such as train.epochs=3 (repeatable)."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def format_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--format``."""
    return click.option(
        "--format", "style", type=click.Choice(FORMATS), default="text", show_default=True,
        help="How findings are shown.",
    )(command)  # fmt: skip


def backend_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--backend``."""
    return click.option(
        "--backend", type=click.Choice(BACKENDS), required=True, help="The framework to write for."
    )(command)


def compilation_of(
    path: str,
    model: str = "",
    define: tuple[tuple[str, str], ...] = (),
    settings: tuple[tuple[str, str], ...] = (),
    source: Source | None = None,
    needs_model: bool = True,
) -> Compilation:
    """The compilation of a file, or of standard input for ``-``.

    Args:
        path: The file.
        model: As the option ``--model`` gives it.
        define: As ``-D`` gives them.
        settings: As ``--set`` gives them.
        source: The text, where it is not what the file holds.
        needs_model: Whether a file of blocks alone is a mistake.

    Raises:
        ToolError: The file cannot be read.
    """
    from dsl.compilation import Compilation, Options
    from dsl.passes.modules import FileLoader

    text = source or read_text(path)
    loader = None if is_stdin(path) else FileLoader(path)
    values = dict(define)
    if any(value.isidentifier() for value in values.values()):
        values = quote_strings(Compilation(text, path=path).syntax, values)
    options = Options(model, values, dict(settings), needs_model)
    return Compilation(text, options, loader, path)


def quote_strings(file: ast.File, values: dict[str, str]) -> dict[str, str]:
    """Puts quotes around words given for parameters that take strings."""
    from dsl.syntax import ast

    params = [item.param for item in file.statements if isinstance(item, ast.ParamDecl)]
    for item in file.statements:
        params.extend(item.params if isinstance(item, ast.ModelDecl) else ())
    texts = {param.name for param in params if str(param.type) == "string"}
    return {
        name: f'"{value}"' if name in texts and value.isidentifier() else value
        for name, value in values.items()
    }
