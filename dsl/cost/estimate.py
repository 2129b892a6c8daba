"""Everything that a model takes on a device: the one place that commands ask."""

from __future__ import annotations

from dsl.cost.interval import Interval
from dsl.cost.memory import MemoryReport, Setup, rehearse
from dsl.cost.report import CostReport, estimate
from dsl.cost.room import Verdict, device_memory, least_memory, verdict
from dsl.cost.time import TimeReport, step_time
from dsl.devices.device import Device
from dsl.ir import Model
from dsl.record import Record
from dsl.training.optimizers import Adam
from dsl.training.plan import Training


class Outlook(Record):
    """What a model takes, and how that goes with a device.

    Attributes:
        cost: Parameters, MACs and FLOPs, by layer.
        memory: Live tensors.
        setup: How the step is run.
        optimizer: Name of the optimizer, "" where nothing is trained.
        device: Where, if a device was asked about.
        needed: Bytes of the device's memory.
        fits: Whether that is there.
        time: Of a step.
    """

    cost: CostReport
    memory: MemoryReport
    setup: Setup
    optimizer: str = ""
    device: Device | None = None
    needed: Interval | None = None
    fits: Verdict | None = None
    time: TimeReport | None = None


def setup_of(training: Training, batch: int | None = None, trains: bool | None = None) -> Setup:
    """How the spec says that a step is run.

    Args:
        training: The spec's sections.
        batch: Samples instead of the spec's; without a loss in the spec, 1 is the default.
        trains: Whether there is a backward pass; by default where the spec has a loss.
    """
    trains = bool(training.losses) if trains is None else trains
    precision = training.device.precision
    return Setup(
        batch=batch or (training.train.batch if training.losses else 1),
        training=trains,
        precision="bfloat16" if precision == "auto" else precision,
        accumulate=training.train.accumulate if trains else 1,
        recompute=training.device.recompute if trains else (),
        device="cpu" if training.device.target == "cpu" else "cuda",
    )


def outlook(
    model: Model, training: Training, setup: Setup, device: Device | None = None,
    batch: int | None = None,
) -> Outlook:  # fmt: skip
    """Counts a model's cost, rehearses its step, and holds both against a device.

    Args:
        model: The model.
        training: Its loss and optimizer; Adam, as scripts have it, where the spec names none.
        setup: How the step is run.
        device: Where.
        batch: Samples that MACs and FLOPs are counted for, if not those of the step.
    """
    if setup.training and training.optimizer is None:
        training = training.replace(optimizer=Adam())
    memory = rehearse(model, training, setup)
    name = training.optimizer.name if setup.training and training.optimizer else ""
    counted = Outlook(estimate(model, batch or setup.batch), memory, setup, name)
    return counted if device is None else on_device(counted, device)


def on_device(outlook: Outlook, device: Device) -> Outlook:
    """What was counted, held against a device."""
    memory, setup = outlook.memory, outlook.setup
    needed = device_memory(memory, device)
    return outlook.replace(
        device=device, needed=needed,
        fits=verdict(needed, device, least_memory(memory, device)),
        time=step_time(memory, device, setup),
    )  # fmt: skip
