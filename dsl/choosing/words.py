"""Numbers as text: each with its unit, its range and where it is from."""

from __future__ import annotations

from dsl.cost.interval import Interval

GIB = 2**30

_TIMES = (("d", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3), ("us", 1e-6))


def size(count: float) -> str:
    """Bytes: ``4.21 GiB``, ``312 MiB``."""
    for unit, factor in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if abs(count) >= factor:
            return (
                f"{count / factor:.3g} {unit}"
                if abs(count) < 1000 * factor
                else (f"{count / factor:.0f} {unit}")
            )
    return f"{count:.0f} B"


def seconds(count: float) -> str:
    """A time: ``3.1 h``, ``250 ms``."""
    unit, factor = next((pair for pair in _TIMES if count >= pair[1]), _TIMES[-1])
    return f"{_three(count / factor)} {unit}"


def time_range(time: Interval) -> str:
    """A time with its range, in one unit: ``3.1 h (2.4-4.0)``."""
    unit, factor = next((pair for pair in _TIMES if time.mid >= pair[1]), _TIMES[-1])
    low, mid, high = (_three(value / factor) for value in (time.low, time.mid, time.high))
    return f"{mid} {unit}" if low == high else f"{mid} {unit} ({low}-{high})"


def size_range(room: Interval) -> str:
    """An amount of memory with its range: ``17.2 GiB (15.1-21.0)``."""
    unit, factor = ("GiB", GIB) if room.mid >= 0.1 * GIB else ("MiB", 2**20)
    low, mid, high = (_three(value / factor) for value in (room.low, room.mid, room.high))
    return f"{mid} {unit}" if low == high else f"{mid} {unit} ({low}-{high})"


def money_range(cost: Interval) -> str:
    """Dollars with their range: ``$4.20 (3.10-5.60)``."""
    low, mid, high = (_cents(value) for value in (cost.low, cost.mid, cost.high))
    return f"${mid}" if low == high else f"${mid} ({low}-{high})"


def _cents(value: float) -> str:
    return f"{value:,.2f}" if value < 100 else f"{value:,.0f}"


def _three(value: float) -> str:
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


def columns(rows: list[tuple[str, ...]], left: tuple[int, ...], indent: str = "  ") -> list[str]:
    """Rows as lines with columns aligned, those of `left` to the left."""
    if not rows:
        return []
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if at in left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths))
        ]
        lines.append(f"{indent}{'  '.join(cells)}".rstrip())
    return lines
