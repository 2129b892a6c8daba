"""A count of live bytes, what they are for, and when they were the most."""

from __future__ import annotations

from dsl.record import Record
from dsl.tape.tensors import Storage

Moment = tuple[str, str, int, int, int]
"""Phase and path of a layer; bytes live when it ends, the most while it ran, and how many of the
former are gradients of weights."""


class Peak(Record):
    """The moment of the most live bytes.

    Attributes:
        bytes: How many of them come and go with the step: activations, gradients, temporaries.
        gradients: Those of them that are gradients of weights.
        phase: ``forward``, ``loss``, ``backward`` or ``step``.
        path: The layer at work.
    """

    bytes: int
    gradients: int
    phase: str
    path: str


class Memory:
    """Live bytes while a step runs, beside weights and optimizer state, which stay.

    Attributes:
        live: Bytes that are allocated now.
        gradients: Those of them that are gradients of weights.
        highest: The most there were.
        phase, path: Where the step is; the caller keeps them up to date.
        crest: The most there were since the last moment that was written down.
        moments: For a timeline, what is live after each layer.
        levels: Each size that the gradients of weights had so far, with the most live bytes beside
            them while they had it.
    """

    __slots__ = (
        "crest", "gradients", "highest", "level", "levels", "live", "moments", "path", "peak",
        "phase",
    )  # fmt: skip

    def __init__(self) -> None:
        self.live = self.highest = self.level = self.gradients = self.crest = 0
        self.phase = self.path = ""
        self.peak = Peak(0, 0, "", "")
        self.moments: list[Moment] = []
        self.levels: list[tuple[int, int]] = []

    def allocate(self, bytes_: int) -> Storage:
        """New bytes, held once."""
        self.live += bytes_
        if self.live > self.crest:
            self.crest = self.live
        if self.live > self.level:
            self.level = self.live
            if self.live > self.highest:
                self._note()
        return Storage(bytes_)

    def learned(self, bytes_: int) -> None:
        """Some of the live bytes are the gradient of a weight from now on."""
        self.levels.append((self.gradients, self.level - self.gradients))
        self.gradients += bytes_
        self.level = self.live

    def beside(self, bytes_: int) -> None:
        """Everything so far ran beside gradients of earlier passes."""
        self.live += bytes_
        self.crest += bytes_
        self.highest += bytes_
        self.level += bytes_
        self.gradients += bytes_
        peak = self.peak
        self.peak = Peak(peak.bytes + bytes_, peak.gradients + bytes_, peak.phase, peak.path)
        self.moments = [
            (phase, path, live + bytes_, most + bytes_, gradients + bytes_)
            for phase, path, live, most, gradients in self.moments
        ]

    def _note(self) -> None:
        self.highest = self.live
        self.peak = Peak(self.live, self.gradients, self.phase, self.path)

    def drop(self, storage: Storage) -> None:
        """Takes one holder away; without any the bytes are freed."""
        storage.refs -= 1
        if not storage.refs:
            self.live -= storage.bytes

    def mark(self) -> None:
        """Writes the timeline on."""
        self.moments.append((self.phase, self.path, self.live, self.crest, self.gradients))
        self.crest = self.live
