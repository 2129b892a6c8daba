"""Published measurements of memory, and what the model says about the same runs.

`data/README.md` says where they are from.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass

from dsl.cost.memory import MemoryReport, Setup, rehearse
from dsl.cost.room import MIB, device_memory, least_memory
from dsl.devices import find
from dsl.training.optimizers import Adam
from tests.cost import published
from tests.cost.published import DATA, Row, compiled

BATCHES = (512, 384, 256, 192, 128, 96, 64, 48, 32, 24, 16, 8)
"""The batches that timm tries, from the largest on."""


@dataclass(frozen=True)
class Run:
    """A run whose memory was measured.

    Attributes:
        name: The model.
        batch: Samples.
        measured: Bytes that the driver showed at most.
        fake: Bytes that running the model on stand-ins told.
        report: The rehearsed step, in float32 with Adam.
    """

    name: str
    batch: int
    measured: float
    fake: float
    report: MemoryReport


def runs(every: int = 1) -> list[Run]:
    """The measured runs, or every so many of them."""
    found = []
    with (DATA / "memory.csv").open(newline="") as file:
        for item in list(csv.DictReader(file))[::every]:
            what = compiled(item["spec"], item["model"], item["define"])
            training = what.training.replace(optimizer=Adam())
            report = rehearse(what.model, training, Setup(batch=int(item["batch"])))
            found.append(Run(
                item["name"], int(item["batch"]), float(item["MiB"]) * MIB,
                float(item["fake_tensor_MiB"]) * MIB, report,
            ))  # fmt: skip
    return found


def errors(some: list[Run]) -> list[float]:
    """Errors of what is said about runs, as shares."""
    device = find("a100-40gb")
    return [device_memory(run.report, device).mid / run.measured - 1 for run in some]


def covered(some: list[Run]) -> float:
    """The share of runs that lie in their interval."""
    device = find("a100-40gb")
    inside = 0
    for run in some:
        told = device_memory(run.report, device)
        inside += told.low <= run.measured <= told.high
    return inside / len(some)


def boundaries(every: int = 1) -> list[tuple[Row, bool, bool]]:
    """For rows at the limit of an RTX 3090: the row, whether it fits there, and whether so told."""
    device, found = find("rtx-3090"), []
    for row in published.rows("timm", "rtx-3090", "train", "nhwc")[::every]:
        place = BATCHES.index(row.batch)
        for batch, fits in ((row.batch, True), (BATCHES[max(place - 1, 0)], False)):
            if fits or place:
                other = Row(**{**vars(row), "batch": batch})
                told = least_memory(published.rehearsed(other), device) <= device.memory
                found.append((other, fits, told))
    return found
