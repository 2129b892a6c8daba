"""``msl check``: find mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dsl.cli.files import ToolError, check_writable, is_stdin, read_text, write_text
from dsl.cli.findings import count, failed, show_findings
from dsl.cli.options import compilation_of, format_option, spec_options

if TYPE_CHECKING:
    from dsl.compilation import Compilation
    from dsl.diagnostics.model import Diagnostic
    from dsl.source import Source

ROUNDS = 20
"""How often a text is fixed and checked again, at most."""

Pairs = tuple[tuple[str, str], ...]


@click.command()
@click.argument("files", nargs=-1, required=True)
@spec_options
@format_option
@click.option("--strict", is_flag=True, help="Let warnings fail as well.")
@click.option("--fix", is_flag=True, help="Apply the fixes that cannot change a right spec.")
@click.option("--diff", is_flag=True, help="Show what --fix would change and change nothing.")
@click.option("--budget", is_flag=True, help="Also list every limit with its figure and margin.")
def command(
    files: tuple[str, ...], model: str, define: Pairs, settings: Pairs, style: str, strict: bool,
    fix: bool, diff: bool, budget: bool,
) -> int:  # fmt: skip
    """Find mistakes in FILES (- is standard input): names, values, shapes, training settings.

    Exits with 1 where there are errors, or with --strict warnings, and with 2 where a file cannot
    be read.
    """
    findings: list[Diagnostic] = []
    limits: list[str] = []
    unread = 0
    for path in dict.fromkeys(files):
        try:
            source = read_text(path)
            if fix or diff:
                source = _mend(path, source, (model, define, settings), diff)
            compilation = compilation_of(path, model, define, settings, source, needs_model=False)
            findings.extend(compilation.diagnostics)
            if budget:
                limits.extend(_limits(compilation))
        except ToolError as error:
            error.show()
            unread += 1
    to_stderr = (fix or diff) and ("-" in files or diff)
    show_findings(findings, style, err=to_stderr)
    if limits:
        click.echo("\n".join(limits), err=to_stderr or style != "text")
    if style == "text" and not unread:
        number = len(dict.fromkeys(files))
        checked = f"{number} file{'s' * (number > 1)} checked"
        click.echo(f"{chr(10) * bool(findings)}{checked}, {count(findings) or 'nothing found'}",
            err=to_stderr)  # fmt: skip
    return 2 if unread else int(failed(findings, strict))


def _limits(compilation: Compilation) -> list[str]:
    """A line for each limit of the budget, kept or not."""
    if compilation.model is None or not compilation.training.budget:
        return []
    from dsl.cost.budget import Figures
    from dsl.passes.budget import describe_limit

    figures = Figures(compilation.model, compilation.training)
    return [
        describe_limit(limit, figures.of(limit.quantity)) for limit in compilation.training.budget
    ]


def _mend(path: str, source: Source, options: tuple[str, Pairs, Pairs], diff: bool) -> Source:
    """Fixes a text, again until nothing is left to fix, and writes it; the text as it then is."""
    from dsl.diagnostics.fixes import apply_fixes
    from dsl.source import Source

    mended = source
    for _ in range(ROUNDS):
        findings = compilation_of(path, *options, mended, needs_model=False).diagnostics
        text = apply_fixes(mended.text, findings)
        if text == mended.text:
            break
        mended = Source(source.name, text)
    if diff:
        click.echo(unified_diff(source.text, mended.text, source.name), nl=False)
        return source
    if is_stdin(path):
        click.echo(mended.text, nl=False)
    elif mended.text != source.text:
        check_writable(path)
        write_text(path, mended.text)
    return mended


def unified_diff(before: str, after: str, name: str) -> str:
    """The difference of two texts as ``diff -u`` shows it."""
    from difflib import unified_diff as difference

    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    lines = difference(old, new, f"a/{name}", f"b/{name}")
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
