"""``msl compile``: write code."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from dsl.cli.files import ToolError, check_writable, is_stdin, say, write_text
from dsl.cli.findings import failed, show_findings
from dsl.cli.options import backend_option, compilation_of, spec_options
from dsl.cli.output import is_stamped, is_untouched, stamp

if TYPE_CHECKING:
    from dsl.compilation import Compilation


@click.command()
@click.argument("file")
@backend_option
@click.option(
    "-o",
    "--output",
    default="-",
    metavar="FILE",
    help="Where to write; - is standard output, which is also the default.",
)
@click.option("--force", is_flag=True, help="Overwrite the file even if it was edited by hand.")
@click.option(
    "--check",
    is_flag=True,
    help="Write nothing; exit with 1 where the file is not what would be written.",
)
@spec_options  # fmt: skip
def command(
    file: str, backend: str, output: str, force: bool, check: bool, model: str,
    define: tuple[tuple[str, str], ...], settings: tuple[tuple[str, str], ...],
) -> int:  # fmt: skip
    """Write the spec in FILE (- is standard input) as PyTorch or TensorFlow code.

    A spec with training sections becomes a script that trains, one without becomes a module.
    A file that MSL did not write, or that was edited since, is overwritten only with --force.
    """
    if check and is_stdin(output):
        raise click.UsageError("--check compares with a file: say which with -o FILE")
    compilation = compilation_of(file, model, define, settings)
    text = code_of(compilation, backend, output)
    if text is None:
        return 1
    if check:
        return _drift(text, output, file)
    if is_stdin(output):
        click.echo(text, nl=False)
    else:
        save(text, output, file, force)
    return 0


def code_of(compilation: Compilation, backend: str, output: str) -> str | None:
    """The generated text with its mark, or None where the spec has mistakes; they are shown."""
    findings = list(compilation.diagnostics)
    if failed(findings):
        show_findings(findings, err=True)
        return None
    place = "" if is_stdin(output) else output
    import backends

    emitted = compilation.emit(backends.get(backend), place)
    show_findings([*findings, *emitted.diagnostics], err=True)
    return None if emitted.text is None else stamp(emitted.text)


def save(text: str, output: str, spec: str, force: bool) -> None:
    """Writes a generated file unless it would overwrite what somebody made by hand.

    Raises:
        ToolError: It would, or it cannot be written.
    """
    check_writable(output, () if is_stdin(spec) else (spec,))
    if os.path.isfile(output) and not force:
        existing = read_generated(output)
        if not is_stamped(existing) and existing:
            raise ToolError(f"{output} was not written by MSL: --force overwrites it")
        if existing and not is_untouched(existing):
            raise ToolError(f"{output} was edited by hand: --force overwrites it")
    write_text(output, text)


def read_generated(path: str) -> str:
    """The text of a file that may be a generated one; what is not UTF-8 surely is not."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()
    except UnicodeDecodeError:
        return "\0"
    except OSError as error:
        raise ToolError(f"cannot read {path}: {error.strerror}") from None


def _drift(text: str, output: str, spec: str) -> int:
    if not os.path.exists(output):
        say(f"{output} does not exist", err=True)
        return 1
    if read_generated(output).replace("\r\n", "\n") == text:
        return 0
    say(f"{output} is not what {spec} now compiles to", err=True)
    return 1
