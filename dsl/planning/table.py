"""A plan as text and as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from dsl.cost.interval import Interval
from dsl.cost.table import short
from dsl.cost.words import GIB, between, seconds, size
from dsl.planning.cluster import LINK, NETWORK
from dsl.planning.pace import OVERLAP
from dsl.planning.plan import Ask, Planner, Row, cheapest, fastest, smallest
from dsl.planning.traffic import Collective

SCHEMA = 1
"""Version of the records that `record` makes."""

COMPUTE_OPTIMAL = 20
"""Tokens for each parameter where FLOPs are spent best (Hoffmann et al. 2022, table 3)."""

_LEFT = frozenset(["strategy", "run again", "verdict", "marks"])


def plain(planner: Planner, rows: Sequence[Row], wanted: int | None) -> str:
    """A plan as text.

    Args:
        planner: That made it.
        rows: A row for each count.
        wanted: The count that the spec or the user asks for.
    """
    chosen = _chosen(rows, wanted)
    lines = [*_head(planner), "", *_table(planner, rows, wanted), ""]
    lines += _traffic(chosen) if chosen else []
    lines += _notes(planner)
    return "".join(f"{line}\n" for line in lines)


def _chosen(rows: Sequence[Row], wanted: int | None) -> Row | None:
    """The row that is told about in full: the wanted one, else the smallest that fits."""
    by_count = {row.count: row for row in rows}
    return by_count.get(wanted or 0) or smallest(rows) or (rows[-1] if rows else None)


def _head(planner: Planner) -> list[str]:
    ask, outline = planner.ask, planner.outline
    run = ""
    if ask.samples is not None:
        run = f", {_short(ask.samples).strip()} samples"
        if outline.tokens:
            tokens = ask.samples * outline.tokens
            each = tokens / max(outline.params, 1)
            run = (
                f", {_short(tokens)} tokens ({_short(each).strip()} for each parameter; a budget "
                f"of FLOPs is spent best at about {COMPUTE_OPTIMAL})"
            )
    elif ask.steps is not None:
        run = f", {ask.steps:,} steps"
    batch = f"batch {ask.batch:,}" if ask.batch else "as many samples a step as fit"
    return [
        f"{planner.model.name}: {outline.params:,} parameters on {ask.device.name} "
        f"({ask.device.title}), {ask.precision}, {batch}",
        f"{_short(planner.flops)}FLOPs a sample forward and backward{run}",
    ]


def _table(planner: Planner, rows: Sequence[Row], wanted: int | None) -> list[str]:
    marks = _marks(rows, wanted)
    cells = [_cells(planner, row, marks.get(row.count, "")) for row in rows]
    names = [name for name in cells[0] if any(line[name] for line in cells)] if cells else []
    widths = {name: max(len(name), *(len(line[name]) for line in cells)) for name in names}
    drawn = []
    for line in [{name: name * (name != "marks") for name in names}, *cells]:
        parts = (
            line[name].ljust(widths[name]) if name in _LEFT else line[name].rjust(widths[name])
            for name in names
        )  # fmt: skip
        drawn.append(("  " + "  ".join(parts)).rstrip())
    return drawn


def _marks(rows: Sequence[Row], wanted: int | None) -> dict[int, str]:
    words: dict[int, list[str]] = {}
    for row, word in (
        (smallest(rows), "smallest"), (cheapest(rows), "cheapest"), (fastest(rows), "fastest")
    ):  # fmt: skip
        if row is not None and len(rows) > 1:
            words.setdefault(row.count, []).append(word)
    if wanted is not None and len(rows) > 1:
        words.setdefault(wanted, []).append("wanted")
    return {count: ", ".join(found) for count, found in words.items()}


def _cells(planner: Planner, row: Row, marks: str) -> dict[str, str]:
    tokens, hours = planner.outline.tokens, row.device_hours
    speed = row.samples_per_second / row.count
    return {
        "devices": f"{row.count:,}",
        "strategy": row.strategy.name if row.count > 1 else "",
        "run again": " ".join(row.recompute),
        "samples": f"{row.micro}" + (f" x {row.parts}" if row.parts > 1 else ""),
        "GiB each": _between(row.needed, GIB),
        "verdict": row.verdict.upper() if row.verdict != "fits" else "FITS",
        "step": seconds(row.pace.step.mid),
        ("tokens/s each" if tokens else "samples/s each"): _short(speed * (tokens or 1)).strip(),
        "MFU": f"{row.pace.utilisation:.1%}",
        "run": between(row.seconds, seconds) if row.seconds else "",
        "device-hours": between(hours, _short) if hours else "",
        "US dollars": between(row.money, _short) if row.money else "",
        "marks": f"<- {marks}" if marks else "",
    }


def _traffic(row: Row) -> list[str]:
    """Where the memory and the time of a row go."""
    held, pace = row.held, row.pace
    parts = [
        ("weights", held.weights), ("optimizer", held.optimizer), ("buffers", held.buffers),
        ("exchange", held.exchange),
    ]  # fmt: skip
    shown = ", ".join(f"{name} {size(value)}" for name, value in parts if value)
    lines = [
        f"On {row.count:,} ({row.strategy.name}), each device holds {size(held.live)} of "
        f"tensors at the peak ({held.basis}): {shown}; activations, temporaries and gradients "
        f"together {size(held.tide)}.",
        f"A step computes {seconds(pace.compute)}, idles {seconds(pace.idle)} and waits "
        f"{seconds(pace.exposed)} for messages:",
    ]
    lines += [f"  {_told(item)}" for item in row.told]
    return lines if row.told else [*lines[:-1], f"A step computes {seconds(pace.compute)}."]


def _told(item: Collective) -> str:
    return (
        f"{item.name} ({item.among}): {size(item.bytes)} sent by each in {item.calls:,} "
        f"messages at {item.bandwidth / 1e9:.0f} GB/s, {seconds(item.seconds)}"
    )


def _notes(planner: Planner) -> list[str]:
    ask = planner.ask
    price = ask.device.price
    notes = [
        f"Assumed: {ask.per_node} devices in a node, {ask.network * 8 / 1e9:.0f} Gb/s from each to "
        f"other nodes, {LINK:.0%} and {NETWORK:.0%} of links reached, {OVERLAP:.0%} of "
        "communication hidden where there is work.",
        "Live tensors with data parallelism are counted; memory on top and time are calibrated; "
        "what is gathered, tp and pp are formulas. A run is steps alone: no failures, evaluation "
        "or restarts.",
    ]
    if ask.price is not None and price is not None and ask.price == (price.low, price.high):
        dated = f"{price.source}, {price.date}" if price.date else price.source
        notes.append(f"Price: {price.low:g} to {price.high:g} US dollars an hour ({dated}).")
    elif ask.price is not None:
        notes.append(f"Price: {ask.price[0]:g} US dollars an hour, yours.")
    elif ask.samples or ask.steps:
        notes.append("No price is known for this device: --price P says yours.")
    if planner.training.optimizer is None:
        notes.append("The spec has no loss or optimizer: the outputs' mean and Adam's state.")
    return notes


# --- numbers ----------------------------------------------------------------------------------


def _short(count: float) -> str:
    return short(round(count))


def _between(value: Interval, scale: float) -> str:
    return f"{value.low / scale:.1f}-{value.high / scale:.1f}"


# --- plain data -------------------------------------------------------------------------------


def record(planner: Planner, rows: Iterable[Row], wanted: int | None) -> dict[str, Any]:
    """A plan as plain data: every number with its unit and its basis."""
    rows = list(rows)
    ask, outline = planner.ask, planner.outline
    marked = {"smallest": smallest(rows), "cheapest": cheapest(rows), "fastest": fastest(rows)}
    return {
        "schema": SCHEMA,
        "model": planner.model.name,
        "device": ask.device.name,
        "precision": ask.precision,
        "parameters": _exact(outline.params, "values"),
        "flops_per_sample": _exact(planner.flops, "FLOPs, forward and backward, 1 MAC = 2"),
        "tokens_per_sample": _exact(outline.tokens, "tokens"),
        "samples": ask.samples and _exact(ask.samples, "samples"),
        "assumed": _assumed(ask),
        "price": _price(ask),
        "wanted": wanted,
        **{name: row and row.count for name, row in marked.items()},
        "rows": [_row_record(planner, row) for row in rows],
    }


def _assumed(ask: Ask) -> dict[str, Any]:
    return {
        "devices_per_node": {"value": ask.per_node, "unit": "devices", "basis": "prior"},
        "network": {"value": ask.network, "unit": "bytes/s each way", "basis": "prior"},
        "overlap": {"value": OVERLAP, "unit": "share of communication", "basis": "prior"},
    }


def _price(ask: Ask) -> dict[str, Any] | None:
    if ask.price is None:
        return None
    known = ask.device.price
    dated = known is not None and ask.price == (known.low, known.high)
    return {
        "low": ask.price[0], "high": ask.price[1], "unit": "USD per device-hour",
        "source": known.source if dated and known else "yours",
        "date": known.date if dated and known else "",
    }  # fmt: skip


def _row_record(planner: Planner, row: Row) -> dict[str, Any]:
    held, pace = row.held, row.pace
    states = "exact" if row.strategy.devices == 1 else "prior"
    live = {
        name: {"value": round(getattr(held, name)), "unit": "bytes", "basis": basis}
        for name, basis in (
            ("weights", states), ("buffers", "exact"), ("gradients", states),
            ("optimizer", states), ("tide", held.basis), ("exchange", "prior"),
            ("live", held.basis),
        )
    }  # fmt: skip
    return {
        "count": row.count,
        "strategy": row.strategy.name,
        "recompute": list(row.recompute),
        "micro_batch": row.micro,
        "micro_batches": row.parts,
        "batch": row.batch,
        "memory": {**live, "device": _interval(row.needed, "bytes")},
        "verdict": row.verdict,
        "step": _interval(pace.step, "s"),
        "parts": {
            name: {"value": value, "unit": "s", "basis": "calibrated" if name == "compute" else
                   "prior"}
            for name, value in (
                ("compute", pace.compute), ("idle", pace.idle), ("exposed", pace.exposed)
            )
        },
        "communication": [_told_record(item) for item in row.told],
        "samples_per_second": _guess(row.samples_per_second, "samples/s", pace.step),
        "tokens_per_second_per_device": _guess(
            row.samples_per_second * planner.outline.tokens / row.count, "tokens/s", pace.step
        ),
        "mfu": _guess(pace.utilisation, "share of peak", pace.step),
        "steps": row.steps,
        "run": row.seconds and _interval(row.seconds, "s"),
        "device_hours": row.device_hours and _interval(row.device_hours, "h"),
        "money": row.money and _interval(row.money, "USD"),
    }  # fmt: skip


def _told_record(item: Collective) -> dict[str, Any]:
    return {
        "name": item.name, "among": item.among,
        "bytes": {"value": round(item.bytes), "unit": "bytes sent by each device in a step",
                  "basis": "exact" if item.among == "data" else "prior"},
        "messages": item.calls,
        "bandwidth": {"value": item.bandwidth, "unit": "bytes/s", "basis": "prior"},
        "seconds": {"value": item.seconds, "unit": "s", "basis": "prior"},
    }  # fmt: skip


def _exact(value: int, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "basis": "exact"}


def _guess(value: float, unit: str, source: Interval) -> dict[str, Any]:
    return {"value": value, "unit": unit, "basis": source.basis}


def _interval(value: Interval, unit: str) -> dict[str, Any]:
    return {
        "low": value.low, "mid": value.mid, "high": value.high, "unit": unit, "basis": value.basis
    }  # fmt: skip
