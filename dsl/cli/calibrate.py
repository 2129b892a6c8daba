"""``msl calibrate``: measures this machine and keeps the result as a device."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import click

from dsl.cli.devices import BadFile, record
from dsl.cli.files import ToolError, reason, write_text
from dsl.cli.findings import is_terminal

if TYPE_CHECKING:
    from dsl.devices.calibration import Reading, Table

TOOLS = {"torch": "backends.measuring.tensors", "numpy": "backends.measuring.arrays"}
"""What can measure, the best first, each with its script."""

MEASURE_SECONDS, PATIENCE = 3.0, 25.0
_NAME = re.compile(r"[a-z0-9][a-z0-9.+-]{0,63}")


@click.command()
@click.option("--name", default="this-machine", show_default=True, metavar="NAME",
              help="What `--on` will call it.")  # fmt: skip
@click.option("--cpu", "only_cpu", is_flag=True, help="Measure the processor even beside a GPU.")
@click.option("--dry-run", is_flag=True, help="Print the device and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the device as JSON.")
def command(name: str, only_cpu: bool, dry_run: bool, as_json: bool) -> int:
    """Measure how fast this machine multiplies matrices and copies memory, in under 10 seconds.

    The result is kept in ~/.config/msl/devices.toml, and `--on this-machine` then means it.
    PyTorch measures where it is installed, on the GPU that it sees, else NumPy; without either,
    copies are measured and products are guessed, which the result says.
    """
    from dsl.devices.calibration import is_built_in

    if not _NAME.fullmatch(name):
        raise ToolError(f"`{name}` is no name for a device: lower-case letters, digits and `-`")
    if is_built_in(name):
        raise ToolError(f"`{name}` is a built-in device; choose another name, such as `my-{name}`")
    path, before = own_file()
    table = measured(only_cpu)
    if not dry_run:
        _store(path, before, name, table)
    _show(name, table, "" if dry_run else path, as_json)
    return 0


def own_file() -> tuple[str, str]:
    """The user's file and what it says so far; a file with mistakes is left alone.

    Raises:
        ToolError: It cannot be read, or has mistakes.
    """
    from dsl.devices.files import read
    from dsl.devices.places import own_path
    from dsl.source import read_source

    path = own_path()
    if not os.path.exists(path):
        return path, ""
    errors = read(path, {}).errors
    if errors:
        raise BadFile(errors)
    return path, read_source(path, path).text


def measured(only_cpu: bool) -> Table:
    """What the machine does, as the settings of a device."""
    from time import strftime

    from dsl.devices.calibration import prior, table_of
    from dsl.devices.machine import this_machine

    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    machine = this_machine()
    reading = read_with_tools(only_cpu) or prior(machine)
    return table_of(reading, machine, strftime("%Y-%m-%d"), load)


def read_with_tools(only_cpu: bool) -> Reading | None:
    """What the first tool that is there and works has measured; None without one."""
    from importlib.util import find_spec

    for tool, script in TOOLS.items():
        if find_spec(tool) is None:
            continue
        if is_terminal(sys.stderr):
            click.echo(f"measuring with {tool}, a few seconds", err=True)
        reading = _read(script, ["--cpu"] if only_cpu else [])
        if reading is not None:
            return reading
    return None


def _read(script: str, flags: list[str]) -> Reading | None:
    """A script's reading, in a process of its own; None where it fails."""
    import json

    from dsl.devices.calibration import Reading

    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    paths = [root, os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    words = [sys.executable, "-P", "-m", script, str(MEASURE_SECONDS), *flags]
    try:
        done = subprocess.run(words, capture_output=True, timeout=PATIENCE, env=environment)
        values = json.loads(done.stdout.decode("utf-8").strip().rpartition("\n")[2])
        reading = Reading(**values)
    except (OSError, subprocess.SubprocessError, ValueError, TypeError):
        return None
    return reading if reading.gemm.get("fp32") else None


def _store(path: str, before: str, name: str, table: Table) -> None:
    from dsl.devices.calibration import merged

    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    except OSError as error:
        raise ToolError(f"cannot make {os.path.dirname(path)}: {reason(error)}") from None
    write_text(path, merged(before, name, table))


def _show(name: str, table: Table, path: str, as_json: bool) -> None:
    from dsl.devices.device import device_of

    device = device_of(name, table, path)
    if as_json:
        import json

        click.echo(json.dumps(record(device), indent=2))
        return
    peaks = ", ".join(f"{key} {peak / 1e12:.4g} TFLOP/s" for key, peak in device.peaks.items())
    click.echo(f"{name}: {device.title}")
    click.echo(f"  {peaks}; copies {device.bandwidth / 1e9:.4g} GB/s; "
               f"{device.memory / 2**30:.4g} GiB")  # fmt: skip
    click.echo(f"  {device.source}; {device.check}")
    click.echo(f"  kept in {path}: --on {name} means it" if path else "  nothing was written")
