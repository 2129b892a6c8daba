"""Did you mean: the known words nearest to a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable

_CELLS = 60_000
"""Pairs of letters that are compared for one word: names beyond that are not looked at."""


def nearest(word: str, candidates: Iterable[str], limit: int = 3) -> list[str]:
    """The candidates that `word` is probably a slip for, nearest first.

    Case does not count. A slip is an insertion, a deletion, a substitution or the exchange of two
    neighbours (Damerau and Levenshtein, restricted form); one is allowed for each three letters.

    Args:
        word: What was written.
        candidates: The known words.
        limit: How many to return at most.
    """
    lower = word.lower()
    letters = set(lower)
    allowed = max(1, len(word) // 3)
    scored = []
    left = _CELLS
    for candidate in dict.fromkeys(candidates):
        if abs(len(candidate) - len(word)) > allowed or left < 0:
            continue
        other = candidate.lower()
        if len(letters.symmetric_difference(other)) > 2 * allowed:
            continue  # a slip exchanges one letter at most
        left -= len(word) * len(candidate)
        distance = _distance(lower, other, allowed)
        if distance <= allowed and distance < len(word):
            scored.append((distance, candidate))
    return [candidate for _, candidate in sorted(scored)[:limit]]


def _distance(first: str, second: str, allowed: int) -> int:
    """The number of slips between two words; any number above `allowed` where there are more."""
    if first == second:
        return 0
    if abs(len(first) - len(second)) > allowed:
        return allowed + 1
    before: list[int] = []
    previous = list(range(len(second) + 1))
    for row, char in enumerate(first, 1):
        current = [row]
        for column, other in enumerate(second, 1):
            cost = min(
                previous[column] + 1, current[-1] + 1, previous[column - 1] + (char != other)
            )
            swapped = row > 1 and column > 1 and char == second[column - 2]
            if swapped and first[row - 2] == other:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        if min(current) > allowed:
            return allowed + 1
        before, previous = previous, current
    return previous[-1]
