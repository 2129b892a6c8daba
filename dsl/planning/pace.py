"""The time of a step on many devices.

A device computes its part of the samples as it would alone; a pipeline of ``p`` stages that works
on ``m`` parts of the batch idles ``(p-1)/m`` of that time (Huang et al. 2019, section 2.3;
Narayanan et al. 2021, section 2.2). Of what data parallelism and stages tell each other, `OVERLAP`
hides behind computation as far as there is any; sums of devices that share layers hide nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from dsl.cost.interval import Interval
from dsl.cost.memory import MemoryReport, Setup
from dsl.cost.time import step_time
from dsl.cost.utilisation import is_language, language_share
from dsl.devices.device import Device
from dsl.planning.cluster import Cluster
from dsl.planning.strategy import Strategy
from dsl.planning.traffic import Collective
from dsl.record import Record

OVERLAP = 0.85
"""The part of communication that can go on while devices compute."""

BACKWARD = 2 / 3
"""The part of a step that is the backward pass."""

EXPOSED = (0.6, 1.0, 2.0)
"""How far off the seconds of communication may be."""

SHARED = 1.15
"""What the spread grows by where layers or stages are shared, which is on paper."""


class Alone(Record):
    """What a device takes for one micro-batch of the whole model.

    Attributes:
        seconds: Forward and backward.
        optimizer: Seconds of the optimizer, once a step.
        rule: How the seconds were found: ``utilisation`` of language models, or ``operations``.
    """

    seconds: Interval
    optimizer: float
    rule: str


class Pace(Record):
    """The time of an optimizer step.

    Attributes:
        step: Seconds.
        compute: Seconds that devices compute.
        idle: Seconds that they wait for other stages.
        exposed: Seconds that they wait for messages.
        utilisation: Model FLOPs as a share of all devices' peak.
    """

    step: Interval
    compute: float
    idle: float
    exposed: float
    utilisation: float


def alone(report: MemoryReport, cluster: Cluster, setup: Setup, flops: float) -> Alone:
    """The time of one micro-batch on one device, as if that had all the memory it needs.

    Of a language model it is the longer of what its operations take and of what published runs do:
    small models do not reach their utilisation, and large ones are no better tuned than they.

    Args:
        report: The rehearsed step.
        cluster: For the device.
        setup: How it was rehearsed.
        flops: Model FLOPs of the micro-batch, forward and backward.
    """
    operations = _by_operation(report, cluster.device, setup)
    if not is_language(report.work):
        return operations
    published = _by_utilisation(cluster.device, setup, flops)
    return max(operations, published, key=lambda found: found.seconds.mid)


def _by_utilisation(device: Device, setup: Setup, flops: float) -> Alone:
    share = language_share(device, setup.precision)
    peak = device.peak("tf32" if setup.precision == "float32" else setup.precision)
    low, mid, high = (flops / (peak * part) for part in (share.high, share.mid, share.low))
    return Alone(Interval(low, mid, high, share.basis), 0.0, "utilisation")


def _by_operation(report: MemoryReport, device: Device, setup: Setup) -> Alone:
    time = step_time(report, device, setup.replace(accumulate=1))
    optimizer = time.parts.get("optimizer", 0.0)
    rest = max(time.step.mid - optimizer, 0.0) / (time.step.mid or 1.0)
    return Alone(time.step * rest, optimizer, "operations")


def pace(
    one: Alone, strategy: Strategy, cluster: Cluster, parts: int, told: Iterable[Collective],
    precision: str, flops: float,
) -> Pace:  # fmt: skip
    """The time of a step.

    Args:
        one: A micro-batch on one device.
        strategy: How the step is shared.
        cluster: By which devices.
        parts: Micro-batches of a step on each device, or group that shares a copy.
        told: What they tell each other.
        precision: Of the products, for the peak that the utilisation is of.
        flops: Model FLOPs of the step, on all devices.
    """
    copies = cluster.count // strategy.devices
    work = one.seconds * (parts / strategy.devices)
    bubble = (strategy.pipeline - 1) / parts
    once = one.optimizer / strategy.devices * strategy.shares(copies)[2]
    waits = _exposed(told, work.mid, strategy, parts)
    spread = SHARED if strategy.devices > 1 else 1.0
    ends = zip((work.low / spread, work.mid, work.high * spread), EXPOSED)
    low, mid, high = (value * (1 + bubble) + once + waits * factor for value, factor in ends)
    peak = cluster.count * cluster.device.peak("tf32" if precision == "float32" else precision)
    used = flops / (mid * peak)
    basis = "prior" if strategy.devices > 1 else work.basis
    return Pace(Interval(low, mid, high, basis), work.mid + once, work.mid * bubble, waits, used)


def _exposed(told: Iterable[Collective], work: float, strategy: Strategy, parts: int) -> float:
    """Seconds of communication that nothing hides."""
    windows = {"ddp": BACKWARD / parts, "zero1": BACKWARD / parts, "zero2": BACKWARD, "fsdp": 1.0}
    window = {"data": windows[strategy.data], "pipeline": 1.0, "tensor": 0.0}
    spent: dict[str, float] = {}
    for collective in told:
        spent[collective.among] = spent.get(collective.among, 0.0) + collective.seconds
    return sum(
        seconds - min(OVERLAP * seconds, window[among] * work) for among, seconds in spent.items()
    )
