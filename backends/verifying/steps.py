"""Steps of the optimizer in both backends: losses, gradients and weights."""

from __future__ import annotations

from typing import Any

from backends.verifying.bench import Bench
from backends.verifying.compare import CHANGES, TOLERANCE, check, distances, largest
from dsl.ir import weight_keys

ROUNDING = 1e-7
"""A gradient below this share of the largest one may be nothing but rounding."""

RUN = 10
"""The run that schedules are asked about is so many times as long as the steps taken."""


def take_steps(bench: Bench) -> None:
    """Compares the loss, then every step's loss and gradients, then what became of the weights."""
    losses = bench.each("to compute the loss", lambda twin: {
        "loss": twin.loss(bench.batches[twin.name])})  # fmt: skip
    bench.compare("loss", "evaluation", losses)
    bench.each("to make its optimizer", lambda twin: twin.begin())
    before = bench.each("to name its weights", lambda twin: twin.weights())
    trained = {i.key for i in weight_keys(bench.job.model.body.nodes) if i.weight.trainable}
    totals: dict[str, dict[str, Any]] = {name: {} for name in bench.twins}
    off: dict[str, float] = {}
    slopes: dict[str, float] = {}
    for number in range(bench.job.steps):
        found = _step(bench, number)
        for name, (loss, _) in found.items():
            totals[name][f"step {number + 1}"] = loss
        left, right = ({k: v for k, v in got.items() if k in trained} for _, got in found.values())
        for key in trained:
            slopes[key] = max(
                slopes.get(key, 0.0), largest({key: left[key]}), largest({key: right[key]})
            )
        for key, value in distances(left, right).items():
            off[f"{key}, step {number + 1}"] = value
    names = tuple(bench.twins)
    bench.compare("losses", "steps", totals)
    bench.verdict.checks.append(check("gradients", "steps", names, off, TOLERANCE))
    after = bench.each("to name its weights", lambda twin: twin.weights())
    flat = _flat(bench, slopes)
    kept = [key for key in after[names[0]] if key not in flat]
    bench.compare("weights", "steps", {name: {k: after[name][k] for k in kept} for name in names})
    bench.compare("changes of weights", "steps", {
        name: {key: after[name][key] - before[name][key] for key in kept}
        for name in names}, CHANGES)  # fmt: skip


def _flat(bench: Bench, slopes: dict[str, float]) -> set[str]:
    """Weights whose gradients are nothing but rounding, of which some optimizers make whole steps.

    Such are offsets that the next layer takes away again.
    """
    bound = ROUNDING * max(slopes.values(), default=0.0)
    flat = {key for key, slope in slopes.items() if slope <= bound}
    if flat:
        names = ", ".join(sorted(flat)[:3]) + ", .." * (len(flat) > 3)
        bench.verdict.notes.append(f"nothing but rounding moves {names}: not compared after steps")
    return flat


def _step(bench: Bench, number: int) -> dict[str, tuple[float, dict[str, Any]]]:
    """One step in each backend, on the same rows, with the same draws."""
    size = bench.job.batch * bench.job.training.train.accumulate
    rows = bench.rows[number * size : (number + 1) * size]
    factors = (number, RUN * bench.job.steps, bench.job.steps)

    def take(twin: Any) -> Any:
        batch = twin.take(bench.data[twin.name], rows)
        batch = twin.augment(batch, bench.masks(("augment", number)))
        return twin.step(batch, bench.masks(number), factors)

    return bench.each(f"in step {number + 1}", take)
