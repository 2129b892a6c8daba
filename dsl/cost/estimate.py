"""Everything that a model takes on a device: the one place that commands ask."""

from __future__ import annotations

from dsl.cost.interval import Interval
from dsl.cost.memory import MemoryReport, Setup, rehearse
from dsl.cost.report import CostReport, estimate
from dsl.cost.room import Verdict, device_memory, verdict
from dsl.cost.time import TimeReport, step_time
from dsl.devices.device import Device
from dsl.ir import Model
from dsl.record import Record
from dsl.training.plan import Training


class Outlook(Record):
    """What a model takes, and how that goes with a device.

    Attributes:
        cost: Parameters, MACs and FLOPs, by layer.
        memory: Live tensors.
        setup: How the step is run.
        device: Where, if a device was asked about.
        needed: Bytes of the device's memory.
        fits: Whether that is there.
        time: Of a step.
    """

    cost: CostReport
    memory: MemoryReport
    setup: Setup
    device: Device | None = None
    needed: Interval | None = None
    fits: Verdict | None = None
    time: TimeReport | None = None


def setup_of(training: Training | None, batch: int | None = None) -> Setup:
    """How the spec says that a step is run; inference where it has no loss.

    Args:
        training: The spec's sections.
        batch: Samples instead of the spec's.
    """
    if training is None or not training.losses:
        return Setup(batch=batch or 1, training=False)
    precision = training.device.precision
    return Setup(
        batch=batch or training.train.batch,
        precision="bfloat16" if precision == "auto" else precision,
        accumulate=training.train.accumulate,
        recompute=training.device.recompute,
        device="cpu" if training.device.target == "cpu" else "cuda",
    )


def outlook(
    model: Model, training: Training | None, setup: Setup, device: Device | None = None
) -> Outlook:
    """Counts a model's cost, rehearses its step, and holds both against a device."""
    memory = rehearse(model, training, setup)
    cost = estimate(model, setup.batch)
    if device is None:
        return Outlook(cost, memory, setup)
    needed = device_memory(memory, device)
    time = step_time(memory, device, setup)
    return Outlook(cost, memory, setup, device, needed, verdict(needed, device), time)
