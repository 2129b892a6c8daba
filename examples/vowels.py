"""Arrays for vowels.msl: the words of Shakespeare without their vowels, and whole."""

from __future__ import annotations

import os
import re

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
LENGTH = 12
START, END = 1, 2  # 0 is padding; letters a to z are 3 to 28


def load() -> dict[str, np.ndarray]:
    """Returns each word of 3 to 12 letters that the text has, once, padded with zeros at its end.

    `consonants` [N, 12] with `written` (bool) where there is one; `typed` [N, 13], the word behind
    a start sign, and `letter` [N, 13], the word with an end sign, with `counts` (bool) where there
    is either: what is to be typed next, and where that is asked.
    """
    with open(os.path.join(HERE, "data", "shakespeare.txt"), encoding="utf-8") as file:
        words = sorted(set(re.findall(rf"\b[a-z]{{3,{LENGTH}}}\b", file.read())))
    words = [word for word in words if re.search("[^aeiou]", word)]
    spoken = [np.array([ord(letter) - ord("a") + 3 for letter in word]) for word in words]
    bare = [letters[~np.isin(letters - 3, [0, 4, 8, 14, 20])] for letters in spoken]
    consonants = padded(bare, LENGTH)
    typed = padded([np.append(START, letters) for letters in spoken], LENGTH + 1)
    letter = padded([np.append(letters, END) for letters in spoken], LENGTH + 1)
    return {
        "consonants": consonants,
        "written": consonants > 0,
        "typed": typed,
        "letter": letter,
        "counts": letter > 0,
    }


def padded(rows: list[np.ndarray], length: int) -> np.ndarray:
    """Rows of different lengths as one array, with zeros behind them."""
    return np.stack([np.pad(row, (0, length - len(row))) for row in rows])
