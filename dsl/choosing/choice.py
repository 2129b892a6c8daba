"""Choosing under limits: the front of candidates that nothing beats, and a ranking with ties."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log

from dsl.choosing.limits import Answer, Judgement, Limits, binding, judged, qualifies
from dsl.choosing.needs import Candidate
from dsl.cost.interval import Interval, exactly
from dsl.record import Record


class Place(Record, eq=False):
    """Where a candidate ends up.

    Attributes:
        candidate: Who.
        judgements: Its limits.
        answer: Whether it keeps them all.
        binding: The limit with the least margin.
        rank: From 1; those of one rank tie. None where it does not qualify.
        tied: Names of those that it cannot be told from.
        beaten_by: A candidate that is better in something and worse in nothing; "" for none.
    """

    candidate: Candidate
    judgements: tuple[Judgement, ...]
    answer: Answer
    binding: Judgement | None
    rank: int | None
    tied: tuple[str, ...]
    beaten_by: str


def places(candidates: Sequence[Candidate], limits: Limits, by: str = "time") -> list[Place]:
    """All candidates, those that qualify first, by predicted time or money.

    Two tie where they lie no farther apart than what is doubtful about each model: what is wrong
    about the device is wrong about both (`dsl.cost.time.faster`). A tie begins with its quickest,
    so that the slowest of a chain does not tie with a candidate that it is surely slower than.

    Args:
        candidates: What each needs.
        limits: What each may take.
        by: ``time`` or ``cost``.
    """
    held = {one: tuple(judged(one, limits)) for one in candidates}
    answers = {one: qualifies(list(held[one])) for one in candidates}
    good = [one for one in candidates if answers[one] not in ("no",)]
    of = measure(by, good)
    ranks = _ranks(good, of)
    found = [
        Place(
            one, held[one], answers[one], binding(list(held[one])), ranks.get(one),
            tuple(o.name for o in good if o is not one and one in ranks and _tie(o, one, of)),
            _beaten(one, candidates),
        )
        for one in candidates
    ]  # fmt: skip
    return sorted(found, key=lambda p: (p.rank is None, p.rank or 0, _mid(of(p.candidate))))


def measure(by: str, candidates: Sequence[Candidate]) -> Callable[[Candidate], Interval | None]:
    """What candidates are ranked by: the whole training where that is known, else a sample."""
    if by == "cost" and all(one.money for one in candidates):
        return lambda one: one.money
    if all(one.whole for one in candidates):
        return lambda one: one.whole
    return _a_sample


def _a_sample(one: Candidate) -> Interval | None:
    time = one.outlook.time
    return time.step * (1 / time.batch) if time else None


def _mid(interval: Interval | None) -> float:
    return interval.mid if interval else float("inf")


def _tie(one: Candidate, other: Candidate, of: Callable[[Candidate], Interval | None]) -> bool:
    first, second = of(one), of(other)
    if first is None or second is None or not first.mid or not second.mid:
        return False
    doubts = [each.outlook.time.doubt for each in (one, other) if each.outlook.time is not None]
    return abs(log(first.mid / second.mid)) <= sum(doubts) / 2


def _ranks(
    good: list[Candidate], of: Callable[[Candidate], Interval | None]
) -> dict[Candidate, int]:
    ranks: dict[Candidate, int] = {}
    first: Candidate | None = None
    for number, one in enumerate(sorted(good, key=lambda one: _mid(of(one))), 1):
        if first is not None and _tie(first, one, of):
            ranks[one] = ranks[first]
        else:
            ranks[one], first = number, one
    return ranks


def _beaten(one: Candidate, others: Sequence[Candidate]) -> str:
    """Who is clearly better in time, memory, parameters or accuracy, and no worse in the rest."""
    return next((o.name for o in others if o is not one and _beats(o, one)), "")


def _beats(one: Candidate, other: Candidate) -> bool:
    if other.evidence.value is not None:
        if one.evidence.level != other.evidence.level or one.evidence.value is None:
            return False  # nothing says that it is as accurate
        if one.evidence.value < other.evidence.value:
            return False
    pairs = [(_a_sample(one), _a_sample(other)), (one.outlook.needed, other.outlook.needed)]
    pairs.append((exactly(one.params), exactly(other.params)))
    known = [(a, b) for a, b in pairs if a is not None and b is not None]
    return all(a.mid <= b.mid for a, b in known) and any(a.high < b.low for a, b in known)
