"""Fits the coefficients of step times, and shows how well they do on devices they never saw.

    python -m tests.bench.fit_time            fit, print the coefficients and the table
    python -m tests.bench.fit_time --check    the table alone, with the committed coefficients
    python -m tests.bench.fit_time --update   fit, and write them into dsl/cost/efficiency.py

`FITTED` is found from the RTX 3090 alone: training steps and forward passes of timm's image models.
The loss is robust (a log error of 0.1 is where it turns linear), and each coefficient is held near
where it starts (0.4 in the logarithm) so that what the rows do not say stays a prior. The formula
is that of `dsl.cost.time` over NumPy arrays; `--check` goes through that module itself.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dsl.cost import efficiency as at
from dsl.cost.time import TURNED
from dsl.devices import find
from tests.cost import published
from tests.cost.published import Row

Array = npt.NDArray[np.float64]
TABLE = Path(at.__file__)

START = {
    "gemm": 0.95, "conv": 0.9, "grouped": 0.2, "depthwise": 0.2, "attention": 0.5,
    "traffic gemm": 0.5, "traffic conv": 0.6, "traffic conv1x1": 0.6, "traffic grouped": 0.6,
    "traffic depthwise": 0.7,
    "traffic batch_norm": 0.7, "traffic pool": 0.7, "backward grouped": 2.0,
    "backward depthwise": 1.5, "channels first": 1.3,
}  # fmt: skip
"""Where the search starts, and what coefficients that the rows say little about stay near."""

SETS = ((("rtx-3090", "train", "nhwc"), 1.0), (("rtx-3090", "infer", "nhwc"), 0.5),
    (("rtx-3090", "train", "nchw"), 0.15))  # fmt: skip
"""The rows of the fit and what they weigh. Forward passes weigh half: they tell forward from
backward. The other layout tells what it costs, and little else."""

TURN, HELD = 0.1, 0.4

HELD_OUT = (
    ("timm", "rtx-4090", "infer", "nhwc"), ("timm", "rtx-5090", "infer", "nchw"),
    ("timm", "rtx-pro-6000-maxq", "infer", "nchw"), ("lambda", "", "", ""),
    ("nvidia", "", "", ""), ("foundry", "a100-40gb", "", ""), ("foundry", "a100-80gb", "", ""),
    ("foundry", "h100-sxm", "", ""),
)  # fmt: skip


class Steps:
    """Rows as arrays over all their operations, equal ones counted once.

    Args:
        rows: On one device.
        weight: What they weigh in the fit.
    """

    def __init__(self, rows: list[Row], weight: float) -> None:
        self.rows, self.weight = rows, weight
        device, setup = find(rows[0].device), rows[0].setup
        self.device, self.channels_last = device, setup.channels_last
        self.training = setup.training
        self.seconds = np.array([row.seconds for row in rows])
        operations: list[tuple[str, bool, int, float, float, float]] = []
        starts, self.fixed, sent = [], [], []
        for row in rows:
            report = published.rehearsed(row)
            counts: dict[tuple[str, bool, int, float, float], int] = {}
            for work in report.work:
                back = work.phase not in ("forward", "loss")
                key = (work.category, back, work.size, work.flops, work.bytes)
                counts[key] = counts.get(key, 0) + 1
            starts.append(len(operations))
            operations += [(*key, count) for key, count in counts.items()]
            moved = (3 * report.weights + 2 * report.optimizer) * setup.training
            self.fixed.append(moved / (device.bandwidth * at.UPDATE))
            sent.append(len(report.work) * at.HOST)
        self.starts, self.sent, self.optimizer = starts, np.array(sent), np.array(self.fixed)
        names, back, size, flops, bytes_, count = zip(*operations)
        self.names, self.back = np.array(names), np.array(back)
        self.flops, self.bytes = np.array(flops, float), np.array(bytes_, float)
        self.count = np.array(count, float)
        precision = rows[0].precision
        tensor = np.where(np.array(size) < 4, device.peak(precision), device.peak("tf32"))
        self.peak = np.where(self.names == "depthwise", device.peak("fp32"), tensor)

    def predicted(self, fitted: dict[str, float]) -> Array:
        """Seconds of each row, by the formula of `dsl.cost.time`."""
        share, reach = np.ones_like(self.flops), np.full_like(self.flops, at.STREAM)
        slower, passes = np.ones_like(self.flops), np.ones_like(self.flops)
        for name, value in fitted.items():
            first, _, rest = name.partition(" ")
            if first == "traffic":
                reach[self.names == rest] = value
            elif first == "backward":
                slower[(self.names == rest) & self.back] = value
            elif not rest:
                alike = [name, *(key for key, same in at.ALIKE.items() if same == name)]
                share[np.isin(self.names, alike)] = value
        over_batch = self.names == "batch_norm"
        passes[(over_batch | (self.names == "norm")) & self.back] = 5 / 3
        if self.training:
            passes[over_batch & ~self.back] = 3 / 2
        fetched = np.maximum(self.bytes / at.CACHED, self.bytes - at.cache(self.device))
        arithmetic = self.flops * slower / (self.peak * share)
        traffic = fetched * passes / (self.device.bandwidth * reach)
        if not self.channels_last:
            products = np.isin(self.names, list(TURNED))
            turned = np.where(products, fitted["channels first"], 1.0)
            arithmetic, traffic = arithmetic * turned, traffic * turned
        p = at.SHARPNESS
        each = (arithmetic**p + traffic**p) ** (1 / p) + at.LAUNCH
        busy = np.add.reduceat(each * self.count, self.starts) + self.optimizer
        total: Array = (busy**4 + self.sent**4) ** 0.25
        return total


def fit(steps: list[Steps]) -> dict[str, float]:
    """The coefficients: damped least squares in logarithms, reweighted for outliers."""
    names = list(START)
    start = np.log([START[name] for name in names])
    weights = np.concatenate([np.full(len(one.rows), one.weight) for one in steps])

    def errors(x: Array) -> Array:
        fitted = {name: float(value) for name, value in zip(names, np.exp(x))}
        return np.concatenate([np.log(one.predicted(fitted) / one.seconds) for one in steps])

    def loss(x: Array) -> float:
        robust = np.sqrt(1 + (errors(x) / TURN) ** 2) - 1
        return float((weights * robust).sum() + (((x - start) / HELD) ** 2).sum() / 2)

    x, damp = start.copy(), 1e-2
    best = loss(x)
    for _ in range(100):
        found = errors(x)
        slopes = np.array([
            (errors(x + 1e-4 * np.eye(len(x))[i]) - found) / 1e-4 for i in range(len(x))
        ]).T  # fmt: skip
        scale = weights / np.sqrt(1 + (found / TURN) ** 2) / TURN**2
        normal = slopes.T @ (slopes * scale[:, None]) + np.eye(len(x)) / HELD**2
        gradient = slopes.T @ (scale * found) + (x - start) / HELD**2
        before = best
        while damp < 1e8:
            moved = x - np.linalg.solve(normal + damp * np.diag(np.diag(normal)), gradient)
            if loss(moved) < best:
                x, best, damp = moved, loss(moved), damp / 3
                break
            damp *= 4
        if before - best < 1e-6:
            break
    return {name: round(float(value), 3) for name, value in zip(names, np.exp(x))}


def agrees(one: Steps) -> float:
    """How far the arrays' formula lies from that of `dsl.cost.time`, at most, as a share."""
    exact = np.array([guess.time.step.mid for guess in published.guesses(one.rows)])
    return float(np.abs(one.predicted(at.FITTED) / exact - 1).max())


def table() -> str:
    """How the committed coefficients do, as the README shows it."""
    lines = [
        "| rows | n | median error | within 1.5x | Spearman | pairs right | covered | high/low "
        "| 1.5x apart: called | called wrongly |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    fitted = [("timm", *which) for which, _ in SETS]
    for which in (*fitted, *HELD_OUT):
        rows = [row for row in published.rows(*which) if which in fitted
            or row.device != "rtx-3090"]  # fmt: skip
        found = published.guesses(rows)
        rank = published.ranking(found)
        seen = "fitted: " if which in fitted else ""
        label = seen + " ".join(word for word in which if word)
        lines.append(
            f"| {label} | {len(found)} | {published.median_error(found):.1%} "
            f"| {published.within(found, 1.5):.0%} | {published.spearman(found):.3f} "
            f"| {rank.right:.1%} | {published.coverage(found):.0%} | {published.width(found):.2f} "
            f"| {rank.decided:.0%} | {rank.wrong:.1%} |"
        )
    return "\n".join(lines)


def update(fitted: dict[str, float]) -> None:
    """Writes coefficients into the table."""
    text = TABLE.read_text(encoding="utf-8")
    for name, value in fitted.items():
        text = re.sub(rf'^(    "{name}": )[0-9.]+,$', rf"\g<1>{value},", text, flags=re.MULTILINE)
    TABLE.write_text(text, encoding="utf-8")


def main() -> None:
    """Fits and reports."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="only the table")
    parser.add_argument("--update", action="store_true", help="write the coefficients")
    given = parser.parse_args()
    if not given.check:
        steps = [Steps(published.rows("timm", *which), weight) for which, weight in SETS]
        fitted = fit(steps)
        print(fitted)
        print(f"arrays and dsl.cost.time differ by {agrees(steps[0]):.1e} at most")
        if given.update:
            update(fitted)
        at.FITTED.update(fitted)
    print(table())


if __name__ == "__main__":
    main()
