"""The cost table: plain text anywhere, colours and bars on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from dsl.cost.fold import Line
from dsl.cost.report import CostReport

_BAR = 36
"""Characters of a bar that stands for everything."""

_HEAD = ("path", "kind", "output", "params", "MACs", "share", "")
_STYLES = ("bold", "cyan", "", "", "", "dim", "blue")
_LEAST_BAR = 6
_LEFT = (True, True, True, False, False, False, True)


def plain_table(report: CostReport, lines: Sequence[Line]) -> str:
    """The table as text."""
    rows = [_HEAD, *(cells(report, line) for line in lines), _total(report)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    drawn = [title(report), *(_row(row, widths) for row in rows), "", *summary(report)]
    return "".join(f"{line}\n" for line in drawn)


def _row(row: Sequence[str], widths: Sequence[int]) -> str:
    parts = [
        cell.ljust(width) if left else cell.rjust(width)
        for cell, width, left in zip(row, widths, _LEFT)
    ]
    return ("  " + "  ".join(parts)).rstrip()


def cells(report: CostReport, line: Line, mark: str = "#") -> tuple[str, ...]:
    """One line of the table, a text for each column."""
    whole = report.macs
    share = line.macs / whole if whole else 0.0
    bar = mark * max(round(share * _BAR), int(share > 0.005))
    shown = f"{share:.1%}".replace("%", " %") if line.macs else ""
    macs = short(line.macs) if line.macs else ""
    params = f"{line.params:,}" if line.params else ""
    return line.path, line.kind, line.output, params, macs, shown, bar


def _total(report: CostReport) -> tuple[str, ...]:
    return "total", "", "", f"{report.params:,}", short(report.macs), "", ""


def title(report: CostReport) -> str:
    """The model, its inputs and the batch."""
    inputs = ", ".join(f"{name} {kind}" for name, kind in report.inputs.items())
    word = "input" if len(report.inputs) == 1 else "inputs"
    return f"{report.model}  {word} {inputs}  batch {report.batch}"


def summary(report: CostReport) -> list[str]:
    """What stands below the table: totals with their units, and how they depend on symbols."""
    per = "per sample" if report.batch == 1 else f"for a batch of {report.batch}"
    active = f", {report.active:,} of them active for each position"
    lines = [
        f"  {short(report.flops)}FLOPs forward, {short(report.train_step)}FLOPs a training step "
        f"(forward + backward), {per}",
        f"  {report.params:,} parameters"
        + active * (report.active != report.params)
        + (f"; {report.buffers:,} more values are kept but not trained" * bool(report.buffers))
        + f"; {short(report.elementwise)} element-wise operations are not in the FLOPs",
    ]
    if report.symbols:
        sizes = ", ".join(f"{name} = {size}" for name, size in report.symbols.items())
        formulas = "; ".join(f"{name} = {text}" for name, text in report.formulas.items())
        lines.append(f"  counted at {sizes}" + (f"; {formulas}" if formulas else ""))
    return [line.replace("  FLOPs", " FLOPs") for line in lines]


def short(count: int) -> str:
    """A count with four digits and its unit: ``1.036 G``; small ones are written out."""
    if count < 10_000:
        return f"{count:,} "
    for unit in ("k", "M", "G", "T", "P", "E"):
        scaled = count / 1000 ** ("kMGTPE".index(unit) + 1)
        if scaled < 999.95 or unit == "E":
            return f"{scaled:.{3 if scaled < 9.9995 else 2 if scaled < 99.995 else 1}f} {unit}"
    return str(count)


def rich_table(report: CostReport, lines: Sequence[Line]) -> None:
    """Prints the table to the terminal with Rich; bars take the room that is left."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    head, _, rest = title(report).partition("  ")
    console.print(Text.assemble((head, "bold"), "  ", (rest, "dim")), soft_wrap=True)
    table = Table(box=None, show_footer=True, header_style="dim", padding=(0, 1))
    rows = [cells(report, line, "\u2588") for line in lines]
    every = [_HEAD, _total(report), *rows]
    widths = [max(len(row[column]) for row in every) for column in range(len(_HEAD))]
    room = console.width - sum(widths[:-1]) - 2 * len(_HEAD)
    shown = len(_HEAD) - (room < _LEAST_BAR) - (room < 0)
    for column in range(shown):
        left = _LEFT[column]
        table.add_column(
            _HEAD[column], Text(_total(report)[column], "bold"), style=_STYLES[column],
            justify="left" if left else "right", no_wrap=True,
            min_width=None if left else widths[column],
        )  # fmt: skip
    step = max(1, -(-_BAR // max(1, room)))
    for *texts, bar in rows:
        table.add_row(*[Text(text) for text in (*texts, bar[::step])][:shown])
    console.print(table)
    console.print()
    for line in summary(report):
        console.print(Text(line), soft_wrap=True)
