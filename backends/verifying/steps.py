"""Steps of the optimizer in both backends: losses, gradients and weights."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from backends.verifying.bench import Bench
from backends.verifying.compare import CHANGES, TOLERANCE, check, distances, largest
from dsl.ir import weight_keys

ROUNDING = 1e-7
"""A gradient below this share of the largest one may be nothing but rounding."""

RUN = 10
"""The run that schedules are asked about is so many times as long as the steps taken."""

SHORTENED = 3
"""Rows of a batch from which on one may be missing: some layers want two rows to train on."""

Arrays = dict[str, Any]


@dataclass
class Log:
    """What steps gave.

    Attributes:
        before: By backend, the weights that they began with.
        losses: By backend, the loss of each step.
        gradients: How far apart gradients were, by key and step.
        slopes: The largest entry of each weight's gradients so far, in either backend.
    """

    before: dict[str, Arrays]
    losses: dict[str, Arrays]
    gradients: dict[str, float] = field(default_factory=dict)
    slopes: dict[str, float] = field(default_factory=dict)


def take_steps(bench: Bench) -> None:
    """Compares the loss, steps' losses and gradients, what became of the weights, and schedules."""
    losses = bench.each("to compute the loss", lambda twin: {
        "loss": twin.loss(bench.batches[twin.name])})  # fmt: skip
    bench.compare("loss", "evaluation", losses)
    bench.each("to make its optimizer", lambda twin: twin.begin())
    before = bench.each("to name its weights", lambda twin: twin.weights())
    log = Log(before, {name: {} for name in bench.twins})
    for number in range(bench.job.steps):
        _note(bench, log, number, _step(bench, number))
    names = tuple(bench.twins)
    bench.compare("losses", "steps", log.losses)
    bench.verdict.checks.append(check("gradients", "steps", names, log.gradients, TOLERANCE))
    flat = _flat(log)
    if flat:
        some = ", ".join(sorted(flat)[:3]) + ", .." * (len(flat) > 3)
        bench.verdict.notes.append(f"nothing but rounding moves {some}: not compared after steps")
    after = bench.each("to name its weights", lambda twin: twin.weights())
    bench.compare("weights", "steps", {name: _without(after[name], flat) for name in names})
    changes = {name: _changes(log.before[name], after[name], flat) for name in names}
    bench.compare("changes of weights", "steps", changes, CHANGES)
    asked = [_factors(number, bench.job.steps) for number in range(RUN * bench.job.steps)]
    rates = bench.each("to schedule", lambda twin: {
        f"step {factors[0] + 1}": twin.factor(factors) for factors in asked})  # fmt: skip
    bench.compare("factors of the rate", "schedule", rates)


def _factors(number: int, steps: int) -> tuple[int, int, int]:
    """What a schedule is asked with: the step, the steps of the run, and those of an epoch."""
    return number, RUN * steps, steps


def _step(bench: Bench, number: int) -> dict[str, tuple[float, Arrays]]:
    """One step in each backend, on the same rows, with the same draws.

    The last one has a row less, as the last one of an epoch may: its parts, where gradients are
    accumulated, are of different sizes.
    """
    size = bench.job.batch * bench.job.training.train.accumulate
    rows = bench.rows[number * size : (number + 1) * size]
    if number and number == bench.job.steps - 1 and bench.job.batch >= SHORTENED:
        rows = rows[:-1]
    factors = _factors(number, bench.job.steps)

    def take(twin: Any) -> Any:
        batch = twin.take(bench.data[twin.name], rows)
        batch = twin.augment(batch, bench.masks(("augment", number)))
        return twin.step(batch, bench.masks(number), factors)

    return bench.each(f"in step {number + 1}", take)


def _note(bench: Bench, log: Log, number: int, found: dict[str, tuple[float, Arrays]]) -> None:
    """Notes what a step gave, and in what the backends first differed."""
    trained = {i.key for i in weight_keys(bench.job.model.body.nodes) if i.weight.trainable}
    step = f"step {number + 1}"
    for name, (loss, _) in found.items():
        log.losses[name][step] = loss
    left, right = ({k: v for k, v in got.items() if k in trained} for _, got in found.values())
    for key in left:
        sides = largest({"": left[key]}), largest({"": right[key]})
        log.slopes[key] = max(log.slopes.get(key, 0.0), *sides)
    gradients = distances(left, right)
    log.gradients |= {f"{key}, {step}": off for key, off in gradients.items()}
    if not bench.verdict.step:
        losses = distances(*({step: loss} for loss, _ in found.values()))
        bench.verdict.step = (
            _first(f"the loss of {step}", losses, TOLERANCE)
            or _first(f"the gradients of {step}", gradients, TOLERANCE)
            or _first(f"what {step} makes of the weights", _moved(bench, log), CHANGES)
        )


def _moved(bench: Bench, log: Log) -> dict[str, float]:
    """How far apart the changes of weights are so far."""
    after = bench.each("to name its weights", lambda twin: twin.weights())
    flat = _flat(log)
    return distances(*(_changes(log.before[name], after[name], flat) for name in bench.twins))


def _first(what: str, off: dict[str, float], tolerance: float) -> str:
    """What differs, and where most, in words; "" where nothing does."""
    where = max(off, key=lambda key: off[key], default="")
    return f"{what}, most of all {where}" if where and off[where] > tolerance else ""


def _flat(log: Log) -> set[str]:
    """Weights whose gradients are nothing but rounding, of which some optimizers make whole steps.

    Such are offsets that the next layer takes away again.
    """
    bound = ROUNDING * max(log.slopes.values(), default=0.0)
    return {key for key, slope in log.slopes.items() if slope <= bound}


def _without(arrays: Arrays, flat: set[str]) -> Arrays:
    return {key: array for key, array in arrays.items() if key not in flat}


def _changes(before: Arrays, after: Arrays, flat: set[str]) -> Arrays:
    return {key: after[key] - before[key] for key in after if key not in flat}
