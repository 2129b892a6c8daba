"""What a step takes of a device's memory, and whether it fits.

On top of live tensors a process holds the framework's context, what the allocator rounds up and
leaves between tensors, and workspaces of kernels: `device_memory` is what a monitor shows where
there is room. Where there is less, convolutions make do with smaller workspaces and the allocator
gives back what it keeps: `least_memory` is what the step runs with at all, and goes into the
verdict. `tests/bench/fit_room.py` finds the coefficients.
"""

from __future__ import annotations

from typing import Literal

from dsl.cost.interval import Basis, Interval
from dsl.cost.memory import MemoryReport
from dsl.devices.device import Device
from dsl.record import Record

Verdict = Literal["fits", "tight", "does not fit"]

MIB = 2**20


class Room(Record):
    """What a kind of device needs on top of live tensors.

    Attributes:
        context: Bytes of the framework's context.
        library: Bytes of the library for convolutions, where there are any.
        live: What the allocator makes of a live byte.
        workspace: Bytes for each byte that the largest convolution of more than a point reads and
            writes.
        least_context, least_workspace: The same where memory is short; a live byte is then one.
        spread: How far off all this may be, as a factor.
        basis: Whether it is fitted.
    """

    context: int
    library: int
    live: float
    workspace: float
    least_context: int
    least_workspace: float
    spread: float
    basis: Basis


GPU = Room(1455 * MIB, 270 * MIB, 1.04, 3.56, 900 * MIB, 1.0, 1.115, "calibrated")
"""Discrete GPUs. The context is that of 3,000 measured perceptrons, the rest is fitted to 572 runs
of 122 image models in float32 (itu-rad/GPUMemNet); the least is fitted to the largest batches that
ran on an RTX 3090 (timm). The perceptrons took 20 bytes for each parameter, 4 of them copies that
Adam makes for a moment; fused optimizers, which generated scripts use, make none."""

ROOMS = {
    "gpu": GPU,
    "mps": Room(500 * MIB, 100 * MIB, 1.1, 1.0, 300 * MIB, 0.5, 1.3, "prior"),
    "tpu": Room(500 * MIB, 0, 1.1, 1.0, 300 * MIB, 0.5, 1.3, "prior"),
    "cpu": Room(300 * MIB, 50 * MIB, 1.05, 1.0, 250 * MIB, 0.5, 1.3, "prior"),
}
"""By kind of device. Importing PyTorch alone takes 240 MB of a process; the rest of what is said of
others than GPUs is assumed."""


def device_memory(report: MemoryReport, device: Device) -> Interval:
    """Bytes of the device's memory that a process shows at the step's peak, where there is room."""
    room = ROOMS[device.kind]
    largest = largest_convolution(report)
    mid = room.context + room.live * report.held + room.workspace * largest
    mid += room.library * bool(largest)
    return Interval(mid / room.spread, mid, mid * room.spread, room.basis)


def least_memory(report: MemoryReport, device: Device) -> float:
    """Bytes of the device's memory that a step runs with at all."""
    room = ROOMS[device.kind]
    return room.least_context + report.held + room.least_workspace * largest_convolution(report)


def largest_convolution(report: MemoryReport) -> int:
    """Bytes that the largest convolution of more than a point moves in a forward pass."""
    return max(
        (work.bytes for work in report.work
            if work.category == "conv" and work.phase == "forward"),
        default=0,
    )  # fmt: skip


def verdict(needed: Interval, device: Device, least: float | None = None) -> Verdict:
    """Whether what is needed is there.

    Args:
        needed: What a process takes where there is room.
        device: Whose memory it is.
        least: What it runs with at all; the low end of `needed` if not known. Between the two it
            is ``tight``.
    """
    if needed.high <= device.memory:
        return "fits"
    enough = needed.low if least is None else min(least, needed.high)
    return "tight" if enough <= device.memory else "does not fit"
