"""From what was measured on this machine to a device of that name in the user's file."""

from __future__ import annotations

import re
from time import perf_counter
from typing import Any

from dsl.devices.catalogue import UnknownDevice, built_in, find
from dsl.devices.device import GIB, GIGA, TERA
from dsl.devices.machine import Machine
from dsl.record import Record, field

Table = dict[str, Any]

NAME = "this-machine"
"""What the measured device is called, unless the user says otherwise."""

PRIOR_FLOPS_PER_CYCLE = 16
"""Of one core: two 256-bit fused multiply-adds make 32, of which plain products reach half."""

PRIOR_CLOCK = 2.5e9
"""Hz, where the system does not tell."""

BUSY_LOAD = 0.7
"""From here on other work takes enough of the processor to be worth a word."""

HELD_UP = 0.6
"""Below this part of what its threads could do each alone, a product was held up by other work."""

SHARED = 0.8
"""The part of what each could alone that threads reach together: they share clock and cache."""

_COPIED = 1 << 27


class Reading(Record):
    """What was measured, by PyTorch, by NumPy, or by Python alone.

    Attributes:
        tool: With what, and its version; empty where only copies could be measured.
        kind: As in `Device.kind`.
        threads: How many threads the tool used.
        gemm: FLOP/s of square matrix products, by precision and size.
        copy: Bytes a second, read and written.
        copied: Bytes of one copy.
        name: What the system calls the GPU.
        memory: Bytes of the GPU.
        units: Of the GPU.
        alone: FLOP/s of one thread by precision, where that was measured too.
    """

    tool: str
    kind: str
    threads: int
    gemm: dict[str, dict[str, float]]
    copy: float
    copied: int
    name: str = ""
    memory: int = 0
    units: int = 0
    alone: dict[str, float] = field(default_factory=dict)


def prior(machine: Machine, seconds: float = 0.5) -> Reading:
    """A reading without NumPy or PyTorch: copies are measured, products are guessed.

    Args:
        machine: Whose threads and clock the guess goes by.
        seconds: For copies, which one thread makes.
    """
    flops = machine.threads * (machine.clock or PRIOR_CLOCK) * PRIOR_FLOPS_PER_CYCLE
    source, target = memoryview(bytearray(_COPIED)), memoryview(bytearray(_COPIED))
    target[:] = source
    end, best, tries = perf_counter() + seconds, float("inf"), 0
    while tries < 3 or perf_counter() < end:
        start = perf_counter()
        target[:] = source
        best = min(best, perf_counter() - start)
        tries += 1
    return Reading("", "cpu", 1, {"fp32": {"prior": flops}}, 2 * _COPIED / best, _COPIED)


def table_of(reading: Reading, machine: Machine, date: str, load: float | None) -> Table:
    """The device's settings, units as in `devices.toml`.

    Args:
        reading: What was measured.
        machine: The machine it was measured on.
        date: Today, as ``2026-01-31``.
        load: How many threads other work kept busy, where the system tells.
    """
    table: Table = {}
    known = _known(reading.name)
    title = reading.name or machine.processor
    table["title"] = f"{title}, {_count(machine.threads)}" if reading.kind == "cpu" else title
    table["kind"] = reading.kind
    table["family"] = known or {"cpu": "cpu", "mps": "apple"}.get(reading.kind, "other")
    table["units"] = reading.units or machine.threads
    table["memory"] = round((reading.memory or machine.memory) / GIB, 2)
    table["bandwidth"] = _rounded(reading.copy / GIGA)
    for precision, rates in reading.gemm.items():
        if rates:
            flops = max(rates.values())
            if precision in _held_up(reading, load):
                flops = SHARED * reading.threads * reading.alone[precision]
            table[precision] = _rounded(flops / TERA)
    table["measured"] = bool(reading.tool)
    tool = reading.tool or "Python alone, which cannot multiply fast"
    table["source"] = f"msl calibrate on {date}, with {tool}, {_count(reading.threads)}"
    table["check"] = _check(reading, load)
    return table


def _held_up(reading: Reading, load: float | None) -> list[str]:
    """The precisions in which threads lost most of their time waiting for a busy machine."""
    if load is None or load <= BUSY_LOAD:
        return []
    return [
        precision
        for precision, alone in reading.alone.items()
        if max(reading.gemm[precision].values()) < HELD_UP * reading.threads * alone
    ]


def _known(name: str) -> str:
    """The family of the built-in device that a driver calls so; empty without one."""
    try:
        return find(name).family if name else ""
    except (UnknownDevice, ValueError):
        return ""


def _count(threads: int) -> str:
    return f"{threads} thread{'s' * (threads != 1)}"


def _check(reading: Reading, load: float | None) -> str:
    copies = f"copies of {reading.copied >> 20} MiB, read and write counted"
    busy = ""
    if load is not None and load > BUSY_LOAD:
        busy = f"; the machine was busy (load {load:.1f}): calibrate again when it is not"
        held_up = _held_up(reading, load)
        if held_up:
            busy += f"; {' and '.join(held_up)} scaled from what one of its threads reached"
    if not reading.tool:
        guess = f"fp32 is a guess, {PRIOR_FLOPS_PER_CYCLE} FLOPs a cycle of each thread"
        return f"{guess}: install numpy or torch and calibrate again; {copies} by one thread"
    sizes = ", ".join(
        f"{precision} {max(rates, key=rates.__getitem__)}"
        for precision, rates in reading.gemm.items()
        if rates
    )
    return f"best products of sizes {sizes}; {copies}{busy}"


def _rounded(number: float) -> float:
    return float(f"{number:.4g}")


# --- the user's file ----------------------------------------------------------------------------


def section(name: str, table: Table) -> str:
    """The settings as a table of TOML."""
    return "".join([f"[{name}]\n", *(f"{key} = {_toml(value)}\n" for key, value in table.items())])


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        plain = re.sub(r"[^ -~]", "?", value).replace("\\", "\\\\").replace('"', '\\"')
        return f'"{plain}"'
    return repr(value)


def merged(text: str, name: str, table: Table) -> str:
    """A file with a device put in, in place of one of its name; all else stays as it is.

    Args:
        text: The file so far, which has no mistakes.
        name: The device.
        table: Its settings.
    """
    header = re.search(rf"^[ \t]*\[[ \t]*[\"']?{re.escape(name)}[\"']?[ \t]*\].*\n?", text, re.M)
    if header is None:
        gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
        return text + gap + section(name, table)
    after = re.compile(r"^[ \t]*\[", re.M).search(text, header.end())
    end = after.start() if after else len(text)
    kept = _trailing(text[header.end() : end])
    return text[: header.start()] + section(name, table) + kept + text[end:]


def _trailing(body: str) -> str:
    """The blank lines and comments at the end of a section, which belong to what follows."""
    lines = body.splitlines(keepends=True)
    last = max((i for i, line in enumerate(lines) if line.strip() and line.strip()[0] != "#"),
               default=-1)  # fmt: skip
    return "".join(lines[last + 1 :])


def is_built_in(name: str) -> bool:
    """Whether a measured device would hide a built-in one."""
    return bool(built_in(name))
