"""Arrays for digits_unet.msl: digits with a hole, and the same digits whole."""

from __future__ import annotations

import csv
import os

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def load() -> dict[str, np.ndarray]:
    """Returns `damaged` and `restored`, float32 [N, 1, 8, 8]: the hole 3x3 pixels wide.

    Pixels are 0 to 1, those of the hole -1. The hole is somewhere in the middle 6x6 pixels, drawn
    by a seed of its own, so that every run sees the same damage.
    """
    with open(os.path.join(HERE, "data", "digits.csv"), newline="", encoding="ascii") as file:
        rows = list(csv.reader(file))[1:]
    whole = np.array([row[:64] for row in rows], np.float32).reshape(-1, 1, 8, 8) / 16
    damaged = whole.copy()
    corners = np.random.default_rng(0).integers(1, 5, (len(whole), 2))
    for digit, (top, left) in zip(damaged, corners):
        digit[0, top : top + 3, left : left + 3] = -1
    return {"damaged": damaged, "restored": whole}
