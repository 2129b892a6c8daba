"""Damages texts as slips of the hand, of the clipboard and of the disk do."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dsl.fuzz.choices import Choices

TOKEN = re.compile(r'#[^\n]*|"[^"\n]*"|\w+|->|\*\*|//|[<>=!]=|\s+|.', re.DOTALL)
"""Pieces of a text: every letter belongs to one."""

BRACKETS = '(){}[]";,=->*'
LETTERS = "abzA_0159.-\"(){}[]#;,=<>*\x00\u202e\ud800\u00e9\u2028\t\\$@`'%&|~^!?\x7f\ufeff"
VALUES = (
    "0", "-1", "1", "999999999999", "1e309", "0.0", "true", "auto", "[]", '"x"', "1e-400", "10**99",
    "1/0", "x", "input", "7B", "3GiB", "5epochs", "-0.0", "float32", "[1, 2, 3]", "ReLU",
    "Linear(3)", "not", "9" * 50, "0x10", "1_000", "m",
)  # fmt: skip
MOST = 6
"""Slips in one text, at most."""


def damaged(choices: Choices, text: str, words: Sequence[str] = ()) -> str:
    """A text with a few slips.

    Args:
        choices: Which ones, and where.
        text: The text.
        words: Words that may slip in.
    """
    pieces = TOKEN.findall(text)
    for _ in range(MOST):
        if pieces:
            SLIPS[choices.integer(0, len(SLIPS) - 1)](choices, pieces, words or VALUES)
        if not choices.chance(2):
            break
    return "".join(pieces)


def _place(choices: Choices, pieces: list[str]) -> int:
    return choices.integer(0, len(pieces) - 1)


def _drop(choices: Choices, pieces: list[str], words: Sequence[str]) -> None:
    del pieces[_place(choices, pieces)]


def _swap(choices: Choices, pieces: list[str], words: Sequence[str]) -> None:
    a, b = _place(choices, pieces), _place(choices, pieces)
    pieces[a], pieces[b] = pieces[b], pieces[a]


def _double(choices: Choices, pieces: list[str], words: Sequence[str]) -> None:
    place = _place(choices, pieces)
    pieces.insert(place, pieces[place])


def _replace(choices: Choices, pieces: list[str], words: Sequence[str]) -> None:
    pieces[_place(choices, pieces)] = choices.pick(words)


def _value(choices: Choices, pieces: list[str], words: Sequence[str]) -> None:
    pieces[_place(choices, pieces)] = choices.pick(VALUES)


def _insert(choices: Choices, pieces: list[str], words: Sequence[str]) -> None:
    pieces.insert(_place(choices, pieces), choices.pick(words))


def _typo(choices: Choices, pieces: list[str], words: Sequence[str]) -> None:
    place = _place(choices, pieces)
    piece = pieces[place]
    at = choices.integer(0, len(piece))
    cut = choices.integer(0, 1)
    pieces[place] = piece[:at] + choices.pick(LETTERS) + piece[at + cut :]


def _bracket(choices: Choices, pieces: list[str], words: Sequence[str]) -> None:
    pieces.insert(_place(choices, pieces), choices.pick(BRACKETS))


def _cut(choices: Choices, pieces: list[str], words: Sequence[str]) -> None:
    place = _place(choices, pieces)
    del pieces[place : place + choices.integer(1, 20)]


def _copy(choices: Choices, pieces: list[str], words: Sequence[str]) -> None:
    source, target = _place(choices, pieces), _place(choices, pieces)
    pieces[target:target] = pieces[source : source + choices.integer(1, 30)]


def _noise(choices: Choices, pieces: list[str], words: Sequence[str]) -> None:
    noise = bytes(choices.integer(0, 255) for _ in range(choices.integer(1, 8)))
    pieces.insert(_place(choices, pieces), noise.decode("utf-8", "replace"))


SLIPS = (
    _drop, _double, _swap, _replace, _value, _insert, _typo, _bracket, _cut, _copy, _noise,
)  # fmt: skip
"""Every kind of slip, the plainest first."""
