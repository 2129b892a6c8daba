"""Damages bytes, as broken disks, foreign encodings and byte fuzzers do."""

from __future__ import annotations

from collections.abc import Sequence

from dsl.fuzz.choices import Choices

ODD = (
    b"\xef\xbb\xbf", b"\r\n", b"\r", b"\0", b"\x0c", b"\x0b", b"\x1a", b"\x1b[31m", b"\x7f",
    b"\x85", "\x85".encode(), "\u2028".encode(), "\u202e".encode(), "\u200b".encode(),
    "\u00a0".encode(),
    "\u0301".encode(), "\ufffe".encode(), "\U0001f600".encode(), "\u0660\u06f1".encode(),
    "\uff11\uff21".encode(), "\u00b2\u2460".encode(), "\u01c5\u02b0".encode(), b"\xc0\xaf",
    b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xff\xfe", b"\xe2\x82", b"\x80",
)  # fmt: skip
"""Marks, line ends, signs that look like others, and sequences that are no UTF-8."""

MOST = 8
"""Changes of one text, at most."""


def damaged_bytes(
    choices: Choices, data: bytes, words: Sequence[bytes], others: Sequence[bytes] = ()
) -> bytes:
    """Bytes with a few changes, most of them small.

    Args:
        choices: Which ones, and where.
        data: The bytes.
        words: Pieces that may slip in.
        others: Texts of which a part may slip in.
    """
    for _ in range(1 + choices.integer(0, MOST - 1)):
        data = _CHANGES[choices.integer(0, len(_CHANGES) - 1)](choices, data, words, others)
    return data


def _place(choices: Choices, data: bytes) -> int:
    return choices.integer(0, len(data))


def _put(data: bytes, place: int, piece: bytes, over: int = 0) -> bytes:
    return data[:place] + piece + data[place + over :]


def _drop(choices: Choices, data: bytes, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    return _put(data, _place(choices, data), b"", choices.integer(1, 8))


def _cut(choices: Choices, data: bytes, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    return _put(data, _place(choices, data), b"", choices.integer(1, 1 + len(data) // 2))


def _flip(choices: Choices, data: bytes, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    if not data:
        return data
    place = choices.integer(0, len(data) - 1)
    return _put(data, place, bytes((data[place] ^ (1 << choices.integer(0, 7)),)), 1)


def _byte(choices: Choices, data: bytes, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    place = _place(choices, data)
    return _put(data, place, bytes((choices.integer(0, 255),)), choices.integer(0, 1))


def _printable(
    choices: Choices, data: bytes, words: Sequence[bytes], others: Sequence[bytes]
) -> bytes:
    place = _place(choices, data)
    return _put(data, place, bytes((choices.integer(32, 126),)), choices.integer(0, 1))


def _word(choices: Choices, data: bytes, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    place = _place(choices, data)
    return _put(data, place, choices.pick(words), choices.integer(0, 1) * choices.integer(0, 8))


def _odd(choices: Choices, data: bytes, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    return _put(data, _place(choices, data), choices.pick(ODD))


def _copy(choices: Choices, data: bytes, words: Sequence[bytes], others: Sequence[bytes]) -> bytes:
    start = _place(choices, data)
    piece = data[start : start + choices.integer(1, 40)]
    return _put(data, _place(choices, data), piece * choices.integer(1, 3))


def _splice(
    choices: Choices, data: bytes, words: Sequence[bytes], others: Sequence[bytes]
) -> bytes:
    other = choices.pick(others) if others else data
    start = _place(choices, other)
    return _put(data, _place(choices, data), other[start : start + choices.integer(1, 120)])


_CHANGES = (
    _drop, _word, _word, _word, _printable, _flip, _byte, _copy, _copy, _splice, _odd, _cut,
)  # fmt: skip
