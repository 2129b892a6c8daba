"""A spec on several devices that hold shards of weights and state, as `msl plan` has it."""

from __future__ import annotations

from dsl.choosing.subject import Subject
from dsl.devices.device import Device
from dsl.planning.plan import Ask, Planner, Row
from dsl.planning.strategy import Strategy

COUNTS = (2, 4, 8, 16, 32, 64)
"""Numbers of devices that are tried."""


def shared_out(subject: Subject, device: Device, count: int) -> Row | None:
    """The quickest way to take the spec's step on so many devices with FSDP; None for none.

    The samples of a step stay what they are, and are shared among the devices.

    Args:
        subject: The spec, its own recompute and precision included.
        device: Each of the devices.
        count: How many there are.
    """
    setup = subject.setup(device)
    ask = Ask(
        device, setup.precision, batch=setup.batch * setup.accumulate,
        most=setup.batch, strategy=Strategy("fsdp"), recompute=setup.recompute,
    )  # fmt: skip
    return Planner(subject.model, subject.training, ask).best(count)
