"""How far apart arrays are, and what of it counts as a difference.

The distance of two arrays is the largest difference of their entries over the largest entry of
either, where no entry counts as smaller than `FLOOR` of the largest of all arrays compared with
it: so a gradient that is zero but for rounding does not stand out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

TOLERANCE = 1e-6
"""Of everything that is computed in float64."""

SINGLE = 1e-4
"""Of outputs in float32."""

CHANGES = 1e-4
"""Of what steps change, over the largest change: optimizers that divide by the root of a mean
square make as much of a small gradient, with its error, as of a large one."""

FLOOR = 1e-3

FAINT = 1e-6
"""The least that values of layers are measured by: weights are drawn so that most are around 1."""

Arrays = Mapping[str, Any]


@dataclass(frozen=True)
class Check:
    """One comparison.

    Attributes:
        subject: What was compared: ``outputs``, ``gradients``, ...
        mode: When: ``evaluation``, ``training``, ``steps``.
        left, right: The two that were compared: backends, or ``reference``.
        count: How many arrays.
        difference: The largest distance; infinite where a shape or a key differs.
        where: The array with the largest distance.
        tolerance: What is allowed.
    """

    subject: str
    mode: str
    left: str
    right: str
    count: int
    difference: float
    where: str
    tolerance: float

    @property
    def ok(self) -> bool:
        """Whether the two agree."""
        return self.difference <= self.tolerance

    def record(self) -> dict[str, Any]:
        """As plain data."""
        finite = self.difference if np.isfinite(self.difference) else None
        return {
            "subject": self.subject, "mode": self.mode, "left": self.left, "right": self.right,
            "count": self.count, "difference": finite, "where": self.where,
            "tolerance": self.tolerance, "ok": self.ok,
        }  # fmt: skip


def distance(left: Any, right: Any, floor: float = 0.0) -> float:
    """How far apart two arrays are, over the largest entry of either.

    Args:
        left: An array.
        right: Another.
        floor: The least that entries are measured by.
    """
    left, right = np.asarray(left, np.float64), np.asarray(right, np.float64)
    if left.shape != right.shape:
        return float("inf")
    if not left.size:
        return 0.0
    odd = ~(np.isfinite(left) & np.isfinite(right))
    if odd.any() and not np.array_equal(left[odd], right[odd], equal_nan=True):
        return float("inf")
    left, right = np.where(odd, 0.0, left), np.where(odd, 0.0, right)
    scale = max(float(np.abs(left).max()), float(np.abs(right).max()), floor)
    return float(np.abs(left - right).max()) / scale if scale else 0.0


def largest(arrays: Arrays) -> float:
    """The largest finite entry of some arrays."""
    found = (np.abs(np.where(np.isfinite(x), x, 0)).max(initial=0.0) for x in arrays.values())
    return max(map(float, found), default=0.0)


def distances(left: Arrays, right: Arrays) -> dict[str, float]:
    """How far apart arrays of the same keys are; a key of one side alone is infinitely far."""
    floor = FLOOR * max(largest(left), largest(right))
    return {
        key: (
            distance(left[key], right[key], floor) if key in left and key in right else float("inf")
        )
        for key in [*left, *(key for key in right if key not in left)]
    }


def check(
    subject: str, mode: str, sides: tuple[str, str], found: Mapping[str, float], tolerance: float
) -> Check:
    """A comparison from the distance of each array."""
    where = max(found, key=lambda key: found[key], default="")
    difference = found.get(where, 0.0)
    return Check(subject, mode, *sides, len(found), difference, where, tolerance)
