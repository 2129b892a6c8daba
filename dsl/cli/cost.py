"""``msl cost``: parameters, MACs and FLOPs, memory and time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from dsl.cli.files import ToolError, is_stdin
from dsl.cli.findings import OVER_BUDGET, is_about_model, is_terminal, show_findings
from dsl.cli.options import compilation_of, spec_options

if TYPE_CHECKING:
    from dsl.compilation import Compilation
    from dsl.cost.estimate import Outlook

MOST_STEPS = 64
"""Sizes of a sweep, at most."""


class Sweep(click.ParamType):
    """``batch=1..512`` (doubling) or ``batch=8,12,16``: a name and its values."""

    name = "name=values"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, tuple[int, ...]]:
        """Reads the name and the sizes."""
        if isinstance(value, tuple):
            return value
        name, sign, text = str(value).partition("=")
        try:
            values = tuple(_values(text))
        except ValueError:
            values = ()
        if not sign or not name.strip() or not values or min(values) < 1:
            self.fail(f"`{value}` is not like batch=1..512 or batch=8,12,16", param, ctx)
        if len(values) > MOST_STEPS:
            self.fail(f"{len(values)} sizes are more than {MOST_STEPS}", param, ctx)
        return name.strip(), values


def _values(text: str) -> Iterator[int]:
    """Sizes in a list, or doubled from the first to the last, which is always among them."""
    first, dots, last = text.partition("..")
    if not dots:
        yield from map(int, text.split(","))
        return
    size, stop = int(first), int(last)
    if not 0 < size <= stop:
        raise ValueError(text)
    while size < stop:
        yield size
        size *= 2
    yield stop


@click.command()
@click.argument("file")
@spec_options
@click.option(
    "--batch",
    type=click.IntRange(1),
    metavar="N",
    help="Number of samples; counts are of one by default, memory and time of the spec's batch.",
)
@click.option(
    "--on",
    "devices",
    multiple=True,
    metavar="DEVICE",
    help="A device whose memory and time to estimate (repeatable); all is every one, see "
    "`msl devices`.",
)
@click.option(
    "--training/--inference",
    "trains",
    default=None,
    help="Whether memory and time are of training; by default where the spec has a loss.",
)
@click.option(
    "--sweep",
    type=Sweep(),
    metavar="NAME=A..B",
    help="A line for each size of the batch, a symbol or a parameter: batch=1..512, time=64,128.",
)
@click.option(
    "--by",
    type=click.Choice(("block", "layer", "kind")),
    default="block",
    show_default=True,
    help="Fold layers by the blocks they are in, not at all, or by kind.",
)
@click.option(
    "--depth",
    type=click.IntRange(1),
    default=1,
    metavar="N",
    help="By block: how many levels of names to tell apart (1).",
)
@click.option("--by-module", is_flag=True, help="Tell every block and layer apart: all levels.")
@click.option("--json", "as_json", is_flag=True, help="Print every layer as JSON.")
@click.option(
    "--html",
    "page",
    metavar="FILE",
    help="Write a report to look at, too: one file for any browser; - is standard output.",
)
@click.option(
    "--force", is_flag=True, help="Overwrite FILE of --html even if MSL did not write it."
)
def command(
    file: str, model: str, define: tuple[tuple[str, str], ...],
    settings: tuple[tuple[str, str], ...], batch: int | None, devices: tuple[str, ...],
    trains: bool | None, sweep: tuple[str, tuple[int, ...]] | None, by: str, depth: int,
    by_module: bool, as_json: bool, page: str | None, force: bool,
) -> int:  # fmt: skip
    """Count what the model in FILE (- is standard input) costs, layer by layer.

    1 MAC is 2 FLOPs. FLOPs count matrix products and convolutions; a training step is the forward
    and the backward pass, attention unfused. Buffers and element-wise operations are listed apart.
    Memory is that of all live tensors, counted; what a device needs on top, and time, are
    estimates with bounds.
    """
    compilation = compilation_of(file, model, define, settings)
    errors = [finding for finding in compilation.diagnostics if finding.is_error]
    if compilation.model is None or any(map(is_about_model, errors)):
        show_findings(errors, err=True)
        return 1
    if sweep and page:
        raise click.UsageError("--html is of one size: leave out --sweep")
    if sweep:
        again = (file, model, define, settings)
        _print_sweep(compilation, again, sweep, (batch, trains, devices), as_json)
    else:
        outlooks = list(_outlooks(compilation, batch, trains, devices))
        if page:
            _write_page(compilation, outlooks, page, file, force)
        if page == "-":
            pass
        elif as_json:
            _print_json(outlooks)
        else:
            _print_tables(compilation, outlooks, "layer" if by_module else by, depth)
    over = [finding for finding in errors if finding.rule.code == OVER_BUDGET]
    show_findings(over, err=True)
    return int(bool(over))


def _outlooks(
    compilation: Compilation, batch: int | None, trains: bool | None, devices: tuple[str, ...]
) -> Iterator[Outlook]:
    """What the model takes: on each device, or on its own where none is asked about."""
    from dsl.cost.estimate import on_device, outlook, setup_of

    training = compilation.training
    setup = setup_of(training, batch, trains)
    counted = outlook(compilation.model, training, setup, batch=batch or 1)
    if not devices:
        yield counted
        return
    from dsl.cli.devices import device_called, every_device

    asked = every_device() if "all" in devices else tuple(map(device_called, devices))
    yield from (on_device(counted, device) for device in asked)


def _write_page(
    compilation: Compilation, outlooks: list[Outlook], path: str, spec: str, force: bool
) -> None:
    from dsl.cli.compile import save
    from dsl.cli.output import stamp
    from dsl.cost.html.page import page

    assert compilation.model is not None
    text = stamp(page(outlooks, compilation.model))
    if is_stdin(path):
        click.echo(text, nl=False)
    else:
        save(text, path, spec, force)


def _print_json(outlooks: list[Outlook]) -> None:
    import json

    from dsl.cost.figures import record

    records = [record(outlook) for outlook in outlooks]
    if len(records) > 1:
        layers = records[0].pop("layers")
        several = [{k: v for k, v in each.items() if k != "layers"} for each in records]
        click.echo(json.dumps({"devices": several, "layers": layers}, indent=2))
    else:
        click.echo(json.dumps(records[0], indent=2))


def _print_tables(compilation: Compilation, outlooks: list[Outlook], by: str, depth: int) -> None:
    from dsl.cost.fold import fold
    from dsl.cost.outlook_table import device_lines, devices_table, memory_lines
    from dsl.cost.table import plain_table, rich_table

    first = outlooks[0]
    lines = fold(first.cost, compilation.model, by, depth)
    if is_terminal(sys.stdout):
        rich_table(first.cost, lines)
    else:
        click.echo(plain_table(first.cost, lines), nl=False)
    click.echo("\n".join(memory_lines(first)))
    if len(outlooks) > 1:
        click.echo(f"\n{devices_table(outlooks)}", nl=False)
    elif first.device is not None:
        click.echo("\n".join(device_lines(first)))


def _print_sweep(
    compilation: Compilation, again: tuple[Any, ...], sweep: tuple[str, tuple[int, ...]],
    ways: tuple[int | None, bool | None, tuple[str, ...]], as_json: bool,
) -> None:  # fmt: skip
    name, values = sweep
    batch, trains, devices = ways
    if len(devices) > 1 or "all" in devices:
        raise ToolError("a sweep takes one device: give one --on")
    found: list[tuple[int, Outlook]] = []
    for value in values:
        at = value if name == "batch" else batch
        swept = _swept(compilation, again, name, value)
        found.extend((value, each) for each in _outlooks(swept, at, trains, devices))
    if as_json:
        import json

        from dsl.cost.figures import record

        rows = [{name: value, **record(each)} for value, each in found]
        for row in rows:
            del row["layers"]
        click.echo(json.dumps({"sweep": name, "rows": rows}, indent=2))
        return
    from dsl.cost.outlook_table import sweep_table

    click.echo(sweep_table(name, found), nl=False)


def _swept(compilation: Compilation, again: tuple[Any, ...], name: str, value: int) -> Any:
    """The compilation with a symbol or a parameter at another size."""
    model = compilation.model
    assert model is not None
    if name == "batch":
        return compilation
    if name in model.symbols:
        return _At(model.replace(symbols={**model.symbols, name: value}), compilation.training)
    if name not in model.args:
        known = ", ".join(["batch", *model.symbols, *model.args])
        raise ToolError(f"there is nothing called `{name}` to vary: there are {known}")
    file, chosen, define, settings = again
    varied = compilation_of(file, chosen, (*define, (name, str(value))), settings)
    errors = [finding for finding in varied.diagnostics if finding.is_error]
    if varied.model is None or any(map(is_about_model, errors)):
        show_findings(errors, err=True)
        raise ToolError(f"the model cannot be made with {name} = {value}")
    return varied


class _At:
    """A model at other sizes of its symbols."""

    def __init__(self, model: Any, training: Any) -> None:
        self.model, self.training = model, training
