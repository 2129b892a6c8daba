"""Schedules: the learning rate over the run, as a factor of the optimizer's ``lr``.

`factor` is the one definition; generated code writes the same formula. ``t`` is the optimizer step,
counted from 0: step ``t`` is taken with ``lr * factor(t)``; ``T`` is the number of steps of the
run. Every schedule may begin with a warmup of ``w`` steps, in which the factor is ``(t + 1) / w``:
it rises in equal steps from ``lr / w`` to ``lr``. Then ``u = t - w`` counts from 0 again.

Stretches are given in optimizer steps (``500``), in epochs (``5epochs``) or as a fraction of the
run below 1 (``0.1``); `span_steps` turns them into steps.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from dsl.kinds.kind import Kind, KindError, arg
from dsl.kinds.values import BadValue, Float, Quantity, Span, describe

Stretch = int | float | Quantity


class PositiveSpan(Span):
    """A stretch of training that is longer than nothing."""

    def coerce(self, value: Any) -> Stretch:
        stretch = super().coerce(value)
        if (stretch.value if isinstance(stretch, Quantity) else stretch) <= 0:
            raise BadValue(f"takes {self.name}, above 0, not {describe(value)}")
        return stretch


def span_steps(span: Stretch, total: int, steps_per_epoch: float) -> int:
    """A stretch in optimizer steps, rounded to the nearest (halves up).

    Args:
        span: Steps, epochs, or a fraction of the run.
        total: Steps of the run.
        steps_per_epoch: Optimizer steps of one epoch.
    """
    if isinstance(span, Quantity):
        return math.floor(span.value * steps_per_epoch + 0.5)
    return math.floor(span * total + 0.5) if isinstance(span, float) else int(span)


_WARMUP = "Steps in which the rate rises to its full height: 500, 5epochs, or a fraction: 0.1."
_MIN_LR = "The rate at the end of the run (a rate, not a factor)."


class Schedule(Kind, abstract=True):
    """Base of schedules."""

    category: ClassVar[str] = "schedule"

    def factor(self, step: int, total: int, lr: float = 1.0, steps_per_epoch: float = 1.0) -> float:
        """What the optimizer's rate is multiplied by.

        Args:
            step: The optimizer step, from 0.
            total: Steps of the run.
            lr: The optimizer's rate, which turns `min_lr` into a factor.
            steps_per_epoch: Optimizer steps of one epoch.
        """
        warmup = span_steps(self.warmup, total, steps_per_epoch)
        if step < warmup:
            return (step + 1) / warmup
        return self._after(step - warmup, total - warmup, lr, (total, steps_per_epoch))

    def _after(self, step: int, rest: int, lr: float, run: tuple[int, float]) -> float:
        """The factor `step` steps after the warmup, of `rest`; `run` is for `span_steps`."""
        return 1.0

    warmup: Stretch


def _floor(min_lr: float, lr: float) -> float:
    return min_lr / lr if lr else 0.0


def _progress(step: int, rest: int) -> float:
    """How much of the run after the warmup is over, from 0 to 1."""
    return min(step / rest, 1.0) if rest > 0 else 1.0


class Constant(Schedule):
    """The same rate throughout, after the warmup.

    Formula: ``factor = 1``.
    Source: PyTorch `optim.lr_scheduler.ConstantLR` with factor 1.
    """

    warmup: Stretch = arg(Span(), _WARMUP, 0, keras=("warmup_steps",))


class Step(Schedule):
    """The rate falls at once, every `step_size`.

    Formula: ``factor = gamma ** floor(u / step_size)``.
    Source: PyTorch `optim.lr_scheduler.StepLR`, whose steps are whatever its caller counts; here
    they are optimizer steps unless given as ``30epochs``.
    """

    step_size: Stretch = arg(
        PositiveSpan(), "The stretch between two falls: 1000, 30epochs, or a fraction.",
        keras=("decay_steps",),
    )  # fmt: skip
    gamma: float = arg(
        Float(0, 1, open_low=True), "The factor of each fall.", 0.1, keras=("decay_rate",)
    )
    warmup: Stretch = arg(Span(), _WARMUP, 0, keyword=True, keras=("warmup_steps",))

    def _after(self, step: int, rest: int, lr: float, run: tuple[int, float]) -> float:
        return self.gamma ** (step // max(span_steps(self.step_size, *run), 1))


class Exponential(Schedule):
    """The rate falls smoothly, by `gamma` in each stretch of `every`.

    Formula: ``factor = gamma ** (u / every)``; for a fall at the end of each epoch only, as
    PyTorch's loop does it, ``Step(1epochs, gamma)``.
    Source: Keras `ExponentialDecay`; PyTorch `optim.lr_scheduler.ExponentialLR`.
    """

    keras = ("ExponentialDecay",)

    gamma: float = arg(
        Float(0, 1, open_low=True), "The factor over one `every`.", keras=("decay_rate",)
    )
    every: Stretch = arg(
        PositiveSpan(), "The stretch in which the rate falls by gamma.", Quantity(1, "epochs"),
        keras=("decay_steps",),
    )  # fmt: skip
    warmup: Stretch = arg(Span(), _WARMUP, 0, keyword=True, keras=("warmup_steps",))

    def _after(self, step: int, rest: int, lr: float, run: tuple[int, float]) -> float:
        return self.gamma ** (step / max(span_steps(self.every, *run), 1))


class _Falling(Schedule, abstract=True):
    """A schedule that ends at `min_lr`."""

    warmup: Stretch = arg(Span(), _WARMUP, 0, keras=("warmup_steps",))
    min_lr: float = arg(Float(0), _MIN_LR, 0.0, keras=("alpha", "end_learning_rate"))


class Cosine(_Falling):
    """The rate falls along half a cosine to `min_lr` at the end of the run.

    Formula: with ``m = min_lr / lr`` and ``p = u / (T - w)``,
    ``factor = m + (1 - m) * (1 + cos(pi * p)) / 2``.
    Source: Loshchilov and Hutter 2017, arXiv:1608.03983, eq. 5 without restarts; warmup: Goyal et
    al. 2017, arXiv:1706.02677.
    """

    keras = ("CosineDecay",)

    def _after(self, step: int, rest: int, lr: float, run: tuple[int, float]) -> float:
        low = _floor(self.min_lr, lr)
        return low + (1 - low) * (1 + math.cos(math.pi * _progress(step, rest))) / 2


class Linear(_Falling):
    """The rate falls along a line to `min_lr` at the end of the run.

    Formula: with ``m = min_lr / lr`` and ``p = u / (T - w)``, ``factor = 1 - (1 - m) * p``.
    Source: Devlin et al. 2019, arXiv:1810.04805, A.2; Keras `PolynomialDecay` with power 1.
    """

    keras = ("PolynomialDecay",)

    def _after(self, step: int, rest: int, lr: float, run: tuple[int, float]) -> float:
        return 1 - (1 - _floor(self.min_lr, lr)) * _progress(step, rest)


def check_floor(schedule: Schedule, lr: float) -> None:
    """Holds a schedule's lowest rate against the optimizer's.

    Raises:
        KindError: It is higher, so that the rate would rise.
    """
    low = getattr(schedule, "min_lr", 0.0)
    if low > lr:
        raise KindError(
            f"`min_lr` is {low:g}, above the optimizer's lr = {lr:g}",
            "min_lr",
            "it is a rate, not a factor: give one below the optimizer's",
        )
