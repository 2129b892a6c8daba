"""What the benchmark reports: ratios within rounds, a table, and a file to compare later."""

from __future__ import annotations

import json
import platform
import statistics
from pathlib import Path

from tests.bench.cases import Case

Row = dict[str, str | float]
"""One framework and case with its times and ratios by name."""


def summary(framework: str, case: Case, rounds: list[dict[str, float]], steps: int) -> Row:
    """Medians over the rounds: milliseconds per step of each way, and ratios within a round."""
    row: Row = {"framework": framework, "case": case.name}
    for way in rounds[0]:
        row[f"{way} ms"] = 1e3 * statistics.median(times[way] for times in rounds) / steps
    for above, below in (
        ("generated", "expert"),
        ("tutorial", "generated"),
        ("tutorial", "expert"),
    ):
        if above in rounds[0] and below in rounds[0]:
            ratios = [times[above] / times[below] for times in rounds]
            row[f"{above}/{below}"] = statistics.median(ratios)
    return row


def table(rows: list[Row]) -> str:
    """The rows as aligned text: names to the left, numbers to the right."""
    lines = [list(rows[0])]
    lines += [[v if isinstance(v, str) else f"{v:.3f}" for v in row.values()] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    layout = "  ".join(f"{{:{'<' if i < 2 else '>'}{width}}}" for i, width in enumerate(widths))
    return "\n".join(layout.format(*line) for line in lines)


def save(path: Path, rows: list[Row], rounds: int) -> None:
    """Writes the rows with what is needed to read them later."""
    path.parent.mkdir(parents=True, exist_ok=True)
    machine = {"machine": platform.machine(), "python": platform.python_version()}
    record = {"schema": 1, **machine, "rounds": rounds, "rows": rows}
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
