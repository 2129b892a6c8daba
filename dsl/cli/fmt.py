"""``msl fmt``: format specs."""

from __future__ import annotations

import sys

import click

from dsl.cli.check import unified_diff
from dsl.cli.files import ToolError, check_writable, is_stdin, read_text, say, write_text
from dsl.cli.findings import show_findings


class Unparsed(Exception):
    """A text with mistakes of syntax; they have been shown."""


@click.command()
@click.argument("files", nargs=-1, required=True)
@click.option(
    "--check", is_flag=True, help="Change nothing; exit with 1 where a file would change."
)
@click.option("--diff", is_flag=True, help="Show what would change and change nothing.")
def command(files: tuple[str, ...], check: bool, diff: bool) -> int:
    """Format FILES (- is standard input, and the result goes to standard output).

    Comments stay, and what the spec means. A file with mistakes of syntax is left as it is.
    """
    codes = [_one(path, check, diff) for path in dict.fromkeys(files)]
    return max(codes)


def _one(path: str, check: bool, diff: bool) -> int:
    """Formats one file; gives its exit code."""
    try:
        source = read_text(path)
        text = formatted(source)
        if diff:
            click.echo(unified_diff(source.text, text, source.name), nl=False)
        elif is_stdin(path) and not check:
            sys.stdout.write(text)
        elif check and text != source.text:
            say(f"would change {source.name}")
        elif text != source.text:
            check_writable(path)
            write_text(path, text)
            say(f"formatted {path}")
        return int((check or diff) and text != source.text)
    except Unparsed:
        return 1
    except ToolError as error:
        error.show()
        return 2


def formatted(source: object) -> str:
    """The text as the formatter lays it out.

    Raises:
        Unparsed: It has mistakes of syntax.
    """
    from dsl.diagnostics.model import Reporter
    from dsl.syntax.formatter import format_file
    from dsl.syntax.parser import parse

    reporter = Reporter()
    tree = parse(source, reporter)
    if reporter.failed:
        show_findings(reporter.diagnostics, err=True)
        raise Unparsed
    return format_file(tree)
