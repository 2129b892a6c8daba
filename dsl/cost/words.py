"""Numbers as text: each with its unit and its range."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dsl.cost.interval import Interval

GIB = 2**30

_SIZES = (("TiB", 2**40), ("GiB", GIB), ("MiB", 2**20), ("KiB", 2**10))
_TIMES = (
    *(("years", 365.25 * 86400), ("days", 86400.0), ("h", 3600.0), ("min", 60.0)),
    *(("s", 1.0), ("ms", 1e-3), ("us", 1e-6)),
)


def size(count: float) -> str:
    """Bytes: ``4.21 GiB``, ``312 MiB``."""
    for unit, factor in _SIZES:
        if abs(count) >= 0.9995 * factor:
            return f"{three(count / factor)} {unit}"
    return f"{count:.0f} B"


def seconds(count: float) -> str:
    """A time: ``3.1 h``, ``250 ms``."""
    unit, factor = _unit_of_time(count)
    return f"{three(count / factor)} {unit}"


def between(interval: Interval, show: Callable[[float], str]) -> str:
    """The two bounds, with one unit where they share it: ``14.9-18.8 GiB``, ``43 ms-1.2 s``."""
    low, high = show(interval.low).strip(), show(interval.high).strip()
    number, _, unit = low.partition(" ")
    return f"{number}-{high}" if high.partition(" ")[2] == unit else f"{low}-{high}"


def time_range(time: Interval) -> str:
    """A time with its range, in one unit: ``3.1 h (2.4-4.0)``."""
    unit, factor = _unit_of_time(time.mid)
    low, mid, high = (three(value / factor) for value in (time.low, time.mid, time.high))
    return f"{mid} {unit}" if low == high else f"{mid} {unit} ({low}-{high})"


def size_range(room: Interval) -> str:
    """An amount of memory with its range: ``17.2 GiB (15.1-21.0)``."""
    unit, factor = ("GiB", GIB) if room.mid >= 0.1 * GIB else ("MiB", 2**20)
    low, mid, high = (three(value / factor) for value in (room.low, room.mid, room.high))
    return f"{mid} {unit}" if low == high else f"{mid} {unit} ({low}-{high})"


def money_range(cost: Interval) -> str:
    """Dollars with their range: ``$4.20 (3.10-5.60)``."""
    low, mid, high = (_cents(value) for value in (cost.low, cost.mid, cost.high))
    return f"${mid}" if low == high else f"${mid} ({low}-{high})"


def _cents(value: float) -> str:
    return f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def three(value: float) -> str:
    """Three digits, without an exponent."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def percent(share: float) -> str:
    """A share with its sign: ``+12 %``, ``-3.1 %``; a manifold where that says more."""
    if share >= 9.995:
        return f"x{1 + share:.3g}"
    return (
        f"{share:+.0%}".replace("%", " %")
        if abs(share) >= 0.0995
        else f"{share:+.1%}".replace("%", " %")
    )


def interval_record(interval: Interval | None) -> dict[str, object] | None:
    """An interval as plain data, with its basis."""
    if interval is None:
        return None
    return {
        "low": interval.low, "mid": interval.mid, "high": interval.high, "basis": interval.basis
    }  # fmt: skip


def columns(rows: Sequence[Sequence[str]], sides: str) -> list[str]:
    """Rows as lines of columns, each to the left (``<``) or the right (``>``)."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = []
    for row in rows:
        cells = [f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths)]
        lines.append(("  " + "  ".join(cells)).rstrip())
    return lines


def _unit_of_time(count: float) -> tuple[str, float]:
    """The largest unit that there is one of, and of days and years two."""
    for unit, factor in _TIMES:
        if count >= factor * (2 if factor > 3600 else 1):
            return unit, factor
    return _TIMES[-1]
