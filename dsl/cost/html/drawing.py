"""What charts share: sizes, axes, words on them."""

from __future__ import annotations

import math
from typing import NamedTuple

from dsl.cost.html.text import esc


class Canvas(NamedTuple):
    """A chart's size and margins, in units of the drawing; text is 12 of them high.

    Attributes:
        name: ``wide``, or ``narrow`` for a small screen.
        width: Of the whole.
        height: Of the whole.
        left: Margin with the words of the vertical axis.
        right: Margin.
        top: Margin with words.
        bottom: Margin with the words of the horizontal axis.
    """

    name: str
    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int

    @property
    def inner(self) -> tuple[float, float]:
        """Width and height between the margins."""
        return self.width - self.left - self.right, self.height - self.top - self.bottom

    def drawn(self, content: str, label: str, **data: str) -> str:
        """The chart around its parts."""
        extra = "".join(f' data-{key}="{esc(value)}"' for key, value in data.items())
        return (
            f'<svg class="{self.name}" viewBox="0 0 {self.width} {self.height}" role="img" '
            f'aria-label="{esc(label)}"{extra}>{content}</svg>'
        )


def at(position: float) -> str:
    """A coordinate with a digit behind the point."""
    return f"{position:.1f}".removesuffix(".0")


def words(x: float, y: float, text: str, anchor: str = "start", class_: str = "") -> str:
    """A text; one that ends or is centred at a place says so."""
    side = "" if anchor == "start" else f' text-anchor="{anchor}"'
    style = f' class="{class_}"' if class_ else ""
    return f'<text x="{at(x)}" y="{at(y)}"{side}{style}>{esc(text)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> str:
    """A straight line."""
    return f'<path class="{class_}" d="M{at(x1)} {at(y1)}L{at(x2)} {at(y2)}"/>'


def letters(text: str) -> float:
    """About how wide a text is drawn."""
    return 6.7 * len(text)


def fitting(text: str, room: float) -> str:
    """The text, its middle left out where there is no room for all of it."""
    most = max(5, int(room / 6.7))
    if len(text) <= most:
        return text
    half = (most - 3) // 2
    return f"{text[: most - 3 - half]}...{text[len(text) - half :]}"


def ticks(top: float, most: int) -> list[float]:
    """Round numbers from 0 to the top: 1, 2 or 5 times a power of ten apart."""
    if top <= 0:
        return [0.0]
    raw = top / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.9999)
    return [step * count for count in range(int(top / step) + 1)]
