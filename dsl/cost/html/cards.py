"""The key figures, what the memory is for, and the table of devices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dsl.cost.estimate import Outlook
from dsl.cost.html.text import basis, esc, number, percent, place, samples, tag
from dsl.cost.outlook_table import KINDS, by_speed, price
from dsl.cost.table import short
from dsl.cost.words import between, seconds, size

COLOURS = {"weights": "state", "buffers": "buffers", "optimizer": "optimizer"}


def cards(outlook: Outlook) -> str:
    """One card for each figure, with its unit and where it is from."""
    return "".join([*_counted(outlook), *_on_device(outlook)])


def _card(title: str, value: str, basis_: str, *notes: str, class_: str = "") -> str:
    lines = "".join(tag("p", esc(note)) for note in notes if note)
    return (
        f'<div class="{f"card {class_}".strip()}"><h3>{esc(title)} {basis(basis_)}</h3>'
        f'<p class="value">{value}</p>{lines}</div>'
    )


def _counted(outlook: Outlook) -> Iterator[str]:
    cost, memory = outlook.cost, outlook.memory
    active = f"{cost.active:,} active for each position" if cost.active != cost.params else ""
    buffers = f"{cost.buffers:,} more values are not trained" if cost.buffers else ""
    yield _card(
        "Parameters", _big(short(cost.params)), "exact", f"{cost.params:,}", active, buffers
    )
    per = f"for {cost.batch:,} samples" if cost.batch > 1 else "for one sample"
    yield _card(
        "FLOPs", _big(f"{short(cost.flops)}FLOPs"), "exact", f"forward, {per}",
        f"{short(cost.train_step)}FLOPs forward and backward" if outlook.setup.training else "",
    )  # fmt: skip
    peak = memory.peak
    yield _card(
        "Live memory", _big(size(memory.live_peak)), "exact", "of tensors at the peak,",
        f"in the {place(peak.phase, peak.path)}" if peak.phase else "",
    )  # fmt: skip


def _big(text: str) -> str:
    """A number large, its unit smaller."""
    value, _, unit = text.strip().partition(" ")
    return esc(value) + (f" <small>{esc(unit)}</small>" if unit else "")


def _on_device(outlook: Outlook) -> Iterator[str]:
    device, needed, time = outlook.device, outlook.needed, outlook.time
    if device is None or needed is None or time is None:
        return
    yield _card(
        device.title, verdict(outlook), needed.basis, margin(outlook),
        f"needs {between(needed, size)} of {size(device.memory)}", class_="device",
    )  # fmt: skip
    step = time.step
    bounds = f"between {seconds(step.low)} and {seconds(step.high)}"
    what = "Time of a step" if outlook.setup.training else "Time of a forward pass"
    yield _card(
        what, _big(seconds(step.mid)), step.basis, bounds, f"most of it bound by {time.bound}"
    )
    speed = samples(time)
    yield _card(
        "Samples a second", _big(number(speed.mid)), speed.basis,
        f"between {number(speed.low)} and {number(speed.high)}",
        f"{time.batch:,} samples a step" if time.batch > 1 else "one sample a step",
    )  # fmt: skip


def verdict(outlook: Outlook) -> str:
    """Whether the device has room, in a word with a sign."""
    word = str(outlook.fits)
    sign = {"fits": "&#10003;", "tight": "&#8776;"}.get(word, "&#10007;")
    mark = f'<span aria-hidden="true">{sign}</span>'
    return f'<span class="verdict {word.replace(" ", "-")}">{mark} {esc(word.upper())}</span>'


def margin(outlook: Outlook) -> str:
    """How much memory is left or missing."""
    device, needed = outlook.device, outlook.needed
    assert device is not None and needed is not None
    if outlook.fits == "fits":
        return f"at least {size(device.memory - needed.high)} to spare"
    if outlook.fits == "tight":
        spare, missing = device.memory - needed.low, needed.high - device.memory
        return f"{size(spare)} to spare or {size(missing)} short"
    return f"at least {size(needed.low - device.memory)} short"


def signed(outlook: Outlook) -> str:
    """The margin in short: ``+60.4 GiB``, or both ends where the interval does not decide."""
    device, needed = outlook.device, outlook.needed
    assert device is not None and needed is not None
    if outlook.fits == "tight":
        spare, missing = size(device.memory - needed.low), size(needed.high - device.memory)
        return f"-{missing} to +{spare}"
    if outlook.fits == "fits":
        return f"+{size(device.memory - needed.high)}"
    return f"-{size(needed.low - device.memory)}"


def memory_parts(outlook: Outlook) -> list[tuple[str, str, int]]:
    """What is live at the peak: colour, word and bytes, which add up to it."""
    memory, peak = outlook.memory, outlook.memory.peak
    parts = [
        (COLOURS[name], word, getattr(memory, name)) for name, word in KINDS if name in COLOURS
    ]
    parts.append(("gradients", "gradients", peak.gradients))
    parts.append(("kept", "activations and temporaries", peak.bytes - peak.gradients))
    return [part for part in parts if part[2]]


def memory_bar(outlook: Outlook) -> str:
    """The peak as one bar with its legend."""
    parts, whole = memory_parts(outlook), outlook.memory.live_peak
    drawn = "".join(
        f'<i class="{colour}" style="width:{100 * count / whole:.3f}%"></i>'
        for colour, _, count in parts
    )
    items = "".join(
        f'<li><i class="{colour}"></i> {esc(word)} <b>{esc(size(count))}</b> '
        f"<small>{esc(percent(count, whole))}</small></li>"
        for colour, word, count in parts
    )
    return f'<div class="stack" aria-hidden="true">{drawn}</div><ul class="legend">{items}</ul>'


def device_rows(outlooks: Iterable[Outlook]) -> str:
    """One row for each device, the fastest first."""
    return "".join(map(_device_row, by_speed(outlooks)))


def _device_row(outlook: Outlook) -> str:
    device, needed, time = outlook.device, outlook.needed, outlook.time
    assert device is not None and needed is not None and time is not None
    step = time.step
    cells: tuple[tuple[float, str], ...] = (
        (device.memory, size(device.memory)),
        (needed.mid, between(needed, size)),
    )
    times: tuple[tuple[float, str], ...] = (
        (step.mid, seconds(step.mid)),
        (step.high, between(step, seconds)),
        (time.samples_per_second, number(time.samples_per_second)),
        (device.price.low * step.mid if device.price else 1e99, price(outlook)),
    )
    room = device.memory - needed.high
    return (
        f'<tr>{tag("th", esc(device.title), scope="row", data_v=device.title)}{_cells(cells)}'
        f'<td data-v="{-room:.0f}">{verdict(outlook)}</td>'
        f'{tag("td", esc(signed(outlook)), class_="n", data_v=f"{room:.0f}")}{_cells(times)}</tr>'
    )


def _cells(cells: Iterable[tuple[float, str]]) -> str:
    return "".join(tag("td", esc(text), class_="n", data_v=f"{key:.9g}") for key, text in cells)
