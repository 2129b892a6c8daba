"""The loss and the metrics of a part of the data, as scripts report them after each epoch."""

from __future__ import annotations

from typing import Any

from backends.verifying.bench import Bench
from backends.verifying.compare import FLOOR, SINGLE, check, distance


def compare_figures(bench: Bench) -> None:
    """Compares them in float32, over batches of which the last one is short."""
    data = {name: _single(values) for name, values in bench.arrays.items()}
    size = ragged(len(bench.rows), bench.job.batch)
    found = bench.each("to evaluate", lambda twin: twin.figures(twin.place(data), size))
    left, right = found.values()
    off = {name: distance(left[name], right[name], FLOOR) if name in left and name in right
           else float("inf") for name in [*left, *right]}  # fmt: skip
    bench.verdict.checks.append(check("figures", "float32", tuple(found), off, SINGLE))


def ragged(rows: int, batch: int) -> int:
    """The size of batches, `batch` or the next larger one with which the last one is short."""
    return next((size for size in range(batch, rows) if rows % size), batch)


def _single(values: Any) -> Any:
    return values.astype("float32") if values.dtype == "float64" else values
