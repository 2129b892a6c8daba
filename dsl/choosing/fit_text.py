"""What ``msl fit`` found, as text and as plain data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dsl.choosing.fitting import Fit
from dsl.choosing.remedies import Remedy
from dsl.choosing.subject import Subject
from dsl.cost.estimate import Outlook
from dsl.cost.words import interval_record, size, size_range, time_range
from dsl.devices.device import Device

SCHEMA = 1


def diff_of(before: str, after: str, name: str) -> str:
    """The difference of two texts, as ``git apply`` and ``patch -p1`` take it."""
    from difflib import unified_diff

    path = name.lstrip("./") or "spec.msl"
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    lines = []
    for line in unified_diff(old, new, f"a/{path}", f"b/{path}"):
        lines.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
    return "".join(lines)


def fit_lines(
    subject: Subject, device: Device, fit: Fit | None, now: Outlook, found: list[Remedy]
) -> Iterator[str]:
    """The report, line by line."""
    yield f"{subject.model.name} on {device.name}: {_situation(now)}"
    yield f"  memory that a framework can see: {size(device.memory)}"
    for words in subject.assumed:
        yield f"  assumed: {words}"
    yield ""
    yield from _now_lines(now)
    if fit is not None:
        yield ""
        yield from _fit_text(fit)
    if now.fits == "fits":
        return
    yield ""
    yield from _remedy_lines(subject, now, found)


def _situation(now: Outlook) -> str:
    setup = now.setup
    what = "training" if setup.training else "inference"
    parts = f", {setup.accumulate} parts a step" if setup.accumulate > 1 else ""
    again = f", {', '.join(setup.recompute)} recomputed" if setup.recompute else ""
    return f"{what}, batch {setup.batch}{parts}, {setup.precision}{again}"


def _now_lines(now: Outlook) -> Iterator[str]:
    """The spec as it is."""
    assert now.fits and now.needed and now.time
    yield f"as it is: {now.fits.upper()}"
    yield f"  live tensors   {size(now.memory.live_peak)} at the peak (exact)"
    yield f"  on the device  {size_range(now.needed)} ({now.needed.basis})"
    yield f"  one step       {time_range(now.time.step)} ({now.time.step.basis})"


def _fit_text(fit: Fit) -> Iterator[str]:
    of = f" (now {fit.now:,}; steps of {fit.step:,})" if fit.step > 1 else f" (now {fit.now:,})"
    yield f"largest {fit.quantity}{of}"
    for word, value, outlook in (
        ("fits", fit.fits, fit.at), ("tight", fit.tight, fit.at_tight)
    ):  # fmt: skip
        if outlook is None or outlook.needed is None:
            yield f"  {word:5}  none"
        elif word == "fits" or fit.tight > fit.fits:
            yield f"  {word:5}  {value:,}: {size_range(outlook.needed)}{_rate(outlook)}"
    if fit.bound:
        yield f"  {fit.bound}"


def _rate(outlook: Outlook) -> str:
    time = outlook.time
    if time is None:
        return ""
    return f", a step {time_range(time.step)}, {time.samples_per_second:,.3g} samples/s"


def _remedy_lines(subject: Subject, now: Outlook, found: list[Remedy]) -> Iterator[str]:
    if not found:
        yield "no edit that is known makes it fit"
        memory = now.memory
        held = memory.weights + memory.gradients + memory.optimizer
        yield f"  weights, gradients and optimizer state alone are {size(held)} (exact)"
        return
    yield "edits that make it fit"
    name = subject.compilation.source.name
    for number, remedy in enumerate(found, 1):
        yield ""
        yield from _one_remedy(number, remedy, subject.compilation.source.text, name)
    yield ""
    yield f"msl fit {name} --on {now.device.name if now.device else ''} --apply N writes edit N"


def _one_remedy(number: int, remedy: Remedy, before: str, name: str) -> Iterator[str]:
    outlook = remedy.outlook
    assert outlook.needed is not None
    same = (
        "the step computes the same, up to rounding"
        if remedy.same_step
        else "another model or task"
    )
    yield f"{number}. {remedy.title}: {same}"
    yield (
        f"   {size_range(outlook.needed)} ({outlook.needed.basis}), "
        f"x{remedy.factor:.2f} the time a sample{_step(outlook)}"
    )
    for note in remedy.notes:
        yield f"   note: {note}"
    yield from diff_of(before, remedy.text, name).splitlines()


def _step(outlook: Outlook) -> str:
    return f", a step {time_range(outlook.time.step)}" if outlook.time else ""


# --- plain data -------------------------------------------------------------------------------


def fit_record(
    subject: Subject, device: Device, fit: Fit | None, now: Outlook, found: list[Remedy]
) -> dict[str, Any]:
    """The report as ``--json`` prints it; memory in bytes, times in seconds."""
    source = subject.compilation.source
    return {
        "schema": SCHEMA,
        "model": subject.model.name,
        "device": {"name": device.name, "memory": device.memory},
        "assumed": list(subject.assumed),
        "now": outlook_record(now),
        "largest": None if fit is None else _fit_record(fit),
        "edits": [
            {
                "title": remedy.title,
                "same_step": remedy.same_step,
                "time_factor": remedy.factor,
                "notes": list(remedy.notes),
                **outlook_record(remedy.outlook),
                "diff": diff_of(source.text, remedy.text, source.name),
            }
            for remedy in found
        ],
    }


def _fit_record(fit: Fit) -> dict[str, Any]:
    return {
        "quantity": fit.quantity,
        "now": fit.now,
        "step": fit.step,
        "fits": fit.fits,
        "tight": fit.tight,
        "at_fits": fit.at and outlook_record(fit.at),
        "at_tight": fit.at_tight and outlook_record(fit.at_tight),
        "bound": fit.bound,
    }


def outlook_record(outlook: Outlook) -> dict[str, Any]:
    """What a spec takes on a device, as plain data: bytes and seconds."""
    setup, time = outlook.setup, outlook.time
    return {
        "verdict": outlook.fits,
        "batch": setup.batch,
        "accumulate": setup.accumulate,
        "precision": setup.precision,
        "training": setup.training,
        "recompute": list(setup.recompute),
        "live_peak": {"bytes": outlook.memory.live_peak, "basis": "exact"},
        "device_bytes": interval_record(outlook.needed),
        "step_seconds": interval_record(time.step) if time else None,
        "samples_per_second": time.samples_per_second if time else None,
    }
