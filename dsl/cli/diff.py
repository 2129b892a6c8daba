"""``msl diff``: what differs between two specs, and what that costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dsl.cli.candidates import compilation_called
from dsl.cli.devices import device_called
from dsl.cli.fit import read_subject

if TYPE_CHECKING:
    from dsl.choosing.difference import Difference

Pairs = tuple[tuple[str, str], ...]


@click.command()
@click.argument("before")
@click.argument("after")
@click.option("--on", "device", metavar="DEVICE", help="Where, for memory and time (msl devices).")
@click.option("--batch", type=click.IntRange(1), metavar="N", help="Instead of the specs' own.")
@click.option(
    "--training/--inference",
    "trained",
    default=None,
    help="What to count; by default training where both specs have a loss.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print it for a pull request.")
@click.option("--exit-code", "telling", is_flag=True, help="Exit with 1 where they differ.")
def command(
    before: str, after: str, device: str | None, batch: int | None, trained: bool | None,
    as_json: bool, as_markdown: bool, telling: bool,
) -> int:  # fmt: skip
    """Show what differs between two models: layers, parameters, FLOPs, memory, time.

    BEFORE and AFTER are files, FILE:Model for one of a file's models or variants, or names of the
    zoo. Where two intervals overlap, no difference can be told.
    """
    from dsl.choosing.difference import difference

    if as_json and as_markdown:
        raise click.UsageError("--json and --markdown exclude each other")
    place = device_called(device) if device else None
    compilations = [compilation_called(word) for word in (before, after)]
    if trained is None:
        trained = all(bool(item.training.losses) for item in compilations)
    subjects = [
        read_subject(word, item, trained) for word, item in zip((before, after), compilations)
    ]
    if subjects[0] is None or subjects[1] is None:
        return 2 if telling else 1
    found = difference(subjects[0], subjects[1], place, batch)
    _print(found, as_json, as_markdown)
    return int(telling and not found.empty)


def _print(found: Difference, as_json: bool, as_markdown: bool) -> None:
    from dsl.choosing.difference import difference_record, markdown, text_lines

    if as_json:
        import json

        click.echo(json.dumps(difference_record(found), indent=2))
    elif as_markdown:
        click.echo(markdown(found), nl=False)
    else:
        click.echo("\n".join(text_lines(found)))
