"""Fits what a GPU's memory holds beside live tensors, and shows how well that does.

    python -m tests.bench.fit_room            fit in folds of models, print coefficients and table
    python -m tests.bench.fit_room --check    the table alone, with the committed coefficients

Memory shown by the driver is ``context + live * peak + workspace * largest convolution``, fitted by
relative least absolute deviation to 572 runs of 122 models; no model is in a fit that judges it.
What a step needs at least is judged by the largest batch that ran on an RTX 3090, and by the next
larger one, which did not.
"""

from __future__ import annotations

import argparse
import random
import statistics

import numpy as np
import numpy.typing as npt

from dsl.cost.room import GPU, MIB, largest_convolution
from tests.cost.occupied import Run, boundaries, covered, errors, runs

FOLDS = 5


def fit(some: list[Run]) -> npt.NDArray[np.float64]:
    """Bytes of context, and factors of live bytes and of the largest convolution."""
    measured = np.array([run.measured for run in some])
    terms = np.array([
        [MIB, run.report.live_peak, largest_convolution(run.report)] for run in some
    ])  # fmt: skip
    weights = 1 / measured
    for _ in range(30):
        found = np.linalg.lstsq(terms * weights[:, None], measured * weights, rcond=None)[0]
        off = np.abs(terms @ found / measured - 1)
        weights = 1 / measured / np.sqrt(np.maximum(off, 0.03))
    result: npt.NDArray[np.float64] = found
    return result


def folded(some: list[Run]) -> list[float]:
    """Errors of fits that have not seen the model."""
    names = sorted({run.name for run in some})
    random.Random(0).shuffle(names)
    off = []
    for fold in range(FOLDS):
        held = set(names[fold::FOLDS])
        context, live, workspace = fit([run for run in some if run.name not in held])
        for run in some:
            if run.name in held:
                told = context * MIB + live * run.report.live_peak
                told += workspace * largest_convolution(run.report)
                off.append(told / run.measured - 1)
    return off


def _summary(label: str, off: list[float]) -> str:
    size = sorted(abs(error) for error in off)
    near = [sum(error <= limit for error in size) / len(size) for limit in (0.1, 0.2)]
    return (
        f"| {label} | {len(off)} | {statistics.median(size):.1%} | {near[0]:.0%} | {near[1]:.0%} "
        f"| {statistics.median(off):+.1%} |"
    )


def main() -> None:
    """Fits and reports."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="only the table")
    given = parser.parse_args()
    some = runs()
    print(
        "| memory | n | median error | within 10 % | within 20 % | bias |\n"
        "|---|---|---|---|---|---|"
    )
    print(_summary("committed coefficients", errors(some)))
    if not given.check:
        print(_summary("in folds of models", folded(some)))
        print("context MiB, live, workspace:", np.round(fit(some), 3))
    print(_summary("fake tensors alone", [run.fake / run.measured - 1 for run in some]))
    print(f"covered {covered(some):.0%} at high/low {GPU.spread**2:.2f}")
    edge = boundaries()
    right = sum(fits == told for _, fits, told in edge)
    print(f"fits or not: {right} of {len(edge)} right, {right / len(edge):.0%}")


if __name__ == "__main__":
    main()
