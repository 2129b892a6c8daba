"""The time of a step on a device: each operation by its arithmetic, its traffic, and its launch.

An operation takes ``((FLOPs / (share peak))^p + (bytes / (share bandwidth))^p)^(1/p) + launch``:
the longer of the two where one is much longer, more where both are alike. Operations follow one
another, the optimizer follows them, and a framework that sends them off one by one is a floor under
all. The coefficients and where they are from: `dsl.cost.efficiency`.
"""

from __future__ import annotations

from math import exp, log
from typing import Literal

from dsl.cost import efficiency as at
from dsl.cost.interval import Basis, Interval
from dsl.cost.memory import MemoryReport, Setup
from dsl.devices.device import Device
from dsl.record import Record
from dsl.tape.work import Work

Rates = tuple[float, float]
"""Seconds of a FLOP and of a byte."""

DOUBTED = frozenset(["grouped", "depthwise", "attention"])
"""Categories whose kernels differ most from one size and release to another."""


TURNED = frozenset(["conv", "conv1x1", "grouped"])
"""Categories that tensor cores compute with channels last, and turn what lies otherwise."""


class TimeReport(Record):
    """The time of an optimizer step.

    Attributes:
        step: Seconds.
        batch: Samples of a step.
        parts: Seconds by what takes them: ``forward``, ``backward``, ``optimizer``; what the host
            adds is in ``host``.
        bound: What most of the time goes to: ``arithmetic``, ``bandwidth`` or ``launches``.
        doubt: Half width of the band of log time that is the model's own, and no other model's on
            the same device.
        categories: Seconds by category of operation.
    """

    step: Interval
    batch: int
    parts: dict[str, float]
    bound: str
    doubt: float = 0.0
    categories: dict[str, float] = {}

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
    clock = _Clock(device, setup)
    for work in report.work:
        clock.add(work)
    times = setup.accumulate
    parts = {name: seconds * times for name, seconds in clock.parts.items()}
    if setup.training:
        moved = 3 * report.weights + 2 * report.optimizer
        parts["optimizer"] = moved / (device.bandwidth * at.UPDATE)
    busy = sum(parts.values())
    sent = (
        sum(work.times for work in report.work) * times * at.HOST if device.kind != "cpu" else 0.0
    )
    total = (busy**4 + sent**4) ** 0.25
    parts["host"] = total - busy
    doubt = clock.doubt + at.HOSTED * (sent > busy)
    bound = "launches" if sent > busy else max(clock.bounds, key=lambda name: clock.bounds[name])
    return TimeReport(
        _around(total, device, doubt), setup.batch * times, parts, bound, doubt, clock.categories
    )


def faster(a: TimeReport, b: TimeReport) -> Literal["a", "b", "tie"]:
    """Which of two steps for the same data on the same device takes less time for each sample.

    What is wrong about the device is wrong about both, so less is asked for than that the
    intervals lie apart: that the times differ by half of what is doubtful about each model.
    """
    apart = log(b.samples_per_second / a.samples_per_second)
    if abs(apart) <= (a.doubt + b.doubt) / 2:
        return "tie"
    return "b" if apart > 0 else "a"


def _around(seconds: float, device: Device, doubt: float) -> Interval:
    basis: Basis = "calibrated"
    if device.measured or device.generation not in at.VALIDATED:
        doubt, basis = max(doubt, at.PRIOR), "prior"
    elif device.family != "ampere-geforce":
        doubt += at.UNSEEN
    return Interval(seconds * exp(-doubt), seconds, seconds * exp(doubt), basis)


class _Clock:
    """Adds up the time of operations.

    Attributes:
        parts: Seconds by phase, ``forward`` or ``backward``.
        bounds: Seconds by what is the bound.
        categories: Seconds by category.
    """

    def __init__(self, device: Device, setup: Setup) -> None:
        self.device, self.setup = device, setup
        self.cache, self.ceiling = at.cache(device), at.ceiling(device)
        self.rates: dict[tuple[str, int, bool], Rates] = {}
        self.parts: dict[str, float] = {}
        self.bounds = {"arithmetic": 0.0, "bandwidth": 0.0, "launches": 0.0}
        self.categories: dict[str, float] = {}

    def add(self, work: Work) -> None:
        """One operation."""
        back = work.phase not in ("forward", "loss")
        key = work.category, work.size, back
        rates = self.rates.get(key)
        if rates is None:
            rates = self.rates[key] = self._rates(*key)
        arithmetic, traffic = work.flops * rates[0], self._fetched(work.bytes) * rates[1]
        if arithmetic and traffic:
            p = at.SHARPNESS
            both = (arithmetic**p + traffic**p) ** (1 / p)
        else:
            both = arithmetic + traffic
        phase = "backward" if back else "forward"
        seconds = (both + at.LAUNCH) * work.times
        self.parts[phase] = self.parts.get(phase, 0.0) + seconds
        self.categories[work.category] = self.categories.get(work.category, 0.0) + seconds
        bound = "arithmetic" if arithmetic > traffic else "bandwidth"
        self.bounds[bound if both > at.LAUNCH else "launches"] += seconds

    def _fetched(self, bytes_: float) -> float:
        """Bytes that come from memory: what the last operation wrote may still lie in the cache."""
        return max(bytes_ / at.CACHED, bytes_ - self.cache)

    def _rates(self, category: str, size: int, back: bool) -> Rates:
        fitted, device = at.FITTED, self.device
        precision = self.setup.precision if size < 4 else "tf32"
        peak = device.peak("fp32") if category == "depthwise" else device.peak(precision)
        share = fitted.get(at.ALIKE.get(category, category), 1.0)
        if category != "depthwise":
            share *= self.ceiling
        flop = 1 / (peak * share)
        if back:
            flop *= fitted.get(f"backward {category}", 1.0)
        reach = fitted.get(f"traffic {category}", at.STREAM) * at.bus(device)
        byte = self._passes(category, back) / (device.bandwidth * reach)
        if category in TURNED and not self.setup.channels_last:
            if peak > device.peak("fp32"):
                return flop * fitted["channels first"], byte * fitted["channels first"]
        return flop, byte

    def _passes(self, category: str, back: bool) -> float:
        """How often a norm goes over what it reads, against once for each operand and result.

        Over the batch the statistics come first: two reads and a write where one of each is
        counted. In the backward pass two sums over input and gradient come first.
        """
        if category not in ("norm", "batch_norm"):
            return 1.0
        if back:
            return 5 / 3
        return 3 / 2 if category == "batch_norm" and self.setup.training else 1.0

    @property
    def doubt(self) -> float:
        """Half width of the band of log time that is due to the model."""
        total = sum(self.categories.values())
        doubted = sum(self.categories.get(category, 0.0) for category in DOUBTED)
        language = {
            "lookup",
            "attention",
        } <= self.categories.keys() and "conv" not in self.categories
        plain = at.LANGUAGE if language else at.PLAIN
        return plain + at.DOUBTFUL * (doubted / total if total else 0.0)
