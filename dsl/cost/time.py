"""The time of a step on a device: each operation by what bounds it, arithmetic or bandwidth."""

from __future__ import annotations

from dsl.cost.interval import Interval
from dsl.cost.memory import MemoryReport, Setup
from dsl.devices.device import Device
from dsl.record import Record

EFFICIENCY = 0.55
"""Share of the peak that products reach."""

BANDWIDTH = 0.8
"""Share of the bandwidth that operations reach."""

LAUNCH = 5e-6
"""Seconds that an operation takes at least."""

SPREAD = 1.3
"""How far off the guess may be, as a factor."""


class TimeReport(Record):
    """The time of an optimizer step.

    Attributes:
        step: Seconds.
        batch: Samples of a step.
        parts: Seconds by what takes them: ``forward``, ``backward``, ``optimizer``.
        bound: What most of the time goes to: ``arithmetic``, ``bandwidth`` or ``launches``.
    """

    step: Interval
    batch: int
    parts: dict[str, float]
    bound: str

    @property
    def samples_per_second(self) -> float:
        """At the best guess."""
        return self.batch / self.step.mid if self.step.mid else 0.0


def step_time(report: MemoryReport, device: Device, setup: Setup) -> TimeReport:
    """Seconds of an optimizer step, or of a forward pass where nothing is trained.

    Args:
        report: The rehearsed step.
        device: Where it runs.
        setup: How it runs.
    """
    parts: dict[str, float] = {}
    bounds = {"arithmetic": 0.0, "bandwidth": 0.0, "launches": 0.0}
    for work in report.work:
        peak = device.peak(setup.precision if work.size < 4 else "tf32")
        needs = {
            "arithmetic": work.flops / (peak * EFFICIENCY),
            "bandwidth": work.bytes / (device.bandwidth * BANDWIDTH),
            "launches": LAUNCH,
        }
        bound = max(needs, key=lambda name: needs[name])
        phase = "forward" if work.phase in ("forward", "loss") else "backward"
        parts[phase] = parts.get(phase, 0.0) + needs[bound]
        bounds[bound] += needs[bound]
    once = {name: seconds * setup.accumulate for name, seconds in parts.items()}
    if setup.training:
        moved = 3 * report.weights + 2 * report.optimizer
        once["optimizer"] = moved / (device.bandwidth * BANDWIDTH)
    total = sum(once.values())
    return TimeReport(
        Interval(total / SPREAD, total, total * SPREAD), setup.batch * setup.accumulate, once,
        max(bounds, key=lambda name: bounds[name]),
    )  # fmt: skip
