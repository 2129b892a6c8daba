"""Numbers and strings as they are written: their values, or what is wrong with them."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

MAX_DIGITS = 18

_COUNTS = {"K": 10**3, "M": 10**6, "B": 10**9, "G": 10**9, "T": 10**12}
_BYTES = {
    **{f"{letter}B": 1000**power for power, letter in enumerate("KMGT", 1)},
    **{f"{letter}iB": 1024**power for power, letter in enumerate("KMGT", 1)},
}
# Times as fractions of a second, so that 200ms is exactly 0.2.
_TIMES = {"ms": (1, 1000), "s": (1, 1), "min": (60, 1), "h": (3600, 1)}

# What people write, and what it is called here.
_MISSPELT = {
    "m": ("M", "min", "ms"),
    "k": ("K",),
    "b": ("B", "GB"),
    "g": ("G", "GB"),
    "t": ("T", "TB"),
    "sec": ("s",),
    "secs": ("s",),
    "second": ("s",),
    "seconds": ("s",),
    "minute": ("min",),
    "minutes": ("min",),
    "mins": ("min",),
    "hr": ("h",),
    "hrs": ("h",),
    "hour": ("h",),
    "hours": ("h",),
    "H": ("h",),
    "epoch": ("epochs",),
    "ep": ("epochs",),
    "Epochs": ("epochs",),
}

_NUMBER = re.compile(r"(\d[\d_]*)(?:\.(\d[\d_]*))?(?:[eE]([+-]?\d+))?([^\W\d]\w*|%)?")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


class LiteralError(NamedTuple):
    """What is wrong with a literal, and where in it.

    Attributes:
        message: The fact.
        start: Offset of the fault from the start of the literal.
        end: Offset of its end.
        helps: What to write instead.
        replacement: A literal that is certainly meant, or ``""``.
    """

    message: str
    start: int
    end: int
    helps: tuple[str, ...] = ()
    replacement: str = ""


def read_number(text: str) -> tuple[int | float, str] | LiteralError:
    """The value and unit (as in `ast.Number`) of a number literal."""
    if not text.isascii() and any(sign.isnumeric() for sign in text if sign > "\x7f"):
        helps = ("the digits are 0 to 9",)
        return LiteralError(f"`{text}` is not a number", 0, len(text), helps)
    if text.isdigit() and len(text) <= MAX_DIGITS:
        return int(text), ""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return LiteralError(f"`{text}` is not a number", 0, len(text))
    whole, fraction, exponent, suffix = match.groups()
    digits = (whole + (fraction or "")).replace("_", "")
    fault = _digit_fault(text, whole, fraction, digits)
    if fault is not None:
        return fault
    scale = _scale(suffix or "")
    if scale is None:
        return _suffix_fault(text, suffix)
    numerator, denominator, unit = scale
    if fraction is None and exponent is None:
        return _ratio(int(digits) * numerator, denominator), unit
    if exponent is None and suffix:
        places = 10 ** (len(digits) - len(whole.replace("_", "")))
        return _ratio(int(digits) * numerator, denominator * places), unit
    return _float(text, suffix or "", numerator / denominator, unit, int(digits) != 0)


def _digit_fault(text: str, whole: str, fraction: str | None, digits: str) -> LiteralError | None:
    if len(digits) > MAX_DIGITS:
        return LiteralError(
            f"a number has at most {MAX_DIGITS} digits; this one has {len(digits)}", 0, len(text)
        )
    for part in (whole, fraction or "0"):
        if part.endswith("_") or "__" in part:
            plain = text.replace("_", "")
            helps = (f"write `{plain}`",)
            return LiteralError("`_` stands between two digits", 0, len(text), helps, plain)
    return None


def _float(
    text: str, suffix: str, scale: float, unit: str, nonzero: bool
) -> tuple[float, str] | LiteralError:
    value = float(text.removesuffix(suffix).replace("_", "")) * scale
    if math.isinf(value):
        return LiteralError("this number is too large to be held", 0, len(text))
    if nonzero and value == 0:
        return LiteralError("this number is too small to be told from zero", 0, len(text))
    return value, unit


def _ratio(numerator: int, denominator: int) -> int | float:
    whole, rest = divmod(numerator, denominator)
    return numerator / denominator if rest else whole


def _scale(suffix: str) -> tuple[int, int, str] | None:
    if not suffix:
        return 1, 1, ""
    if suffix in _COUNTS:
        return _COUNTS[suffix], 1, ""
    if suffix in _BYTES:
        return _BYTES[suffix], 1, "B"
    if suffix in _TIMES:
        return *_TIMES[suffix], "s"
    return (1, 1, "epochs") if suffix == "epochs" else None


def _suffix_fault(text: str, suffix: str) -> LiteralError:
    number = text.removesuffix(suffix)
    start = len(number)
    if suffix == "%":
        share = f"{float(number.replace('_', '')) / 100:g}"
        helps = (f"write a share as a fraction: `{share}`",)
        return LiteralError("`%` is no suffix", start, len(text), helps, share)
    offers = _offers(suffix)
    if not offers:
        known = "counts `K M B G T`, bytes `KB` to `TiB`, times `ms s min h`, and `epochs`"
        return LiteralError(
            f"`{suffix}` is no suffix of a number", start, len(text), (f"there are {known}",)
        )
    written = " or ".join(f"`{number}{offer}`" for offer in offers)
    replacement = number + offers[0] if len(offers) == 1 else ""
    return LiteralError(
        f"`{suffix}` is no suffix of a number", start, len(text), (f"write {written}",), replacement
    )


def _offers(suffix: str) -> tuple[str, ...]:
    if suffix in _MISSPELT:
        return _MISSPELT[suffix]
    known = {name.lower(): name for name in (*_COUNTS, *_BYTES, *_TIMES, "epochs")}
    name = known.get(suffix.lower())
    return (name,) if name else ()


def read_string(text: str) -> str | LiteralError:
    """The value of a string literal, quotes included in `text`."""
    if "\\" not in text:
        return text[1:-1]
    for match in _ESCAPE.finditer(text):
        if match[1] not in _ESCAPES:
            helps = ('the escapes are `\\n`, `\\t`, `\\"` and `\\\\`',)
            return LiteralError(f"`{match[0]}` is no escape", match.start(), match.end(), helps)
    return _ESCAPE.sub(lambda match: _ESCAPES[match[1]], text[1:-1])


def quote(value: str) -> str:
    """The string literal that stands for a value."""
    for char, escape in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t")):
        value = value.replace(char, escape)
    return f'"{value}"'
