"""A number with its honest error."""

from __future__ import annotations

from typing import Literal

from dsl.record import Record

Basis = Literal["exact", "calibrated", "prior"]
"""Where a number is from: counted, fitted to measurements, or assumed."""


class Interval(Record):
    """A number that lies between two others.

    Attributes:
        low: As low as it is expected.
        mid: The best guess.
        high: As high as it is expected.
        basis: Where it is from.
    """

    low: float
    mid: float
    high: float
    basis: Basis = "calibrated"

    def __mul__(self, factor: float) -> Interval:
        return Interval(self.low * factor, self.mid * factor, self.high * factor, self.basis)

    def overlaps(self, other: Interval) -> bool:
        """Whether the two cannot be told apart."""
        return self.low <= other.high and other.low <= self.high


def exactly(number: float) -> Interval:
    """A number that was counted."""
    return Interval(number, number, number, "exact")
