"""Limits, and what each candidate makes of them: a verdict with its margin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from dsl.choosing.needs import Candidate
from dsl.cost.interval import Interval, exactly
from dsl.cost.words import money_range, size, size_range, time_range
from dsl.record import Record

Answer = Literal["yes", "maybe", "no", "unknown"]


class Limits(Record):
    """What a candidate may take; None where nothing is said.

    Attributes:
        seconds: Of the whole training.
        memory: Bytes of the device's memory, instead of all of it.
        params: Trainable values.
        money: US dollars of the training.
    """

    seconds: float | None = None
    memory: float | None = None
    params: float | None = None
    money: float | None = None


class Judgement(Record):
    """One limit and one candidate.

    Attributes:
        name: Of the limit: ``device``, ``memory``, ``params``, ``time``, ``money``.
        answer: Whether it is kept; ``maybe`` where the interval does not decide.
        taken: What the candidate takes; None where that is not known.
        limit: What it may take.
        text: Both in words.
    """

    name: str
    answer: Answer
    taken: Interval | None
    limit: float
    text: str

    @property
    def margin(self) -> float | None:
        """What is left of the limit at the best guess, as a share; negative where it is broken."""
        return None if self.taken is None else 1 - self.taken.mid / self.limit


def judged(candidate: Candidate, limits: Limits) -> list[Judgement]:
    """Every limit, the device's own memory first."""
    outlook = candidate.outlook
    assert outlook.device is not None
    found = [_judgement("device", outlook.needed, outlook.device.memory, size, size_range)]
    rows = (
        ("memory", outlook.needed, limits.memory, size, size_range),
        ("params", exactly(candidate.params), limits.params, _count, _counts),
        ("time", candidate.whole, limits.seconds, _time, time_range),
        ("money", candidate.money, limits.money, "${:,.2f}".format, money_range),
    )
    for name, taken, limit, one, both in rows:
        if limit is not None:
            found.append(_judgement(name, taken, limit, one, both))
    return found


def binding(judgements: list[Judgement]) -> Judgement | None:
    """The limit with the least margin, the first that is in the way."""
    known = [one for one in judgements if one.margin is not None]
    return min(known, key=lambda one: one.margin or 0.0, default=None)


def qualifies(judgements: list[Judgement]) -> Answer:
    """Whether a candidate keeps all limits."""
    answers = {one.answer for one in judgements}
    order: tuple[Answer, ...] = ("no", "unknown", "maybe")
    return next((answer for answer in order if answer in answers), "yes")


def _judgement(
    name: str, taken: Interval | None, limit: float, one: Callable[[float], str],
    both: Callable[[Interval], str],
) -> Judgement:  # fmt: skip
    if taken is None:
        return Judgement(name, "unknown", None, limit, f"not known, of {one(limit)}")
    answer: Answer = "maybe"
    if taken.high <= limit:
        answer = "yes"
    elif taken.low > limit:
        answer = "no"
    return Judgement(name, answer, taken, limit, f"{both(taken)} of {one(limit)}")


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _counts(value: Interval) -> str:
    return f"{value.mid:,.0f}"


def _time(value: float) -> str:
    return time_range(exactly(value))
