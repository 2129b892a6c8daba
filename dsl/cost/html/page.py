"""The page: its sections, filled from the templates that stand beside this file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from string import Template
from typing import Any

from dsl.cost.estimate import Outlook
from dsl.cost.figures import CONVENTIONS, record
from dsl.cost.fold import labels
from dsl.cost.html import bars, cards, roofline, timeline
from dsl.cost.html.rows import Row, rows_of, shortened
from dsl.cost.html.text import embedded, esc, number, percent, tag
from dsl.cost.outlook_table import how
from dsl.cost.table import short
from dsl.cost.words import size
from dsl.ir import Model

_FOLDER = os.path.dirname(os.path.abspath(__file__))

_BASES = {
    "exact": "counted, without error",
    "calibrated": "fitted to measurements, an interval",
    "prior": "assumed, not measured",
}


def page(outlooks: Sequence[Outlook], model: Model) -> str:
    """The report as one file of HTML in ASCII, always the same for the same input.

    Args:
        outlooks: What the model takes: on each device, or one without a device. Charts are of the
            first.
        model: The model.
    """
    first = outlooks[0]
    style, script = _asset("report.css"), _asset("report.js")
    drawn = timeline.timeline(first)
    rows = rows_of(first)
    filled = {
        "title": esc(f"{model.name}: what it takes"), "policy": _policy(script), "style": style,
        "script": script, "name": esc(model.name), "inputs": _inputs(first), "setup": _setup(first),
        "cards": cards.cards(first), "memory_bar": cards.memory_bar(first),
        "timeline": timeline.charts(drawn), "timeline_label": esc(timeline.label(drawn)),
        "legend": timeline.legend(drawn), "room": _room_note(first),
        "devices": _devices(outlooks), "roofline": _roofline(first),
        "bars": bars.bars(rows, labels(model)), "layers": _layers(first, shortened(rows)),
        "bases": _definitions(_BASES), "conventions": _definitions(CONVENTIONS),
        "data": embedded(_data(outlooks, drawn)),
    }  # fmt: skip
    return Template(_asset("report.html")).substitute(filled)


def _asset(name: str) -> str:
    with open(os.path.join(_FOLDER, name), encoding="ascii") as file:
        return file.read()


def _policy(script: str) -> str:
    """Nothing is loaded, and no script runs but the report's own."""
    from base64 import b64encode
    from hashlib import sha256

    digest = b64encode(sha256(script.encode("ascii")).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def _data(outlooks: Sequence[Outlook], drawn: timeline.Timeline) -> dict[str, Any]:
    """What ``msl cost --json`` says, less the layers, which the table has; and the timeline."""
    records = [record(outlook) for outlook in outlooks]
    for each in records:
        del each["layers"]
    return {"reports": records, "timeline": drawn.data()}


def _inputs(outlook: Outlook) -> str:
    inputs = outlook.cost.inputs.items()
    return ", ".join(f"<code>{esc(name)} {esc(kind)}</code>" for name, kind in inputs)


def _setup(outlook: Outlook) -> str:
    symbols = ", ".join(f"{name} = {size_}" for name, size_ in outlook.cost.symbols.items())
    said = [f"memory and time: to {how(outlook)}", symbols]
    return "".join(tag("li", esc(text)) for text in said if text)


def _definitions(texts: dict[str, str]) -> str:
    return "".join(f"<dt>{esc(name)}</dt><dd>{esc(text)}</dd>" for name, text in texts.items())


def _room_note(outlook: Outlook) -> str:
    device, needed = outlook.device, outlook.needed
    if device is None or needed is None:
        return ""
    times = number(device.memory / max(outlook.memory.live_peak, 1))
    text = (
        f"The device has {times} times the peak of live tensors; "
        "the framework's context and the allocator come on top of these."
    )
    return tag("p", esc(text), class_="note")


def _devices(outlooks: Sequence[Outlook]) -> str:
    if len(outlooks) < 2:
        return ""
    filled = {"rows": cards.device_rows(outlooks), "first": esc(outlooks[0].device.title)}
    return Template(_asset("devices.html")).substitute(filled)


def _roofline(outlook: Outlook) -> str:
    """The section of the roofline; without a device there is none."""
    if outlook.device is None:
        return ""
    points = roofline.by_category(outlook)
    filled = {
        "device": esc(outlook.device.title), "charts": roofline.charts(outlook, points),
        "rows": roofline.table(points),
    }  # fmt: skip
    return Template(_asset("roofline.html")).substitute(filled)


def _layers(outlook: Outlook, rows: list[Row]) -> str:
    """The table of all layers."""
    keeps = outlook.setup.training
    whole = outlook.cost.macs
    filled = {
        "rows": "".join(_layer(row, whole, keeps) for row in rows),
        "kept_head": '<th scope="col" class="n" data-sort>memory kept</th>' if keeps else "",
        "params": f"{outlook.cost.params:,}", "macs": esc(short(whole)),
        "flops": esc(short(outlook.cost.flops)),
        "kept": tag("td", esc(size(sum(row.kept for row in rows))), class_="n") if keeps else "",
        "count": f"{len(outlook.cost.layers):,}",
        "per": f"{outlook.cost.batch:,} samples" if outlook.cost.batch > 1 else "one sample",
        "batch": f"; memory kept is of a batch of {outlook.setup.batch:,}" if keeps else "",
    }  # fmt: skip
    return Template(_asset("layers.html")).substitute(filled)


def _layer(row: Row, whole: int, keeps: bool) -> str:
    numbers = [
        (row.params, f"{row.params:,}" if row.params else ""),
        (row.macs, short(row.macs) if row.macs else ""),
        (2 * row.macs, short(2 * row.macs) if row.macs else ""),
        *([(row.kept, size(row.kept) if row.kept else "")] if keeps else []),
    ]
    cells = "".join(tag("td", esc(text.strip()), class_="n", data_v=key) for key, text in numbers)
    share = 100 * row.macs / whole if whole else 0.0
    bar = f'<i class="macs" style="width:{share:.2f}%"></i>' if row.macs else ""
    return (
        f'<tr><th scope="row"><bdi>{esc(row.path)}</bdi></th><td>{esc(row.kind)}</td>'
        f'<td class="shape">{esc(row.shape)}</td>{cells}<td class="n meter" data-v="{share:.6g}">'
        f'<span>{esc(percent(row.macs, whole))}</span><span class="track">{bar}</span></td></tr>\n'
    )
