"""The operations of a step under the roof of a device: arithmetic against bytes moved."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from dsl.cost.estimate import Outlook
from dsl.cost.html.drawing import Canvas, at, letters, line, words
from dsl.cost.html.rows import Paths
from dsl.cost.html.text import esc, percent, rate, tag
from dsl.cost.table import short
from dsl.cost.time import step_time
from dsl.cost.words import seconds, size
from dsl.devices.device import Device
from dsl.tape.work import Work

CANVASES = (
    Canvas("wide", 1040, 440, 96, 24, 20, 50),
    Canvas("narrow", 380, 340, 88, 22, 20, 50),
)
MOST = 240
"""Layers that are drawn as points: those with the most FLOPs."""

SPELLED = {
    "gemm": "matrix products",
    "conv": "convolutions",
    "conv1x1": "1x1 convolutions",
    "grouped": "grouped convolutions",
    "depthwise": "depthwise convolutions",
    "attention": "attention",
    "norm": "norms",
    "batch_norm": "batch norms",
    "pool": "pooling",
    "pointwise": "element-wise",
    "reduce": "sums",
    "copy": "copies and casts",
    "lookup": "look-ups",
    "scan": "scans",
}
"""The categories of operations, as a person calls them."""


class Point(NamedTuple):
    """Operations added up.

    Attributes:
        name: Their category, or the layer that they are of.
        count: How many.
        flops: Of products.
        bytes: Read and written.
        seconds: As they are expected to take.
    """

    name: str
    count: int
    flops: int
    bytes: int
    seconds: float

    @property
    def intensity(self) -> float:
        """FLOPs for each byte."""
        return self.flops / self.bytes if self.bytes else 0.0

    @property
    def achieved(self) -> float:
        """FLOPs a second."""
        return self.flops / self.seconds if self.seconds else 0.0


class Roof(NamedTuple):
    """What a device does at most: FLOP/s, bytes a second, and which precision that is of."""

    peak: float
    bandwidth: float
    precision: str

    def over(self, intensity: float) -> float:
        """FLOP/s at an intensity."""
        return min(self.peak, self.bandwidth * intensity)

    @property
    def ridge(self) -> float:
        """The intensity from which on arithmetic is what limits."""
        return self.peak / self.bandwidth


def roof(device: Device, precision: str) -> Roof:
    """The roof over products in a precision; those of float32 run as TF32 where there is that."""
    name = "tf32" if precision == "float32" else precision
    native = {"tf32": "float32"}.get(name, name) if not device.native(name) else name
    return Roof(device.peak(name), device.bandwidth, native)


def by_category(outlook: Outlook) -> list[Point]:
    """Every category of operations, the one that takes longest first."""
    found = _points(outlook, lambda work: work.category, outlook.memory.work)
    return sorted(found, key=lambda point: (-point.seconds, point.name))


def by_layer(outlook: Outlook) -> list[Point]:
    """The layers that have products."""
    paths = Paths(layer.path for layer in outlook.cost.layers)
    products = [work for work in outlook.memory.work if work.flops]
    sums: dict[str, int] = {}
    lines: dict[str, str] = {}
    for work in products:
        if work.path not in lines:
            lines[work.path] = paths.line(work.path)
        name = lines[work.path]
        sums[name] = sums.get(name, 0) + work.flops * work.times
    shown = set(sorted(sums, key=lambda name: (-sums[name], name))[:MOST])
    chosen = [work for work in products if lines[work.path] in shown]
    return _points(outlook, lambda work: lines[work.path], chosen)


def _points(
    outlook: Outlook, name: Callable[[Work], str], operations: Iterable[Work]
) -> list[Point]:
    groups: dict[str, list[Work]] = {}
    for work in operations:
        groups.setdefault(name(work), []).append(work)
    return [
        Point(
            key, sum(work.times for work in group), sum(work.flops * work.times for work in group),
            sum(work.bytes * work.times for work in group),
            _seconds(outlook, group),
        )
        for key, group in groups.items()
    ]  # fmt: skip


def _seconds(outlook: Outlook, group: list[Work]) -> float:
    """What some operations of one pass keep the device busy."""
    assert outlook.device is not None
    alone = outlook.memory.replace(work=tuple(group))
    time = step_time(alone, outlook.device, outlook.setup.replace(accumulate=1))
    return sum(time.categories.values())


def table(points: list[Point]) -> str:
    """The categories as rows of a table."""
    whole = sum(point.seconds for point in points)
    return "".join(_row(point, whole) for point in points)


def _row(point: Point, whole: float) -> str:
    name = SPELLED.get(point.name, point.name)
    cells = (
        (point.count, f"{point.count:,}"),
        (point.flops, short(point.flops) if point.flops else ""),
        (point.bytes, size(point.bytes)),
        (f"{point.intensity:.6g}", f"{point.intensity:.3g}" if point.flops else ""),
        (f"{point.achieved:.6g}", rate(point.achieved, "FLOP/s") if point.flops else ""),
        (f"{point.seconds:.6g}", seconds(point.seconds)),
        (f"{point.seconds:.6g}", percent(point.seconds, whole)),
    )
    drawn = "".join(tag("td", esc(text), class_="n", data_v=value) for value, text in cells)
    return f'<tr>{tag("th", esc(name), scope="row", data_v=name)}{drawn}</tr>'


def charts(outlook: Outlook, points: list[Point]) -> str:
    """The chart for a wide and for a narrow screen, "" where there are no products."""
    assert outlook.device is not None
    products = [point for point in points if point.flops and point.seconds]
    if not products:
        return ""
    over = roof(outlook.device, outlook.setup.precision)
    layers = [point for point in by_layer(outlook) if point.seconds]
    drawn = (_Chart(over, products, layers, canvas) for canvas in CANVASES)
    return "".join(chart.draw(outlook.device.title) for chart in drawn)


class _Chart:
    """One chart, both of whose axes are logarithmic."""

    def __init__(
        self, over: Roof, products: list[Point], layers: list[Point], canvas: Canvas
    ) -> None:
        self.over, self.products, self.layers, self.canvas = over, products, layers, canvas
        every = [*products, *layers]
        across = [*(point.intensity for point in every), over.ridge]
        up = [*(point.achieved for point in every), over.peak]
        low, high = min(*across, over.ridge / 40), min(*up, over.peak / 40)
        self.x0, self.x1 = math.floor(_log(low)), math.ceil(_log(max(across)) + 0.3)
        self.y0, self.y1 = math.floor(_log(high)), _log(max(up)) + 0.35

    def x(self, intensity: float) -> float:
        """Where an intensity is."""
        share = (_log(intensity) - self.x0) / (self.x1 - self.x0)
        return self.canvas.left + self.canvas.inner[0] * share

    def y(self, achieved: float) -> float:
        """How high a speed is."""
        share = (_log(achieved) - self.y0) / (self.y1 - self.y0)
        return self.canvas.top + self.canvas.inner[1] * (1 - share)

    def draw(self, device: str) -> str:
        """All parts, those behind first."""
        label = (
            f"Roofline of {device}: operations by FLOPs a byte and by FLOP/s, under "
            f"{rate(self.over.peak, 'FLOP/s')} and {rate(self.over.bandwidth, 'B/s')}"
        )
        low, high = self._slope()
        roof_ = f"M{at(low[0])} {at(low[1])}L{at(high[0])} {at(high[1])}H"
        right = self.canvas.width - self.canvas.right
        parts = [
            *self._grid(), f'<path class="roof" d="{roof_}{at(right)}"/>', *self._dots(),
            words(right, 13, f"roof: {self._peak()}", "end", "roofy"),
            self._bandwidth(low, high), *self._names(),
        ]  # fmt: skip
        return self.canvas.drawn("".join(parts), label)

    def _grid(self) -> Iterator[str]:
        canvas = self.canvas
        right, bottom = canvas.width - canvas.right, canvas.height - canvas.bottom
        for power in range(self.x0, self.x1 + 1):
            x = self.x(10.0**power)
            yield line(x, canvas.top, x, bottom, "grid")
            yield words(x, bottom + 17, f"{10.0**power:g}", "middle")
        for power in range(self.y0, math.floor(self.y1) + 1):
            y = self.y(10.0**power)
            yield line(canvas.left, y, right, y, "grid")
            yield words(canvas.left - 8, y + 4, rate(10.0**power, "FLOP/s"), "end")
        middle = canvas.left + canvas.inner[0] / 2
        yield words(middle, canvas.height - 8, "FLOPs for each byte moved", "middle")

    def _slope(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Where the roof comes into the chart, and its bend."""
        over = self.over
        start = max(10.0**self.x0, 10.0**self.y0 / over.bandwidth)
        return (self.x(start), self.y(over.over(start))), (self.x(over.ridge), self.y(over.peak))

    def _peak(self) -> str:
        return f"{rate(self.over.peak, 'FLOP/s')} {self.over.precision}"

    def _bandwidth(self, low: tuple[float, float], high: tuple[float, float]) -> str:
        """The bandwidth, written along its line."""
        text = rate(self.over.bandwidth, "B/s")
        across, up = high[0] - low[0], high[1] - low[1]
        if math.hypot(across, up) < letters(text) + 20:
            return ""
        x, y = low[0] + across * 0.45, low[1] + up * 0.45
        angle = math.degrees(math.atan2(up, across))
        turned = f"translate({at(x)} {at(y)}) rotate({angle:.1f})"
        return (
            f'<text class="roofy" text-anchor="middle" dy="-7" transform="{turned}">'
            f"{esc(text)}</text>"
        )

    def _dots(self) -> Iterator[str]:
        for point in self.layers:
            yield self._dot(point, "dot", 3.2)
        for point in self.products:
            yield self._dot(point, f"mark {point.name}", 7)

    def _dot(self, point: Point, class_: str, radius: float) -> str:
        name = SPELLED.get(point.name, point.name)
        text = f"{name}: {point.intensity:.3g} FLOPs a byte, {rate(point.achieved, 'FLOP/s')}"
        return (
            f'<circle class="{esc(class_)}" cx="{at(self.x(point.intensity))}" '
            f'cy="{at(self.y(point.achieved))}" r="{radius}"><title>{esc(text)}</title></circle>'
        )

    def _names(self) -> Iterator[str]:
        """A name below or above each category, wherever it lies on no other name or point."""
        spots = [(self.x(point.intensity), self.y(point.achieved)) for point in self.products]
        taken = [(x, 8.0, y + 4) for x, y in spots]
        for point in sorted(self.products, key=lambda point: -point.seconds):
            name = SPELLED.get(point.name, point.name)
            half = letters(name) / 2
            right = self.canvas.width - self.canvas.right - half
            x = min(max(self.x(point.intensity), self.canvas.left + half + 4), right)
            y = self.y(point.achieved)
            place = next(
                up for up in (y + 22, y - 13, *(y + 37 + 15 * times for times in range(99)))
                if all(abs(x - near) > half + width or abs(up - on) >= 15
                       for near, width, on in taken)
            )  # fmt: skip
            taken.append((x, half, place))
            yield words(x, place, name, "middle", f"halo label {point.name}")


def _log(value: float) -> float:
    return math.log10(value)
