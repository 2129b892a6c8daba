"""What a change of a spec costs: counts exactly, memory and time with their intervals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dsl.choosing.structure import Changed, Row, Structure, compare, gathered, names_of
from dsl.choosing.subject import Subject
from dsl.cost.estimate import Outlook, outlook
from dsl.cost.interval import Basis, Interval, exactly
from dsl.cost.table import short
from dsl.cost.words import columns, percent, size, size_range, time_range
from dsl.devices.device import Device
from dsl.record import Record

SCHEMA = 1
SHOWN = 40
"""Layers of one sort that the text lists; JSON has all."""


class Figure(Record):
    """One quantity of both specs.

    Attributes:
        name: What it is.
        unit: ``""`` for counts, ``FLOP``, ``B`` or ``s``.
        before: Of the first spec.
        after: Of the second.
    """

    name: str
    unit: str
    before: Interval
    after: Interval

    @property
    def basis(self) -> Basis:
        """Where the numbers are from."""
        return self.after.basis

    @property
    def told(self) -> bool:
        """Whether the two can be told apart."""
        if self.basis == "exact":
            return self.before.mid != self.after.mid
        return self.before != self.after and not self.before.overlaps(self.after)

    @property
    def share(self) -> float | None:
        """The difference as a share of the first; None where that is nothing."""
        return self.after.mid / self.before.mid - 1 if self.before.mid else None


class Difference(Record):
    """What differs between two specs.

    Attributes:
        before: The first.
        after: The second.
        structure: Layers.
        figures: Costs.
        device: Where time and memory are of, if one was asked about.
        setups: How the step of each is run, in words.
    """

    before: Subject
    after: Subject
    structure: Structure
    figures: tuple[Figure, ...]
    device: Device | None
    setups: tuple[str, str]

    @property
    def empty(self) -> bool:
        """Whether nothing differs."""
        told = any(figure.told for figure in self.figures)
        return self.structure.empty and not told and self.setups[0] == self.setups[1]


def difference(
    before: Subject, after: Subject, device: Device | None = None, batch: int | None = None
) -> Difference:
    """Compares two specs.

    Args:
        before: The first.
        after: The second.
        device: Where both are to run, for memory of a device and time.
        batch: Samples of a step, instead of each spec's own.
    """
    outlooks = [_outlook(subject, device, batch) for subject in (before, after)]
    return Difference(
        before, after, compare(before.model, after.model), tuple(_figures(*outlooks)), device,
        (_setup(outlooks[0]), _setup(outlooks[1])),
    )  # fmt: skip


def _outlook(subject: Subject, device: Device | None, batch: int | None) -> Outlook:
    setup = subject.setup(device, batch)
    return outlook(subject.model, subject.training, setup, device)


def _setup(found: Outlook) -> str:
    setup = found.setup
    parts = f" x {setup.accumulate}" if setup.accumulate > 1 else ""
    what = "training" if setup.training else "inference"
    again = f", {', '.join(setup.recompute)} recomputed" if setup.recompute else ""
    return f"{what}, batch {setup.batch}{parts}, {setup.precision}{again}"


def _figures(old: Outlook, new: Outlook) -> Iterator[Figure]:
    for name, unit, of in (
        ("parameters", "", lambda found: found.cost.params),
        ("buffers", "", lambda found: found.cost.buffers),
        ("FLOPs forward, a sample", "FLOP", lambda found: found.cost.flops / found.cost.batch),
        ("live tensors at the peak", "B", lambda found: found.memory.live_peak),
    ):  # fmt: skip
        pair = exactly(of(old)), exactly(of(new))
        if name != "buffers" or pair[0].mid or pair[1].mid:
            yield Figure(name, unit, *pair)
    if old.setup.training:
        each = [found.cost.train_step / found.cost.batch for found in (old, new)]
        yield Figure("FLOPs training, a sample", "FLOP", exactly(each[0]), exactly(each[1]))
    if old.needed and new.needed and old.time and new.time:
        yield Figure("memory of the device", "B", old.needed, new.needed)
        yield Figure("time of a step", "s", old.time.step, new.time.step)
        yield Figure("time of a sample", "s", *(
            found.time.step * (1 / found.time.batch) for found in (old, new) if found.time
        ))  # fmt: skip


# --- text -------------------------------------------------------------------------------------


def text_lines(found: Difference) -> Iterator[str]:
    """The difference as text, line by line."""
    names = _names(found)
    yield f"{names[0]} -> {names[1]}" + (f" on {found.device.name}" if found.device else "")
    if found.setups[0] == found.setups[1]:
        yield f"  {found.setups[0]}"
    else:
        yield f"  {found.setups[0]} -> {found.setups[1]}"
    yield ""
    yield from structure_lines(found)
    yield ""
    yield from columns([_cells(figure) for figure in found.figures], "<>>><<")


def _names(found: Difference) -> tuple[str, str]:
    return found.before.name, found.after.name


def structure_lines(found: Difference) -> Iterator[str]:
    """Layers removed, added and changed; blocks that only one has are one line."""
    structure = found.structure
    if structure.empty:
        yield f"  the same {_layers(structure.same)}"
        return
    for name, old, new in structure.heads:
        yield f"~ {name}: {old or 'none'} -> {new or 'none'}"
    removed = gathered(structure.removed, names_of(found.after.model))
    added = gathered(structure.added, names_of(found.before.model))
    yield from _shortened([_group("-", *group) for group in removed])
    yield from _shortened([_group("+", *group) for group in added])
    own = [change for change in structure.changed if not change.follows]
    yield from _shortened([f"~ {_change(change)}" for change in own])
    follow = len(structure.changed) - len(own)
    rest = f"{_layers(structure.same)} the same"
    yield f"  {rest}" + (f", {_layers(follow)} with sizes that follow" if follow else "")


def _layers(count: int) -> str:
    return f"{count:,} layer{'s' * (count != 1)}"


def _shortened(lines: list[str]) -> Iterator[str]:
    yield from lines[:SHOWN]
    if len(lines) > SHOWN:
        yield f"{lines[0][0]} ... {len(lines) - SHOWN:,} more"


def _group(sign: str, name: str, layers: list[Row]) -> str:
    """One layer, or all those of a block."""
    count = sum(row.params for row in layers)
    params = f", {count:,} parameters" if count else ""
    if len(layers) == 1:
        return f"{sign} {layers[0].path}: {layers[0].kind} -> {layers[0].shape}{params}"
    return f"{sign} {name}: {_layers(len(layers))} -> {layers[-1].shape}{params}"


def _change(change: Changed) -> str:
    parts = [f"{name} {old or 'none'} -> {new or 'none'}" for name, old, new in change.arguments]
    if change.before.uses != change.after.uses:
        parts.append(f"runs {change.before.uses:,} -> {change.after.uses:,} times")
    more = change.after.params - change.before.params
    params = f" ({more:+,} parameters)" if more else ""
    return f"{change.after.path}: {change.after.kind} {', '.join(parts)}{params}"


def _cells(figure: Figure) -> tuple[str, ...]:
    return (
        figure.name,
        shown(figure.before, figure.unit),
        "->",
        shown(figure.after, figure.unit),
        verdict_of(figure),
        f"({figure.basis})",
    )


def shown(value: Interval, unit: str) -> str:
    """A number with its unit and range."""
    if unit == "s":
        return time_range(value)
    if unit == "B":
        return size(value.mid) if value.basis == "exact" else size_range(value)
    if unit == "FLOP":
        return f"{short(round(value.mid))}FLOP"
    return f"{round(value.mid):,}"


def verdict_of(figure: Figure) -> str:
    """What the difference is, or that none can be told."""
    if figure.told:
        more = percent(figure.share) if figure.share is not None else "new"
        exact = f", {round(figure.after.mid - figure.before.mid):+,}" if not figure.unit else ""
        return f"{more}{exact}"
    if figure.before == figure.after:
        return "the same"
    return "no difference that we can tell"


def markdown(found: Difference) -> str:
    """The difference for a pull request."""
    names = _names(found)
    place = f" on {found.device.title}" if found.device else ""
    lines = [f"### `{names[0]}` -> `{names[1]}`{place}", "", f"Step: {found.setups[1]}.", ""]
    if found.setups[0] != found.setups[1]:
        lines[2] = f"Step: {found.setups[0]} -> {found.setups[1]}."
    lines += ["| | before | after | difference | basis |", "|---|--:|--:|---|---|"]
    for figure in found.figures:
        name, old, _, new, verdict, basis = _cells(figure)
        lines.append(f"| {name} | {old} | {new} | {verdict} | {basis.strip('()')} |")
    lines += ["", "```diff", *structure_lines(found), "```"]
    return "\n".join(lines) + "\n"


# --- plain data -------------------------------------------------------------------------------


def difference_record(found: Difference) -> dict[str, Any]:
    """The difference as ``--json`` prints it."""
    structure = found.structure
    return {
        "schema": SCHEMA,
        "before": found.before.name,
        "after": found.after.name,
        "device": found.device.name if found.device else None,
        "setups": list(found.setups),
        "same": found.empty,
        "heads": [list(head) for head in structure.heads],
        "removed": [_row_record(row) for row in structure.removed],
        "added": [_row_record(row) for row in structure.added],
        "changed": [_change_record(change) for change in structure.changed],
        "figures": [_figure_record(figure) for figure in found.figures],
    }


def _row_record(row: Row) -> dict[str, Any]:
    return {name: getattr(row, name) for name in Row.FIELDS}


def _change_record(change: Changed) -> dict[str, Any]:
    return {
        "before": _row_record(change.before),
        "after": _row_record(change.after),
        "arguments": {name: [old, new] for name, old, new in change.arguments},
        "follows": change.follows,
    }


def _figure_record(figure: Figure) -> dict[str, Any]:
    return {
        "name": figure.name,
        "unit": figure.unit,
        "before": [figure.before.low, figure.before.mid, figure.before.high],
        "after": [figure.after.low, figure.after.mid, figure.after.high],
        "delta": figure.after.mid - figure.before.mid,
        "relative": figure.share,
        "told_apart": figure.told,
        "basis": figure.basis,
    }
