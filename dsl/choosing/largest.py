"""The largest value that something still holds for, by doubling and bisection."""

from __future__ import annotations

from collections.abc import Callable

LIMIT = 1 << 30
"""The largest number of steps that is tried."""


def largest(holds: Callable[[int], bool], start: int = 1, limit: int = LIMIT) -> int:
    """The largest whole number from 1 to `limit` that a test holds for; 0 where it does for none.

    Args:
        holds: The test; where it fails for a number it does so for every larger one.
        start: Where to begin, which saves tests if the answer is near.
        limit: The largest number asked about.
    """
    low, high = 0, max(1, min(start, limit))
    while holds(high):
        low = high
        if high >= limit:
            return limit
        high = min(2 * high, limit)
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle):
            low = middle
        else:
            high = middle
    return low
