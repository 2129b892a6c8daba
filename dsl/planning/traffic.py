"""What devices tell each other in a step: bytes that each of them sends, and the time of that.

Rings: of ``b`` bytes among ``n`` an all-reduce sends ``2(n-1)/n b``, a reduce-scatter and an
all-gather half of that (Patarasuk & Yuan 2009; Rajbhandari et al. 2020, section 7). Data
parallelism reduces gradients once a step; ``zero1`` reduces and gathers as much; ``zero2`` splits
the gradients of each part of the batch and gathers weights once a step; ``fsdp`` gathers weights
forward and backward and splits gradients in each part: 1.5 times as much as ``ddp``. Devices
that share layers add up two results of each block forward and two gradients backward (Shoeybi et
al. 2019, section 3), once more where blocks run again; stages send results on and gradients back.
"""

from __future__ import annotations

from dsl.cost.memory import LOWER, Setup
from dsl.planning.cluster import LATENCY, Cluster
from dsl.planning.outline import Outline
from dsl.planning.strategy import Strategy
from dsl.record import Record

GRADIENT = 4
"""Bytes of a gradient that is told: weights are float32 whatever products are in."""


class Collective(Record):
    """One sort of message.

    Attributes:
        name: ``all-reduce``, ``reduce-scatter``, ``all-gather`` or ``send``.
        among: ``data``, ``tensor`` or ``pipeline``.
        bytes: That one device sends in a step.
        calls: In how many messages.
        bandwidth: Bytes a second of each device.
    """

    name: str
    among: str
    bytes: float
    calls: int
    bandwidth: float

    @property
    def seconds(self) -> float:
        """Of a step, if nothing else goes on."""
        return self.bytes / self.bandwidth + self.calls * LATENCY


def ring(name: str, members: int, bytes_: float) -> float:
    """Bytes that each of a ring sends for a collective of some bytes."""
    factor = 2 if name == "all-reduce" else 1
    return factor * (members - 1) / members * bytes_


def traffic(
    outline: Outline, setup: Setup, strategy: Strategy, cluster: Cluster, parts: int
) -> tuple[Collective, ...]:
    """Everything that a device sends in a step.

    Args:
        outline: The model.
        setup: How a part of the batch runs on each device.
        strategy: How the step is shared.
        cluster: By which devices.
        parts: Micro-batches of a step on each device.
    """
    return (
        *_of_data(outline, setup, strategy, cluster, parts),
        *_of_tensors(outline, setup, strategy, cluster, parts),
        *_of_stages(outline, setup, strategy, cluster, parts),
    )


def _of_data(
    outline: Outline, setup: Setup, strategy: Strategy, cluster: Cluster, parts: int
) -> list[Collective]:
    copies = cluster.count // strategy.devices
    if copies == 1:
        return []
    params = outline.params * outline.stage(strategy.pipeline) / strategy.tensor
    width = LOWER[setup.precision] or 4
    units = sum(unit.rounds for unit in outline.units if unit.params)
    gathers, splits = ("all-gather", params * 4, 1), ("reduce-scatter", params * GRADIENT, 1)
    plans = {
        "ddp": [("all-reduce", params * GRADIENT, 1)],
        "zero1": [splits, gathers],
        "zero2": [("reduce-scatter", params * GRADIENT, parts), gathers],
        "fsdp": [
            ("all-gather", params * width, 2 * parts),
            ("reduce-scatter", params * GRADIENT, parts),
        ],
    }
    bandwidth = cluster.bandwidth(copies, strategy.tensor)
    return [
        Collective(name, "data", ring(name, copies, bytes_) * times, times * units, bandwidth)
        for name, bytes_, times in plans[strategy.data]
    ]


def _of_tensors(
    outline: Outline, setup: Setup, strategy: Strategy, cluster: Cluster, parts: int
) -> list[Collective]:
    if strategy.tensor == 1:
        return []
    width = LOWER[setup.precision] or 4
    passes = (3 if setup.recompute else 2) * parts
    share = 1 / strategy.pipeline
    whole = outline.seams * setup.batch * width * passes * share
    sent = ring("all-reduce", strategy.tensor, whole)
    calls = round(outline.sums * passes * share)
    return [Collective("all-reduce", "tensor", sent, calls, cluster.bandwidth(strategy.tensor))]


def _of_stages(
    outline: Outline, setup: Setup, strategy: Strategy, cluster: Cluster, parts: int
) -> list[Collective]:
    if strategy.pipeline == 1:
        return []
    width = LOWER[setup.precision] or 4
    stride = cluster.count // strategy.pipeline
    sent = 2.0 * outline.boundary * setup.batch * width * parts / strategy.tensor
    return [Collective("send", "pipeline", sent, 2 * parts, cluster.bandwidth(2, stride))]
