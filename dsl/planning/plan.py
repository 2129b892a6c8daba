"""A training run on some number of devices: how to share it, what it takes, and how few suffice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any

from dsl.cost.interval import Interval
from dsl.cost.memory import MemoryReport, Setup, rehearse
from dsl.cost.report import estimate
from dsl.cost.room import Verdict, verdict
from dsl.devices.device import Device
from dsl.ir import Model
from dsl.planning.cluster import NETWORK_RATE, PER_NODE, Cluster
from dsl.planning.outline import Outline, outline
from dsl.planning.pace import Alone, Pace, alone, pace
from dsl.planning.shards import Held, held, needed
from dsl.planning.strategy import Strategy
from dsl.planning.traffic import Collective, traffic
from dsl.record import Record
from dsl.training.plan import Training

DATA_ONLY = tuple(Strategy(data) for data in ("ddp", "zero1", "zero2", "fsdp"))
"""What is tried first where no strategy is given."""

MOST = 1024
"""Devices that are looked at."""

PARTS = 4
"""Micro-batches for each stage of a pipeline where no batch is given."""

CLEARLY = 1.05
"""How much quicker a way has to be to be preferred to a simpler one."""

TIE = 1.02
"""How much more a figure has to be to count as more at all."""

ADAM = 2
"""Values of optimizer state for each weight where the spec has no optimizer."""

_RANK = {"fits": 0, "tight": 1, "does not fit": 2}


class Ask(Record):
    """What is wanted.

    Attributes:
        device: What to train on.
        precision: Of the products.
        batch: Samples of an optimizer step over all devices; None for as many as fit.
        micro: Samples of one forward and backward pass; None for the quickest that fits.
        most: The most of those that are looked at, where `micro` is None.
        strategy: How to share a step; None for the quickest that fits.
        recompute: Blocks to run again instead of keeping what they need; None for those that are
            repeated, where nothing fits without.
        samples: Of the whole run; None if that is not known.
        steps: Optimizer steps of the whole run, where those are given and not samples.
        price: US dollars for an hour of one device, lowest and highest; None without a price.
        per_node: Devices in a node.
        network: Bytes a second from each device to other nodes.
    """

    device: Device
    precision: str
    batch: int | None = None
    micro: int | None = None
    most: int = 4096
    strategy: Strategy | None = None
    recompute: tuple[str, ...] | None = None
    samples: int | None = None
    steps: int | None = None
    price: tuple[float, float] | None = None
    per_node: int = PER_NODE
    network: float = NETWORK_RATE


class Row(Record):
    """One way to run the training.

    Attributes:
        count: Devices.
        strategy: How they share a step.
        micro: Samples of one forward and backward pass on one device.
        parts: Micro-batches of a step on each.
        batch: Samples of a step over all devices.
        recompute: Blocks that run again.
        held: Live tensors of one device.
        needed: Bytes of its memory.
        verdict: Whether they are there.
        pace: The time of a step.
        told: What devices tell each other.
        samples_per_second: At the best guess.
        steps: Optimizer steps of the run; None where its length is not known.
        seconds: Of the run.
        money: US dollars of the run; None without a price.
    """

    count: int
    strategy: Strategy
    micro: int
    parts: int
    batch: int
    recompute: tuple[str, ...]
    held: Held
    needed: Interval
    verdict: Verdict
    pace: Pace
    told: tuple[Collective, ...]
    samples_per_second: float
    steps: int | None
    seconds: Interval | None
    money: Interval | None

    @property
    def device_hours(self) -> Interval | None:
        """Hours of all devices together."""
        return self.seconds and self.seconds * (self.count / 3600)


class Planner:
    """Finds how to run a training; what is rehearsed is remembered.

    Args:
        model: The model.
        training: Its loss and optimizer.
        ask: What is wanted.
    """

    def __init__(self, model: Model, training: Training, ask: Ask) -> None:
        self.model, self.training, self.ask = model, training, ask
        self._reports: dict[tuple[Any, ...], tuple[Setup, MemoryReport]] = {}
        self._alone: dict[tuple[Any, ...], Alone] = {}

    @cached_property
    def outline(self) -> Outline:
        """The model as its sharers see it."""
        return outline(self.model)

    @cached_property
    def flops(self) -> int:
        """FLOPs of one sample, forward and backward, none counted twice."""
        return estimate(self.model, 1).train_step

    def strategies(self, count: int) -> Iterator[tuple[Strategy, ...]]:
        """What to try on some devices; a later group where nothing of an earlier one fits."""
        if self.ask.strategy is not None:
            yield (self.ask.strategy,)
            return
        yield DATA_ONLY if count > 1 else DATA_ONLY[:1]
        if count > 1 and self.outline.sums:
            degrees = [size for size in (2, 4, 8) if size <= min(count, self.ask.per_node)]
            yield tuple(Strategy("fsdp", size) for size in degrees)
            yield tuple(
                Strategy("zero1", degrees[-1], stages)
                for stages in (2, 4, 8, 16) if stages <= self.outline.rounds
            )  # fmt: skip

    def best(self, count: int) -> Row | None:
        """The quickest way that fits on some devices, else the one that comes nearest to it.

        None where the count cannot be used: too many devices for the batch, or no multiple of what
        holds one copy of the model.
        """
        found: Row | None = None
        for group in self.strategies(count):
            for strategy in group:
                for row in self._rows(count, strategy):
                    found = row if found is None or _better(row, found) else found
            if found is not None and found.verdict == "fits":
                break
        return found

    def _rows(self, count: int, strategy: Strategy) -> Iterator[Row]:
        copies, rest = divmod(count, strategy.devices)
        if rest or not copies or (self.ask.batch is not None and copies > self.ask.batch):
            return
        for recompute in self._recomputes():
            fitted = False
            for micro in self._micros(copies):
                row = self._row(count, strategy, copies, micro, recompute)
                fitted |= row.verdict == "fits"
                yield row
                if row.verdict == "does not fit":
                    break
            if fitted:
                return

    def _recomputes(self) -> Iterator[tuple[str, ...]]:
        if self.ask.recompute is not None:
            yield self.ask.recompute
            return
        yield ()
        if self.outline.blocks:
            yield self.outline.blocks

    def _micros(self, copies: int) -> Iterator[int]:
        """Sizes of micro-batches to try, ascending: powers of two, and divisors near them."""
        most = self.ask.most
        if self.ask.batch is not None:
            most = min(most, -(-self.ask.batch // copies))
        if self.ask.micro is not None:
            yield self.ask.micro
            return
        whole = -(-self.ask.batch // copies) if self.ask.batch is not None else 0
        rungs = [2**power for power in range(most.bit_length()) if 2**power < most]
        sizes = {*rungs, most}
        if whole:
            sizes |= {next(size for size in range(rung, 0, -1) if not whole % size)
                      for rung in (*rungs, most)}  # fmt: skip
        yield from sorted(sizes)

    def _row(
        self, count: int, strategy: Strategy, copies: int, micro: int, recompute: tuple[str, ...]
    ) -> Row:
        ask, batch = self.ask, self.ask.batch
        if batch is None:
            parts = strategy.pipeline * PARTS if strategy.pipeline > 1 else 1
            batch = micro * parts * copies
        parts = -(-batch // (copies * micro))
        cluster = Cluster(ask.device, count, ask.per_node, ask.network)
        gathered = (strategy.data == "fsdp" and copies > 1) or strategy.pipeline > 1
        setup, report = self._rehearsed(micro, parts > 1, gathered, recompute)
        live = held(report, self.outline, setup, strategy, copies, parts)
        room = needed(live, report, ask.device, count)
        told = traffic(self.outline, setup, strategy, cluster, parts)
        one = self._one(cluster, micro, parts > 1, recompute)
        flops = self.flops * batch
        speed = pace(one, strategy, cluster, parts, told, ask.precision, flops)
        steps = ask.steps if ask.samples is None else -(-ask.samples // batch)
        seconds = speed.step * steps if steps is not None else None
        return Row(
            count, strategy, micro, parts, batch, recompute, live, room,
            verdict(room, ask.device), speed, told, batch / speed.step.mid, steps, seconds,
            self._money(seconds, count),
        )  # fmt: skip

    def _one(
        self, cluster: Cluster, micro: int, several: bool, recompute: tuple[str, ...]
    ) -> Alone:
        """The time on one device, of the arithmetic that times are calibrated for: autocast."""
        key = (micro, recompute)
        if key not in self._alone:
            setup, report = self._rehearsed(micro, several, False, recompute)
            self._alone[key] = alone(report, cluster, setup, self.flops * micro)
        return self._alone[key]

    def _rehearsed(
        self, micro: int, several: bool, gathered: bool, recompute: tuple[str, ...]
    ) -> tuple[Setup, MemoryReport]:
        key = (micro, several, gathered, recompute)
        if key not in self._reports:
            setup = Setup(
                batch=micro, precision=self.ask.precision, accumulate=1 + several,
                recompute=recompute, gathered=gathered,
                device="cpu" if self.ask.device.kind == "cpu" else "cuda",
            )  # fmt: skip
            report = rehearse(self.model, self.training, setup)
            if self.training.optimizer is None:
                report = report.replace(optimizer=ADAM * report.weights)
            self._reports[key] = setup, report
        return self._reports[key]

    def _money(self, seconds: Interval | None, count: int) -> Interval | None:
        if seconds is None or self.ask.price is None:
            return None
        hours = seconds * (count / 3600)
        low, high = self.ask.price
        middle = hours.mid * (low + high) / 2
        return Interval(hours.low * low, middle, hours.high * high, hours.basis)

    # --- how many -----------------------------------------------------------------------

    def table(self, also: Iterable[int] = (), most: int = MOST) -> list[Row]:
        """A row for each power of two up to `most`, the smallest count that fits, and others."""
        counts = [2**power for power in range(most.bit_length()) if 2**power <= most]
        rows = {count: self.best(count) for count in counts}
        fitting = [count for count in counts if _fits(rows[count])]
        if fitting:
            rows |= self._between(fitting[0])
        rows |= {count: self.best(count) for count in also if count not in rows}
        return [row for _, row in sorted(rows.items()) if row is not None]

    def _between(self, fits: int) -> dict[int, Row | None]:
        """The smallest count that fits, of whole nodes, below a power of two that does."""
        node = self.ask.per_node
        for count in range((fits // 2 // node + 1) * node, fits, node):
            if count > fits // 2:
                row = self.best(count)
                if _fits(row):
                    return {count: row}
        return {}


def _fits(row: Row | None) -> bool:
    return row is not None and row.verdict == "fits"


def _better(one: Row, other: Row) -> bool:
    """Whether a row is to be preferred to an earlier one.

    What fits comes first, then what is clearly quicker. Of equals it is the larger micro-batch, on
    which devices are used better than constants say, and the simpler strategy, which comes earlier.
    """
    if one.verdict != other.verdict:
        return _RANK[one.verdict] < _RANK[other.verdict]
    if one.verdict != "fits":
        return one.needed.mid < other.needed.mid
    alike = (one.strategy, one.recompute) == (other.strategy, other.recompute)
    clearly = 1 / CLEARLY if alike and one.micro > other.micro else CLEARLY
    return one.samples_per_second > other.samples_per_second * clearly


def smallest(rows: Iterable[Row]) -> Row | None:
    """Of the rows that fit the one with the fewest devices."""
    return min((row for row in rows if _fits(row)), key=lambda row: row.count, default=None)


def cheapest(rows: Iterable[Row]) -> Row | None:
    """Of the rows that fit the one with the fewest hours of devices for a sample."""
    return _most(rows, lambda row: row.samples_per_second / row.count)


def fastest(rows: Iterable[Row]) -> Row | None:
    """Of the rows that fit the one with the most samples a second."""
    return _most(rows, lambda row: row.samples_per_second)


def _most(rows: Iterable[Row], figure: Callable[[Row], float]) -> Row | None:
    """Of the rows that fit that with the highest figure; of ties that with the fewest devices."""
    fitting = [row for row in rows if _fits(row)]
    least = max(map(figure, fitting), default=0.0) / TIE
    near = [row for row in fitting if figure(row) >= least]
    return min(near, key=lambda row: row.count, default=None)
