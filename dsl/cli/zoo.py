"""``msl zoo``: published architectures as specs to look at and to start from."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from dsl.cli.files import ToolError
from dsl.cli.findings import is_terminal
from dsl.cli.groups import ListFirst

if TYPE_CHECKING:
    from dsl.zoo.counts import Counts
    from dsl.zoo.index import Entry

COLUMNS = ("name", "task", "params", "MACs", "input")
RIGHT = ("params", "MACs")
MANY = 20
"""From here on counting takes long enough to say so."""

Row = tuple[str, ...]


@click.group(cls=ListFirst)
def command() -> None:
    """List and show published architectures, which `msl init --from NAME` starts from.

    `msl zoo WORDS` is `msl zoo list WORDS`.
    """


@command.command("list")
@click.argument("words", nargs=-1)
@click.option("--task", metavar="TASK", help="Only entries of a task, such as `language model`.")
@click.option("--json", "as_json", is_flag=True, help="Print the entries as JSON.")
def list_entries(words: tuple[str, ...], task: str | None, as_json: bool) -> int:
    """List the entries, or those that have all WORDS.

    Words are looked for in name, task and spec. MACs are of one sample's forward pass, at the
    sizes shown with the input.
    """
    chosen = chosen_entries(words, task)
    if not chosen:
        raise ToolError(f"no entry has {' and '.join(f'`{word}`' for word in words)}{_near(words)}")
    counted = counted_entries(chosen)
    if as_json:
        _print_json(chosen, counted)
    elif is_terminal(sys.stdout):
        _print_rich([row(entry, counted[entry.name]) for entry in chosen])
    else:
        _print_plain([row(entry, counted[entry.name]) for entry in chosen])
    return 0


@command.command("show")
@click.argument("name")
def show_entry(name: str) -> int:
    """Print the spec of the entry NAME.

    It needs no other file; comments in front say what it costs.
    """
    entry = entry_called(name)
    click.echo("\n".join(f"# {line}" for line in _remarks(entry)))
    click.echo(entry_text(entry), nl=False)
    return 0


def chosen_entries(words: Sequence[str], task: str | None) -> list[Entry]:
    """The entries that have all the words, of one task or of all.

    Raises:
        ToolError: There is no such task.
    """
    from dsl.zoo.index import entries

    found = list(entries().values())
    tasks = list(dict.fromkeys(entry.task for entry in found))
    if task is not None and task.lower() not in tasks:
        raise ToolError(f"there is no task `{task}`; {_hint(task, tasks)}")
    found = [entry for entry in found if task is None or entry.task == task.lower()]
    return [entry for entry in found if all(word.lower() in _searched(entry) for word in words)]


def entry_called(name: str) -> Entry:
    """The entry of a name; case does not count, nor do underscores.

    Raises:
        ToolError: There is none.
    """
    from dsl.zoo.index import entries

    found = entries()
    entry = found.get(name.lower().replace("_", "-"))
    if entry is None:
        raise ToolError(
            f"the zoo has no `{name}`; {_hint(name, list(found), '`msl zoo` lists all')}"
        )
    return entry


def entry_text(entry: Entry) -> str:
    """The entry as a spec that needs no other file."""
    from dsl.zoo.extract import extract

    return extract(entry)


def counted_entries(entries: Sequence[Entry]) -> dict[str, Counts]:
    """What entries cost, by name.

    Raises:
        ToolError: A spec has mistakes.
    """
    from dsl.zoo.counts import Broken, counts

    try:
        return counts(entries, _announce)
    except Broken as error:
        raise ToolError(f"{error} has mistakes; `msl check` names them") from None


def _announce(number: int) -> None:
    """Tells whoever waits why it takes long."""
    if number > MANY and is_terminal(sys.stderr):
        click.echo(f"counting {number} architectures, once", err=True)


def row(entry: Entry, counted: Counts) -> Row:
    """The cells of an entry."""
    from dsl.cost.table import short

    inputs = ", ".join(counted.inputs)
    return entry.name, entry.task, f"{counted.params:,}", short(counted.macs), inputs


def _near(words: Sequence[str]) -> str:
    """A hint for words that no entry has."""
    from dsl.zoo.index import entries

    return f"; {_hint(words[0], list(entries()), '`msl zoo` lists them all')}" if words else ""


def _searched(entry: Entry) -> str:
    return f"{entry.name} {entry.task} {entry.spec} {entry.model}".lower()


def _hint(word: str, known: Sequence[str], otherwise: str = "") -> str:
    from dsl.diagnostics.suggest import nearest

    near = nearest(word, known)
    return f"did you mean `{near[0]}`?" if near else otherwise or f"there are {', '.join(known)}"


def _remarks(entry: Entry) -> list[str]:
    """What stands above the spec: what it is for, what it costs, whose counts those are."""
    from dsl.cost.table import short

    counted = counted_entries([entry])[entry.name]
    costs = f"{counted.params:,} parameters, {short(counted.macs)} MACs a sample"
    lines = [f"{entry.name}: {entry.task}, {costs} of {', '.join(counted.inputs)}."]
    if entry.counts:
        lines.append(f"Counts as published: {entry.counts}.")
    return lines


def _print_json(entries: Sequence[Entry], counted: dict[str, Counts]) -> None:
    import json

    records = [
        {
            "name": entry.name,
            "task": entry.task,
            "spec": os.path.basename(entry.path),
            "model": entry.model or None,
            "counts": entry.counts or None,
            "params": counted[entry.name].params,
            "macs": counted[entry.name].macs,
            "inputs": list(counted[entry.name].inputs),
        }
        for entry in entries
    ]
    click.echo(json.dumps(records, indent=2))


def _print_plain(rows: Sequence[Row]) -> None:
    lines = [COLUMNS, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    for line in lines:
        cells = [
            cell.rjust(width) if name in RIGHT else cell.ljust(width)
            for name, cell, width in zip(COLUMNS, line, widths)
        ]
        click.echo("  ".join(cells).rstrip())


def _print_rich(rows: Sequence[Row]) -> None:
    """Prints the rows to a terminal, each task a heading."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="dim", padding=(0, 1))
    for name in (name for name in COLUMNS if name != "task"):
        justify = "right" if name in RIGHT else "left"
        table.add_column(name, justify=justify, no_wrap=name != "input")
    heading = ""
    for name, task, *cells in rows:
        if task != heading:
            table.add_row(Text(f"\n{task}" if heading else task, "bold"))
            heading = task
        table.add_row(*map(Text, (f"  {name}", *cells)))
    console = Console(highlight=False)
    console.print(table)
    console.print(
        Text("\nmsl zoo show NAME prints one; msl init --from NAME starts from it", "dim")
    )
