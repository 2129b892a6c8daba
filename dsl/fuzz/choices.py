"""Where random decisions come from: one method, which a seed, a recording or a test tool can drive.

Everything random is drawn through `Choices.integer`; the lowest value is always the plainest
decision, so that whoever lowers or drops numbers (Hypothesis does, `shrink` does) arrives at a
small spec.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


class Choices:
    """A source of decisions. Subclasses say what an integer is drawn from."""

    def integer(self, low: int, high: int) -> int:
        """A number from `low` to `high`, both included."""
        raise TypeError(f"{type(self).__name__} draws no numbers")

    def pick(self, items: Sequence[T]) -> T:
        """One of some items; put the plainest first."""
        return items[self.integer(0, len(items) - 1)]

    def chance(self, one_in: int) -> bool:
        """True once in so many times."""
        return self.integer(0, one_in - 1) == one_in - 1


class Seeded(Choices):
    """Decisions that follow from a seed, the same in every process.

    Attributes:
        taken: How far above its lowest value each decision so far was.
    """

    def __init__(self, seed: int) -> None:
        from random import Random

        self.taken: list[int] = []
        self._random = Random(seed)

    def integer(self, low: int, high: int) -> int:
        number = self._random.randint(low, high)
        self.taken.append(number - low)
        return number


class Recorded(Choices):
    """Decisions taken before, cut to what is allowed now; the plainest ones when they run out.

    Args:
        numbers: As `Seeded.taken` holds them.
    """

    def __init__(self, numbers: Sequence[int]) -> None:
        self.numbers = numbers
        self.used = 0

    def integer(self, low: int, high: int) -> int:
        number = self.numbers[self.used] if self.used < len(self.numbers) else 0
        self.used += 1
        return min(low + number, high)


def shrink(numbers: Sequence[int], fails: Callable[[Choices], bool], tries: int = 400) -> list[int]:
    """Decisions that still make a test fail, fewer and lower.

    Args:
        numbers: Decisions that make it fail.
        fails: Whether the test fails on what some decisions make.
        tries: How often the test is asked, at most.
    """
    best, left = list(numbers), tries
    improved = True
    while improved and left > 0:
        improved = False
        for candidate in _smaller(best):
            left -= 1
            if left < 0:
                break
            if fails(Recorded(candidate)):
                best, improved = candidate, True
                break
    return best


def _smaller(numbers: list[int]) -> list[list[int]]:
    """Simpler decisions, the largest steps first."""
    found: list[list[int]] = []
    size = len(numbers)
    while size:
        for start in range(0, len(numbers), size):
            found.append(numbers[:start] + numbers[start + size :])
            if any(numbers[start : start + size]):
                zeros = [0] * len(numbers[start : start + size])
                found.append(numbers[:start] + zeros + numbers[start + size :])
        size //= 2
    for place, number in enumerate(numbers):
        if number > 1:
            found.append([*numbers[:place], number // 2, *numbers[place + 1 :]])
    return found
