"""Text inside a page: nothing that a spec says is ever markup, and every byte is ASCII."""

from __future__ import annotations

import html
import json
from typing import Any

from dsl.cost.interval import Interval
from dsl.diagnostics.excerpt import printable

_RATES = ("", "k", "M", "G", "T", "P", "E")


def esc(text: object) -> str:
    """A text as it stands between tags or in a quoted attribute.

    Letters that turn or hide their neighbours are written as escapes, others beyond ASCII as
    references.
    """
    escaped = html.escape(printable(str(text)), quote=True)
    return escaped.encode("ascii", "xmlcharrefreplace").decode("ascii")


def embedded(data: Any) -> str:
    """Data as JSON that cannot end the element that it stands in."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def tag(name: str, content: str, **attributes: object) -> str:
    """An element around markup; ``class_`` and ``data_v`` are spelled ``class`` and ``data-v``."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{esc(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{given}>{content}</{name}>"


def percent(part: float, whole: float) -> str:
    """A share in percent, "" where there is nothing to share."""
    if not whole or not part:
        return ""
    return "<0.1 %" if part / whole < 0.0005 else f"{100 * part / whole:.1f} %"


def rate(count: float, unit: str) -> str:
    """A rate with three digits: ``989 TFLOP/s``."""
    power = 0
    while count >= 999.5 and power < len(_RATES) - 1:
        count, power = count / 1000, power + 1
    return f"{count:.3g} {_RATES[power]}{unit}"


def number(count: float) -> str:
    """A count with four digits, of thousands separated: ``572.7``."""
    return f"{count:,.0f}" if count >= 1000 else f"{count:.4g}"


def place(phase: str, path: str) -> str:
    """Where in a step something is: ``backward of logits``."""
    return phase if path in ("", phase) else f"{phase} of {path}"


def basis(name: str) -> str:
    """The mark that says where a number is from."""
    return tag("span", esc(name), class_=f"basis {name}")


def samples(time: Any) -> Interval:
    """Samples a second, slowest to fastest."""
    step = time.step
    low, high = (time.batch / s if s else 0.0 for s in (step.high, step.low))
    return Interval(low, time.samples_per_second, high, step.basis)
