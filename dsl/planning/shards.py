"""Memory of each of many devices: what the live tensors of a rehearsed step become when shared.

With data parallelism the numbers are counts: of weights, gradients and optimizer state each device
keeps the part that its strategy says (Rajbhandari et al. 2020, section 5), and activations of its
own samples. The peak is the rehearsed one with that part of the gradients. Buffers come on top:
DistributedDataParallel's buckets hold all gradients once more (``gradient_as_bucket_view=False``);
FSDP holds the unit at work and the one fetched ahead in the precision of the products, and the
gradients of one before they are added up and split, in that precision and in float32 (Zhao et al.
2023, section 3.3).

Tensor and pipeline parallelism are on paper. Devices that share layers keep equal parts of weights
and activations, normalisation split over positions as well (Korthikanti et al. 2022, section 4.2.2:
``sbh(34 + 5as/h)/t`` a layer). Of a pipeline, the first stage keeps the activations of as many
parts of the batch as there are stages, the last those of one and what follows the last block
(section 4.2.3; one forward, one backward: Narayanan et al. 2021); a stage makes its weights' copies
in the precision of the products once.
"""

from __future__ import annotations

from dsl.cost.interval import Basis, Interval
from dsl.cost.memory import LOWER, MemoryReport, Setup
from dsl.cost.room import device_memory
from dsl.devices.device import Device
from dsl.planning.outline import Outline
from dsl.planning.strategy import Strategy
from dsl.record import Record

COMMUNICATION = (0.1e9, 0.5e9, 1.2e9)
"""Bytes that the library for collectives keeps on a device: low, mid, high."""


class Held(Record):
    """Live bytes of one device at the peak.

    Attributes:
        weights: Its part of the trainable values.
        buffers: Values that are kept but not trained.
        gradients: Its part of them, at the end of the backward pass.
        optimizer: Its part of the optimizer's state.
        tide: The most of activations, temporaries and gradients at one time.
        exchange: What is gathered, split or sent.
        basis: ``exact`` where all are counted, ``prior`` where some are on paper.
    """

    weights: float
    buffers: float
    gradients: float
    optimizer: float
    tide: float
    exchange: float
    basis: Basis

    @property
    def live(self) -> float:
        """All at the peak."""
        return self.weights + self.buffers + self.optimizer + self.tide + self.exchange


def states(
    params: float, weight: float, gradient: float, optimizer: float, strategy: Strategy,
    copies: int,
) -> tuple[float, float, float]:  # fmt: skip
    """Bytes of weights, gradients and optimizer state on each device.

    Args:
        params: Number of trainable values.
        weight: Bytes of a value.
        gradient: Bytes of its gradient.
        optimizer: Bytes of its optimizer state; 12 with Adam and 16-bit weights, of which it keeps
            a float32 copy.
        strategy: How they are shared.
        copies: Devices, or groups of them, that train on different samples.
    """
    held = params / strategy.devices
    parts = strategy.shares(copies)
    return tuple(
        held * bytes_ * part for bytes_, part in zip((weight, gradient, optimizer), parts)
    )  # type: ignore[return-value]


def held(
    report: MemoryReport,
    outline: Outline,
    setup: Setup,
    strategy: Strategy,
    copies: int,
    parts: int,
) -> Held:
    """What one device holds.

    Args:
        report: The step of one device's micro-batch, rehearsed on a device of its own.
        outline: The model.
        setup: How the step was rehearsed.
        strategy: How it is shared.
        copies: Devices, or groups of them, that train on different samples.
        parts: Micro-batches of a step on each.
    """
    stage = outline.stage(strategy.pipeline) / strategy.tensor
    of_weights, of_gradients, of_state = strategy.shares(copies)
    tide = (
        report.tide(of_gradients) / strategy.tensor if strategy.pipeline == 1
        else _stage_tide(report, outline, strategy, parts) / strategy.tensor
        + report.gradients * stage * of_gradients
    )  # fmt: skip
    exchange = _exchange(report, outline, setup, strategy, copies)
    counted = strategy.devices == 1 and (copies == 1 or strategy.data in ("ddp", "zero1"))
    return Held(
        report.weights * stage * of_weights, report.buffers,
        report.gradients * stage * of_gradients, report.optimizer * stage * of_state,
        tide, exchange, "exact" if counted else "prior",
    )  # fmt: skip


def _stage_tide(report: MemoryReport, outline: Outline, strategy: Strategy, parts: int) -> float:
    """Activations and temporaries of the fullest stage."""
    inside = _inside(outline)
    forward = [
        live for phase, path, live, *_ in report.moments
        if phase == "forward" and path.startswith(inside)
    ]  # fmt: skip
    again = [live for phase, _, live, *_ in report.moments if phase == "recompute"]
    blocks = forward[-1] if forward else report.activations
    working = max(0.0, max(again, default=0.0) - blocks)
    share = -(-outline.rounds // strategy.pipeline) / max(outline.rounds, 1)
    first = blocks * share * min(strategy.pipeline, parts) + working
    last = blocks * share + max(0.0, report.tide(0.0) - blocks)
    return max(first, last)


def _inside(outline: Outline) -> tuple[str, ...]:
    return tuple(f"{unit.path.rpartition('.')[0]}." for unit in outline.units if not unit.outside)


def _exchange(
    report: MemoryReport, outline: Outline, setup: Setup, strategy: Strategy, copies: int
) -> float:
    """Bytes of buffers for what devices tell each other."""
    width = LOWER[setup.precision] or 4
    sent = outline.boundary * setup.batch * width
    exchange = float(sent * (strategy.tensor > 1) + 2 * sent * (strategy.pipeline > 1))
    if strategy.pipeline > 1 and strategy.data != "fsdp" and width < 4:
        exchange += width * outline.params * outline.stage(strategy.pipeline) / strategy.tensor
    if copies == 1:
        return exchange
    unit = outline.largest / strategy.tensor
    if strategy.data == "fsdp":
        split = width + 4 if width < 4 else 4
        return exchange + unit * (2 * width + split)
    if strategy.data == "zero2":
        return exchange + 4 * unit
    return exchange + report.weights * outline.stage(strategy.pipeline) / strategy.tensor


def needed(held: Held, report: MemoryReport, device: Device, count: int) -> Interval:
    """Bytes of a device's memory, with what the framework and collectives take."""
    alone = report.replace(live_peak=round(held.live))
    one = device_memory(alone, device)
    if count == 1:
        return one
    low, mid, high = COMMUNICATION
    return Interval(one.low + low, one.mid + mid, one.high + high, one.basis)
