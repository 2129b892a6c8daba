"""What a step takes of a device's memory, and whether it fits.

On top of live tensors a process holds the framework's context, what the allocator rounds up and
leaves between tensors, and workspaces of kernels. Their size is a calibrated interval.
"""

from __future__ import annotations

from typing import Literal

from dsl.cost.interval import Interval
from dsl.cost.memory import MemoryReport
from dsl.devices.device import Device

Verdict = Literal["fits", "tight", "does not fit"]

CONTEXT = {"gpu": (0.4e9, 0.9e9, 2.1e9), "cpu": (0.2e9, 0.3e9, 0.5e9)}
"""Bytes of the framework's own by kind of device: low, mid, high."""

SLACK = (1.0, 1.1, 1.25)
"""What the allocator and workspaces make of live bytes: low, mid, high."""


def device_memory(report: MemoryReport, device: Device) -> Interval:
    """Bytes of the device's memory that a step takes at its peak."""
    context = CONTEXT.get(device.kind, CONTEXT["gpu"])
    low, mid, high = (base + factor * report.live_peak for base, factor in zip(context, SLACK))
    return Interval(low, mid, high)


def verdict(needed: Interval, device: Device) -> Verdict:
    """Whether what is needed is there: ``tight`` where the interval does not decide."""
    if needed.high <= device.memory:
        return "fits"
    return "tight" if needed.low <= device.memory else "does not fit"
