"""``msl init``: start from a template, or from an entry of the zoo."""

from __future__ import annotations

import os

import click

from dsl.cli.files import ToolError, check_writable, is_stdin, say, write_text

TEMPLATES = {
    "minimal": "a model alone: one layer to begin with",
    "mlp": "a table of numbers, classified by a multi-layer perceptron",
    "cnn": "small images, classified by a convolutional network",
    "rnn": "sequences of measurements, classified by a GRU",
    "transformer": "text, continued byte by byte by a small transformer",
}


@click.command()
@click.argument("template", required=False)
@click.argument("file", required=False)
@click.option("--from", "entry", metavar="NAME", help="Start from an entry of the zoo (msl zoo).")
@click.option("-o", "--output", metavar="FILE", help="Where to write; - shows it.")
@click.option("--force", is_flag=True, help="Overwrite the file if there is one.")
@click.option("--list", "show_list", is_flag=True, help="List the templates.")
def command(
    template: str | None, file: str | None, entry: str | None, output: str | None, force: bool,
    show_list: bool,
) -> int:  # fmt: skip
    """Start a new spec from TEMPLATE: minimal, mlp, cnn, rnn or transformer.

    FILE is <TEMPLATE>.msl if not given. With --from NAME it is an architecture of the zoo, and the
    only argument is FILE: one file with all that it needs, by default NAME.msl.
    """
    if show_list:
        for name, what in TEMPLATES.items():
            click.echo(f"{name:12} {what}")
        return 0
    if entry is not None:
        if file is not None:
            raise click.UsageError("with --from there is no template: give FILE alone")
        return _from_zoo(entry, output or template, force)
    name = template or "minimal"
    return _write(template_text(name), TEMPLATES[name], output or file or f"{name}.msl", force)


def _from_zoo(name: str, path: str | None, force: bool) -> int:
    """Writes an entry of the zoo."""
    from dsl.cli.zoo import entry_called, entry_text

    entry = entry_called(name)
    return _write(entry_text(entry), entry.task, path or f"{entry.name}.msl", force)


def _write(text: str, what: str, path: str, force: bool) -> int:
    """Writes a new spec, or shows it.

    Raises:
        ToolError: There is such a file already, or it cannot be written.
    """
    if is_stdin(path):
        click.echo(text, nl=False)
        return 0
    if os.path.lexists(path) and not force:
        raise ToolError(f"{path} exists already: choose another name, or --force overwrites it")
    check_writable(path)
    write_text(path, text)
    say(f"wrote {path}: {what}; next: msl check {path}, msl cost {path}")
    return 0


def template_text(name: str) -> str:
    """The text of a template.

    Raises:
        ToolError: There is none of that name.
    """
    if name not in TEMPLATES:
        from dsl.diagnostics.suggest import nearest

        near = nearest(name, TEMPLATES)
        help = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(TEMPLATES)}"
        raise ToolError(f"there is no template `{name}`; {help}")
    path = os.path.join(os.path.dirname(__file__), "templates", f"{name}.msl")
    with open(path, encoding="utf-8") as file:
        return file.read()
