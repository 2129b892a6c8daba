"""Published measurements of steps, and what the model says about the same ones.

`data/README.md` says where the rows are from.
"""

from __future__ import annotations

import csv
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path

import dsl
from dsl.compilation import Compilation
from dsl.cost.memory import MemoryReport, Setup, rehearse
from dsl.cost.time import TimeReport, faster, step_time
from dsl.devices import find
from dsl.training.optimizers import SGD, Adam
from tests.conftest import EXAMPLES

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Row:
    """A measured step.

    Attributes:
        source: ``timm``, ``lambda``, ``nvidia`` or ``foundry``.
        spec, model, define, sizes: The model among the zoo's.
        device: By its name in the table of devices.
        trains: Whether it is a training step, or a forward pass.
        precision: As `Setup` has it.
        channels_last: Whether images lie so.
        fused_attention: Whether the software of the measurement had it.
        batch: Samples on the device.
        seconds: Of the step.
        name: The source's name for it.
    """

    source: str
    spec: str
    model: str
    define: str
    sizes: str
    device: str
    trains: bool
    precision: str
    channels_last: bool
    fused_attention: bool
    batch: int
    seconds: float
    name: str

    @property
    def setup(self) -> Setup:
        """How the step was run."""
        return Setup(
            batch=self.batch,
            training=self.trains,
            precision=self.precision,
            recompute=("PreNormLayer",) if "recomputed" in self.name else (),
            sizes={name: int(size) for name, size in pairs(self.sizes)},
            fused_attention=self.fused_attention,
            channels_last=self.channels_last,
        )


@dataclass(frozen=True)
class Guess:
    """A measured step beside what the model says.

    Attributes:
        row: The measurement.
        time: What the model says.
    """

    row: Row
    time: TimeReport

    @property
    def error(self) -> float:
        """Logarithm of guess by measurement."""
        return math.log(self.time.step.mid / self.row.seconds)

    @property
    def covered(self) -> bool:
        """Whether the measurement lies in the interval."""
        return self.time.step.low <= self.row.seconds <= self.time.step.high


def pairs(text: str) -> list[tuple[str, str]]:
    """``a=1;b=2`` taken apart."""
    return [(name, value) for name, _, value in (item.partition("=") for item in text.split(";")
        if item)]  # fmt: skip


def rows(source: str, device: str = "", mode: str = "", layout: str = "") -> list[Row]:
    """The rows of a source, those of one device, mode and layout if given."""
    found = []
    with (DATA / "steps.csv").open(newline="") as file:
        for item in csv.DictReader(file):
            same = (item["device"], item["mode"], item["layout"])
            asked = (device, mode, layout)
            if item["source"] == source and all(not b or a == b for a, b in zip(same, asked)):
                found.append(_row(item))
    return found


def _row(item: dict[str, str]) -> Row:
    batch = int(item["batch"])
    return Row(
        item["source"], item["spec"], item["model"], item["define"], item["sizes"],
        item["device"], item["mode"] == "train", item["precision"], item["layout"] == "nhwc",
        item["fused_attention"] == "1", batch, batch / float(item["samples_per_second"]),
        item["name"],
    )  # fmt: skip


@cache
def compiled(spec: str, model: str, define: str) -> Compilation:
    """A model of the zoo."""
    path = EXAMPLES / "zoo" / f"{spec}.msl"
    return dsl.load(str(path), model=model, define=dict(pairs(define))).compilation


def rehearsed(row: Row) -> MemoryReport:
    """The rehearsed step of a row: images are trained with momentum, language with Adam."""
    return _rehearsed(row.spec, row.model, row.define, row.setup)


_RUN: dict[tuple[object, ...], MemoryReport] = {}


def _rehearsed(spec: str, model: str, define: str, setup: Setup) -> MemoryReport:
    key = (
        spec, model, define, setup.batch, setup.training, setup.precision, setup.recompute,
        tuple(setup.sizes.items()), setup.fused_attention,
    )  # fmt: skip
    if key not in _RUN:
        what = compiled(spec, model, define)
        images = len(what.model.body.inputs[0].type.shape) > 2
        optimizer = SGD(momentum=0.9) if images else Adam()
        training = what.training.replace(optimizer=optimizer)
        _RUN[key] = rehearse(what.model, training, setup)
    return _RUN[key]


def guesses(some: Iterable[Row]) -> list[Guess]:
    """What the model says about some rows."""
    return [Guess(row, step_time(rehearsed(row), find(row.device), row.setup)) for row in some]


def median_error(found: Sequence[Guess]) -> float:
    """Median of the absolute error, as a share."""
    return statistics.median(abs(math.exp(guess.error) - 1) for guess in found)


def within(found: Sequence[Guess], factor: float) -> float:
    """The share of guesses that are right within a factor."""
    return statistics.mean(abs(guess.error) <= math.log(factor) for guess in found)


def coverage(found: Sequence[Guess]) -> float:
    """The share of measurements that lie in their interval."""
    return statistics.mean(guess.covered for guess in found)


def width(found: Sequence[Guess]) -> float:
    """Median of the interval's upper by its lower end."""
    return statistics.median(guess.time.step.high / guess.time.step.low for guess in found)


@dataclass(frozen=True)
class Ranking:
    """How pairs of models on one device come out.

    Attributes:
        right: The share of all pairs whose guesses are in the order of the measurements.
        decided: Of pairs that are 1.5 times apart, the share that is called.
        wrong: Of the called ones, the share that is called wrongly.
    """

    right: float
    decided: float
    wrong: float


def ranking(found: Sequence[Guess]) -> Ranking:
    """Compares each pair by the time of a sample."""
    right = called = wrong = apart = apart_called = total = 0
    for a, b in combinations(found, 2):
        truth = math.log((b.row.seconds / b.row.batch) / (a.row.seconds / a.row.batch))
        if not truth:
            continue
        guess = math.log(b.time.step.mid / b.time.batch) - math.log(a.time.step.mid / a.time.batch)
        total += 1
        right += (guess > 0) == (truth > 0)
        verdict = faster(a.time, b.time)
        far = abs(truth) >= math.log(1.5)
        apart += far
        if verdict != "tie":
            called += 1
            apart_called += far
            wrong += (verdict == "a") != (truth > 0)
    return Ranking(right / total, apart_called / max(apart, 1), wrong / max(called, 1))


def spearman(found: Sequence[Guess]) -> float:
    """Rank correlation of guessed and measured time of a sample."""
    guessed = _ranks([guess.time.step.mid / guess.time.batch for guess in found])
    measured = _ranks([guess.row.seconds / guess.row.batch for guess in found])
    return statistics.correlation(guessed, measured)


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    for rank, index in enumerate(order):
        ranks[index] = float(rank)
    return ranks
