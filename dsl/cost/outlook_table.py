"""Memory and time as text: below the cost table, over devices, and over sizes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dsl.cost.estimate import Outlook
from dsl.cost.interval import Interval
from dsl.cost.table import short
from dsl.cost.words import between, columns, seconds, size

KINDS = (("weights", "weights"), ("buffers", "buffers"), ("gradients", "gradients"),
    ("optimizer", "optimizer state"), ("activations", "activations"))  # fmt: skip


def duration(interval: Interval) -> str:
    """The best guess and its bounds: ``3.7 s (2.9 s to 4.9 s)``."""
    return f"{seconds(interval.mid)} ({seconds(interval.low)} to {seconds(interval.high)})"


def memory_lines(outlook: Outlook) -> list[str]:
    """What a step keeps in memory, counted."""
    memory, peak = outlook.memory, outlook.memory.peak
    parts = [
        f"{size(getattr(memory, name))} {word}" for name, word in KINDS if getattr(memory, name)
    ]
    place = f"{peak.phase} of {peak.path}" if peak.path not in ("", peak.phase) else peak.phase
    return [
        f"  memory to {how(outlook)}: {size(memory.live_peak)} of live tensors at the peak"
        + f", in the {place} [exact]" * bool(place),
        f"    {', '.join(parts)}",
    ]


def how(outlook: Outlook) -> str:
    """How the step is run: ``train, batch 12 x 40, bfloat16, AdamW``."""
    setup = outlook.setup
    batch = f"batch {setup.batch}" + f" x {setup.accumulate}" * (setup.accumulate > 1)
    words = ["train" if setup.training else "run", batch, setup.precision]
    if setup.training and outlook.optimizer:
        words.append(outlook.optimizer)
    words += [f"recompute {', '.join(setup.recompute)}"] * bool(setup.recompute)
    return ", ".join(words)


def device_lines(outlook: Outlook) -> list[str]:
    """How a step goes with a device."""
    device, needed, time = outlook.device, outlook.needed, outlook.time
    assert device is not None and needed is not None and time is not None
    unit = "a step" if outlook.setup.training else "a forward pass"
    return [
        f"  on {device.title}: {between(needed, size)} of {size(device.memory)} [{needed.basis}]: "
        f"{str(outlook.fits).upper()}",
        f"    {duration(time.step)} {unit} [{time.step.basis}], "
        f"{time.samples_per_second:,.4g} samples a second, bound by {time.bound}",
    ]


DEVICE_HEAD = ("device", "memory", "needs", "", "step", "between", "samples/s", "$/M samples")


def devices_table(outlooks: Iterable[Outlook]) -> str:
    """One line for each device, the fastest first; those that have no room last."""
    return lines([DEVICE_HEAD, *map(_device_row, by_speed(outlooks))], "<>><>>>>")


def by_speed(outlooks: Iterable[Outlook]) -> list[Outlook]:
    """The fastest device first; those that have no room last."""
    order = {"fits": 0, "tight": 0, "does not fit": 1}
    return sorted(outlooks, key=lambda o: (order[str(o.fits)], o.time and o.time.step.mid))


def _device_row(outlook: Outlook) -> tuple[str, ...]:
    device, needed, time = outlook.device, outlook.needed, outlook.time
    assert device is not None and needed is not None and time is not None
    return (
        device.name, size(device.memory), between(needed, size), str(outlook.fits).upper(),
        seconds(time.step.mid), f"{seconds(time.step.low)} to {seconds(time.step.high)}",
        f"{time.samples_per_second:,.4g}", price(outlook),
    )  # fmt: skip


def price(outlook: Outlook) -> str:
    """Dollars for a million samples, from the lowest price at the shortest time up."""
    device, time = outlook.device, outlook.time
    assert device is not None and time is not None
    if device.price is None:
        return ""
    hours = 1e6 / time.batch / 3600
    low = hours * time.step.low * device.price.low
    high = hours * time.step.high * device.price.high
    return f"{low:.3g}-{high:.3g}"


def sweep_table(name: str, outlooks: Sequence[tuple[int, Outlook]]) -> str:
    """One line for each size."""
    on = outlooks[0][1].device is not None
    head = (name, "params", "FLOPs", "live peak", "needs", "", "step", "samples/s")
    rows = [_sweep_row(value, outlook) for value, outlook in outlooks]
    cut = len(head) if on else 4
    return lines([row[:cut] for row in (head, *rows)], ">>>>><>>"[:cut])


def _sweep_row(value: int, outlook: Outlook) -> tuple[str, ...]:
    cost, memory = outlook.cost, outlook.memory
    counted = (f"{value:,}", f"{cost.params:,}", short(cost.flops), size(memory.live_peak))
    if outlook.needed is None or outlook.time is None:
        return counted
    time = outlook.time
    return (
        *counted, between(outlook.needed, size), str(outlook.fits).upper(), seconds(time.step.mid),
        f"{time.samples_per_second:,.4g}",
    )  # fmt: skip


def lines(rows: Sequence[Sequence[str]], sides: str) -> str:
    """Rows as text in columns."""
    return "".join(f"{line}\n" for line in columns(rows, sides))
