"""Successive halving: all candidates train a little, the better half twice as long, and so on.

Jamieson and Talwalkar 2016, Non-stochastic Best Arm Identification, arXiv:1502.07943. Each is
trained with several seeds; two whose ranges over the seeds overlap are not told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from dsl.record import Record


class Score(Record):
    """What one candidate reached in a rung.

    Attributes:
        name: Who.
        steps: Optimizer steps.
        values: Its figure by seed; fewer than asked for where the time was over.
        figure: What the figure is.
        rises: Whether more is better.
        failure: Why there is no figure; "" where there is one.
    """

    name: str
    steps: int
    values: tuple[float, ...]
    figure: str
    rises: bool
    failure: str = ""

    @property
    def mid(self) -> float:
        """The mean over seeds."""
        return sum(self.values) / len(self.values) if self.values else float("nan")

    @property
    def spread(self) -> float:
        """Half the range over seeds."""
        return (max(self.values) - min(self.values)) / 2 if self.values else 0.0


Trial = Callable[[str, int, int], tuple[float, str, bool] | str]
"""Trains a candidate with a seed for some steps: its figure, or why there is none."""


def halve(
    names: Sequence[str], trial: Trial, steps: int, seeds: int, over: Callable[[], bool]
) -> Iterator[list[Score]]:
    """The rungs, each of the better half of the one before for twice the steps.

    Args:
        names: The candidates.
        trial: Trains one.
        steps: Of the first rung.
        seeds: Runs of each candidate.
        over: Whether the time is over: then no further run begins.
    """
    left = list(names)
    while left:
        scores = [_scored(name, trial, steps, seeds, over) for name in left]
        done = sorted((s for s in scores if s.values), key=_worth, reverse=True)
        yield [*done, *(score for score in scores if not score.values)]
        if len(done) <= 1 or over():
            return
        left = [score.name for score in done[: (len(done) + 1) // 2]]
        steps *= 2


def _worth(score: Score) -> float:
    return score.mid if score.rises else -score.mid


def _scored(
    name: str, trial: Trial, steps: int, seeds: int, over: Callable[[], bool]
) -> Score:  # fmt: skip
    values: list[float] = []
    figure, rises, failure = "", False, "the time was over"
    for seed in range(seeds):
        if over():
            break
        found = trial(name, seed, steps)
        if isinstance(found, str):
            failure = found
            break
        value, figure, rises = found
        values.append(value)
    return Score(name, steps, tuple(values), figure, rises, "" if values else failure)
