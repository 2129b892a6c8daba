"""``msl init``: start from a template."""

from __future__ import annotations

import os

import click

from dsl.cli.files import ToolError, check_writable, is_stdin, write_text

TEMPLATES = {
    "minimal": "a model alone: one layer to begin with",
    "mlp": "a table of numbers, classified by a multi-layer perceptron",
    "cnn": "small images, classified by a convolutional network",
    "rnn": "sequences of measurements, classified by a GRU",
    "transformer": "text, continued byte by byte by a small transformer",
}


@click.command()
@click.argument("template", default="minimal")
@click.option("-o", "--output", metavar="FILE", help="Where to write (<template>.msl); - shows it.")
@click.option("--list", "show_list", is_flag=True, help="List the templates.")
def command(template: str, output: str | None, show_list: bool) -> int:
    """Start a new spec from TEMPLATE: minimal, mlp, cnn, rnn or transformer."""
    if show_list:
        for name, what in TEMPLATES.items():
            click.echo(f"{name:12} {what}")
        return 0
    text = template_text(template)
    path = output or f"{template}.msl"
    if is_stdin(path):
        click.echo(text, nl=False)
        return 0
    if os.path.lexists(path):
        raise ToolError(f"{path} exists already: choose another name with -o FILE")
    check_writable(path)
    write_text(path, text)
    click.echo(f"wrote {path}: {TEMPLATES[template]}; next: msl check {path}, msl cost {path}")
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
