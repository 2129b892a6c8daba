"""The memory of a step over its layers: what is live after each, and the most while it ran."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from dsl.cost.estimate import Outlook
from dsl.cost.html.drawing import Canvas, at, fitting, letters, line, ticks, words
from dsl.cost.html.text import esc, place
from dsl.cost.words import GIB, size
from dsl.tape.memory import Moment

CANVASES = (
    Canvas("wide", 1040, 360, 74, 16, 44, 40),
    Canvas("narrow", 380, 320, 58, 8, 44, 40),
)
MOST = 480
"""Moments that are drawn; of more, neighbours are drawn as one."""

UNITS = ((GIB, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "B"))

_FAR = 2.2
"""How many times the peak a device's memory may be to be drawn as a line."""


class Stretch(NamedTuple):
    """A phase of the step: its name, the first moment, and the one after its last."""

    name: str
    first: int
    end: int


class Timeline(NamedTuple):
    """What is drawn.

    Attributes:
        state: Bytes of weights, buffers and optimizer state, which stay.
        moments: In order, thinned out.
        peak: Place of the moment of the peak.
        room: Bytes of the device, if one was asked about.
        device: Its title.
    """

    state: int
    moments: list[Moment]
    peak: int
    room: int
    device: str

    @property
    def highest(self) -> int:
        """Bytes at the peak."""
        return self.state + self.moments[self.peak][3]

    def data(self) -> dict[str, Any]:
        """What a script needs to tell what is under the pointer."""
        return {"state": self.state, "moments": [list(moment) for moment in self.moments]}


def timeline(outlook: Outlook) -> Timeline:
    """The timeline of a rehearsed step."""
    memory, device = outlook.memory, outlook.device
    moments = thinned(memory.moments, MOST)
    if moments[-1][0] == "step":  # one moment, but not to be overlooked
        moments += moments[-1:] * (len(moments) // 16)
    peak = max(range(len(moments)), key=lambda index: moments[index][3])
    return Timeline(
        memory.weights + memory.buffers + memory.optimizer, moments, peak,
        device.memory if device else 0, device.title if device else "",
    )  # fmt: skip


def thinned(moments: tuple[Moment, ...], most: int) -> list[Moment]:
    """At most about so many moments: of neighbours in a phase the one with the highest crest."""
    if not moments:
        return [("forward", "", 0, 0, 0)]
    together = -(-len(moments) // most)
    made: list[Moment] = []
    for stretch in _phases(list(moments)):
        for first in range(stretch.first, stretch.end, together):
            near = moments[first : min(first + together, stretch.end)]
            made.append(max(near, key=lambda moment: moment[3]))
    return made


def _phases(moments: list[Moment]) -> Iterator[Stretch]:
    """The phases in order; what is recomputed belongs to the backward pass."""
    names = [moment[0].replace("recompute", "backward") for moment in moments]
    first = 0
    for index in range(1, len(names) + 1):
        if index == len(names) or names[index] != names[first]:
            yield Stretch(names[first], first, index)
            first = index


def label(drawn: Timeline) -> str:
    """The chart in a sentence."""
    phase, path, *_ = drawn.moments[drawn.peak]
    text = f"Live memory over the step: at most {size(drawn.highest)}, {place(phase, path)}"
    return text + (f"; {drawn.device} has {size(drawn.room)}" if drawn.room else "")


def legend(drawn: Timeline) -> str:
    """What the colours are, as items of a list."""
    trains = any(moment[0] == "step" for moment in drawn.moments)
    items = (
        ("state", "weights, buffers, optimizer state" if trains else "weights and buffers"),
        *((("gradients", "gradients of weights"),) if trains else ()),
        ("kept", "activations"),
        ("crest", "the most while a layer runs"),
    )
    return "".join(f'<li><i class="{colour}"></i> {esc(word)}</li>' for colour, word in items)


def charts(drawn: Timeline) -> str:
    """The chart for a wide and for a narrow screen."""
    return "".join(_Chart(drawn, canvas).draw() for canvas in CANVASES)


class _Chart:
    """One chart: positions of moments and bytes on a canvas."""

    def __init__(self, drawn: Timeline, canvas: Canvas) -> None:
        self.drawn, self.canvas = drawn, canvas
        self.near = 0 < drawn.room <= _FAR * drawn.highest
        self.top = 1.08 * max(drawn.highest, drawn.room if self.near else 0, 1)
        self.count = len(drawn.moments)

    def x(self, index: float) -> float:
        """Where a moment begins."""
        return self.canvas.left + self.canvas.inner[0] * index / self.count

    def y(self, bytes_: float) -> float:
        """How high an amount is."""
        return self.canvas.top + self.canvas.inner[1] * (1 - bytes_ / self.top)

    def draw(self) -> str:
        """All parts, those behind first."""
        canvas = self.canvas
        parts = [*self._grid(), *self._areas(), *self._bands(), *self._room(), *self._peak()]
        parts.append(f'<g class="cursor" hidden="hidden">{line(0, canvas.top, 0, 0, "hair")}</g>')
        left, right = at(canvas.left), at(canvas.width - canvas.right)
        bottom = at(canvas.height - canvas.bottom)
        return canvas.drawn(
            "".join(parts), label(self.drawn), left=left, right=right, top=at(canvas.top),
            bottom=bottom,
        )  # fmt: skip

    def _grid(self) -> Iterator[str]:
        unit, name = next(pair for pair in UNITS if self.top >= pair[0])
        right = self.canvas.width - self.canvas.right
        for tick in ticks(self.top / unit, 5):
            y = self.y(tick * unit)
            yield line(self.canvas.left, y, right, y, "grid")
            yield words(self.canvas.left - 8, y + 4, f"{tick:g} {name}", "end")

    def _areas(self) -> Iterator[str]:
        state, moments = self.drawn.state, self.drawn.moments
        base = [(0, state)] * self.count
        learned = [(state, state + m[4]) for m in moments]
        live = [(state + m[4], state + m[2]) for m in moments]
        crest = [(state + m[2], state + m[3]) for m in moments]
        for name, spans in zip(
            ("state", "gradients", "kept", "crest"), (base, learned, live, crest)
        ):
            yield self._area(name, spans)

    def _area(self, name: str, spans: list[tuple[int, int]]) -> str:
        """Steps along the upper bounds, and back along the lower ones."""
        if all(low == high for low, high in spans):
            return ""
        upper = [f"V{at(self.y(b))}H{at(self.x(i + 1))}" for i, (_, b) in enumerate(spans)]
        lower = [f"V{at(self.y(spans[i][0]))}H{at(self.x(i))}" for i in reversed(range(self.count))]
        start = f"M{at(self.x(0))} {at(self.y(spans[0][0]))}"
        return f'<path class="{name}" d="{start}{"".join(upper)}{"".join(lower)}Z"/>'

    def _bands(self) -> Iterator[str]:
        """The phases, told apart and named below the chart."""
        bottom = self.canvas.height - self.canvas.bottom
        for stretch in _phases(self.drawn.moments):
            left = self.x(stretch.first)
            yield line(left, self.canvas.top, left, bottom + 6, "phase")
        yield from self._phase_names(bottom + 18)
        middle = self.canvas.left + self.canvas.inner[0] / 2
        yield words(middle, self.canvas.height - 6, "layers in the order they run", "middle")

    def _phase_names(self, y: float) -> Iterator[str]:
        """The longest phase first, each where it lies on no other."""
        taken: list[tuple[float, float]] = []
        for stretch in sorted(_phases(self.drawn.moments), key=lambda s: s.first - s.end):
            middle = (self.x(stretch.first) + self.x(stretch.end)) / 2
            half = letters(stretch.name) / 2 + 4
            x = min(middle, self.canvas.width - half)
            if all(abs(x - other) > half + width for other, width in taken):
                taken.append((x, half))
                yield words(x, y, stretch.name, "middle", "strong")

    def _room(self) -> Iterator[str]:
        """The device's memory, where it is not far above."""
        if not self.near:
            return
        y = self.y(self.drawn.room)
        right = self.canvas.width - self.canvas.right
        yield line(self.canvas.left, y, right, y, "room")
        text = fitting(f"{self.drawn.device}: {size(self.drawn.room)}", self.canvas.inner[0])
        below = y - self.canvas.top < 16 or self.drawn.room > self.drawn.highest
        yield words(right - 4, y + (15 if below else -5), text, "end", "roomy halo")

    def _peak(self) -> Iterator[str]:
        """A mark, and above the chart what and where it is."""
        phase, path, *_ = self.drawn.moments[self.drawn.peak]
        x, y = self.x(self.drawn.peak + 0.5), self.y(self.drawn.highest)
        left, right = self.canvas.left, self.canvas.width - self.canvas.right
        text = f"peak {size(self.drawn.highest)}: {place(phase, path)}"
        text = fitting(text, right - left)
        start = min(max(x - letters(text) / 2, left), right - letters(text))
        yield line(x, 24, x, y - 4, "lead")
        yield f'<circle class="peak" cx="{at(x)}" cy="{at(y)}" r="4.5"/>'
        yield words(max(start, left), 18, text, class_="strong")
