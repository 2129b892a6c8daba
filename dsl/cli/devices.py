"""``msl devices``: what MSL knows of the devices that models run on, and who says so."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from dsl.cli.files import ToolError
from dsl.cli.findings import is_terminal, show_findings
from dsl.cli.groups import ListFirst

if TYPE_CHECKING:
    from dsl.devices.device import Device, Price
    from dsl.diagnostics.model import Diagnostic

COLUMNS = ("name", "GiB", "GB/s", "fp32", "16-bit", "fp8", "$/h", "source")
SOURCE_WIDTH = 48

Row = tuple[str, ...]


class BadFile(ToolError):
    """A user's file of devices has mistakes: its findings are shown, exit code 1."""

    exit_code = 1

    def __init__(self, findings: tuple[Diagnostic, ...]) -> None:
        super().__init__("a file of devices has mistakes")
        self.findings = findings

    def show(self, file: object = None) -> None:
        """Prints the findings to standard error."""
        show_findings(self.findings, err=True)


def device_called(name: str) -> Device:
    """The device of a name, for any command with ``--on``.

    Raises:
        ToolError: There is none, or a user's file of devices has mistakes.
    """
    from dsl.devices import BadDeviceFile, UnknownDevice, find

    try:
        return find(name)
    except UnknownDevice as error:
        raise ToolError(str(error)) from None
    except BadDeviceFile as error:
        raise BadFile(error.diagnostics) from None


def every_device() -> tuple[Device, ...]:
    """All devices.

    Raises:
        ToolError: A user's file of devices has mistakes.
    """
    from dsl.devices import BadDeviceFile, all

    try:
        return all()
    except BadDeviceFile as error:
        raise BadFile(error.diagnostics) from None


@click.group(cls=ListFirst)
def command() -> None:
    """List and show the devices that `--on` knows.

    `msl devices WORDS` is `msl devices list WORDS`. Devices of your own are in a file
    `devices.toml`, in the project's root folder or in ~/.config/msl; `msl calibrate` measures this
    machine.
    """


@command.command("list")
@click.argument("words", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Print the devices as JSON.")
def list_devices(words: tuple[str, ...], as_json: bool) -> int:
    """List the devices, or those that have all WORDS in name, title, kind or family.

    Peaks are TFLOP/s of dense products that are summed in float32; 16-bit is bfloat16, or float16
    where there is no bfloat16. Prices are a range that was
    found at the date that `show` gives; your own price always counts more.
    """
    chosen = [device for device in every_device() if _has(device, words)]
    if not chosen:
        raise ToolError(f"no device has {' and '.join(f'`{word}`' for word in words)}")
    if as_json:
        _print_json([record(device) for device in chosen])
    elif is_terminal(sys.stdout):
        _print_rich(chosen)
    else:
        _print_plain([row(device) for device in chosen])
    return 0


@command.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the device as JSON.")
def show_device(name: str, as_json: bool) -> int:
    """Show all that is known of the device NAME, and where it is from."""
    device = device_called(name)
    if as_json:
        _print_json(record(device))
        return 0
    click.echo(f"{device.name}: {device.title}")
    facts = [(label, text) for label, text in _facts(device) if text]
    width = max(len(label) for label, _ in facts)
    for label, text in facts:
        click.echo(f"  {label:{width}}  {text}")
    return 0


def record(device: Device) -> dict[str, Any]:
    """A device as plain data, in bytes, bytes a second, FLOP/s and Hz."""
    from dsl.devices.device import PRECISIONS

    price = device.price
    fields = {name: getattr(device, name) for name in type(device).FIELDS if name != "price"}
    return fields | {
        "peaks": {name: device.peaks[name] for name in PRECISIONS if name in device.peaks},
        "price": price and {name: getattr(price, name) for name in type(price).FIELDS},
    }


def row(device: Device) -> Row:
    """The cells of a device."""
    return (
        device.name,
        f"{device.memory / 2**30:.4g}",
        f"{device.bandwidth / 1e9:.4g}",
        _tera(device.peaks.get("fp32")),
        _tera(device.peaks.get("bf16", device.peaks.get("fp16"))),
        _tera(device.peaks.get("fp8")),
        _dollars(device.price),
        _source(device),
    )


def _has(device: Device, words: tuple[str, ...]) -> bool:
    text = f"{device.name} {device.title} {device.vendor} {device.kind} {device.family}".lower()
    return not [word for word in words if word.lower() not in text]


def _tera(flops: float | None) -> str:
    return "-" if flops is None else f"{flops / 1e12:.4g}"


def _dollars(price: Price | None) -> str:
    if price is None:
        return "-"
    low, high = f"{price.low:.2f}", f"{price.high:.2f}"
    return low if low == high else f"{low}-{high}"


def _source(device: Device) -> str:
    if device.origin:
        path = device.origin
        return path if len(path) <= SOURCE_WIDTH else f"...{path[3 - SOURCE_WIDTH :]}"
    text = device.source
    return text if len(text) <= SOURCE_WIDTH else f"{text[: SOURCE_WIDTH - 3].rstrip()}..."


def _facts(device: Device) -> list[tuple[str, str]]:
    """What there is to say of a device, line by line."""
    kind = f"{device.kind}, {device.family}" + (f", {device.vendor}" if device.vendor else "")
    sold = f" (sold as {device.marketed})" if device.marketed else ""
    units = f"{device.units}" if device.units else ""
    if units and device.clock:
        units += f" at {device.clock / 1e9:.4g} GHz"
    reached = "reached here" if device.measured else "dense, summed in fp32"
    link = f"{device.link / 1e9:.4g} GB/s both ways, {device.link_kind}" if device.link else ""
    return [
        ("kind", kind),
        ("units", units),
        ("memory", f"{device.memory / 2**30:.4g} GiB that a framework can see{sold}"),
        ("bandwidth", f"{device.bandwidth / 1e9:.4g} GB/s"),
        *((name, f"{_tera(peak)} TFLOP/s {reached}") for name, peak in device.peaks.items()),
        ("link", link.rstrip(", ")),
        ("power", f"{device.tdp:.4g} W" if device.tdp else ""),
        ("price", _price_fact(device.price)),
        ("source", device.source),
        ("note", device.check),
        ("file", device.origin),
    ]


def _price_fact(price: Price | None) -> str:
    if price is None:
        return ""
    if not price.date:
        return f"${_dollars(price)} an hour ({price.source})"
    found = f"${_dollars(price)} an hour ({price.source}, {price.date})"
    return f"{found}; your own price counts more"


def _print_json(value: object) -> None:
    import json

    click.echo(json.dumps(value, indent=2))


def _print_plain(rows: list[Row]) -> None:
    lines = [COLUMNS, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    for line in lines:
        cells = [
            cell.ljust(width) if name in ("name", "source") else cell.rjust(width)
            for name, cell, width in zip(COLUMNS, line, widths)
        ]
        click.echo("  ".join(cells).rstrip())


def _print_rich(devices: list[Device]) -> None:
    """Prints the devices to a terminal, each vendor and kind a heading."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="dim", padding=(0, 1))
    for name, *cells in zip(COLUMNS, *map(row, devices)):
        left = name in ("name", "source")
        width = None if name == "source" else max(map(len, (name, *cells)))  # the rest stays
        justify = "left" if left else "right"
        table.add_column(name, justify=justify, no_wrap=True, min_width=width)
    heading = ""
    for device in devices:
        if heading != (heading := "your own" if device.origin else device.vendor):
            table.add_row(Text(heading, "bold"))
        table.add_row(*map(Text, row(device)))
    console = Console(highlight=False)
    console.print(table)
    console.print(
        Text("\nTFLOP/s, dense, summed in fp32; msl devices show NAME says where from", "dim")
    )
