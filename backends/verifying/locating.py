"""Where a difference between backends arises: the first value that shows it, and who makes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from backends.verifying.compare import FAINT, distance
from backends.verifying.observing import Seen, Sight, sights
from backends.verifying.oracle import Oracle
from backends.verifying.walk import Slot, Step

REFERENCE = "reference"


@dataclass(frozen=True)
class First:
    """The first value that differs.

    Attributes:
        mode: ``evaluation`` or ``training``.
        backend: Whose value is off: a backend, or ``both`` where the backends agree with each
            other alone, or where there is no reference to tell.
        path: The layer that made the value, or the first one that may have.
        kind: Its kind.
        between: The other layers that may be at fault, since nothing shows in between.
        difference: How far off it is.
    """

    mode: str
    backend: str
    path: str
    kind: str
    between: tuple[str, ...]
    difference: float

    def record(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "mode": self.mode, "backend": self.backend, "path": self.path, "kind": self.kind,
            "between": list(self.between),
        }  # fmt: skip


@dataclass
class Views:
    """What each backend showed of one run.

    Args:
        oracle: The run in the reference.
        seen: By backend, what its modules were called with and gave.
        outputs: By backend, its outputs by name.
        tolerance: The distance that is allowed.
    """

    oracle: Oracle
    seen: dict[str, Seen]
    outputs: dict[str, dict[str, Any]]
    tolerance: float
    _off: dict[tuple[str, Slot], float] = field(default_factory=dict)
    _known: dict[str, set[Slot]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.values: dict[str, list[Sight]] = {
            backend: [*sights(self.oracle.steps, seen, backend), *self._results(backend)]
            for backend, seen in self.seen.items()
        }
        for backend, found in self.values.items():
            self._known[backend] = {sight.slot for sight in found}

    def _results(self, backend: str) -> Iterator[Sight]:
        """The outputs, as if a last step were given them."""
        for name, slot in self.oracle.outputs.items():
            array = self.outputs[backend].get(name)
            if array is not None and self.oracle.steps:
                yield Sight(slot, self.oracle.steps[-1], array, True)

    def against_reference(self, backend: str) -> dict[str, float]:
        """The distance of each layer's value from the reference's, by path."""
        found: dict[str, float] = {}
        for sight in self.values[backend]:
            if sight.slot.array is not None and sight.slot.path:
                off = distance(sight.array, sight.slot.array, FAINT)
                found[sight.slot.path] = max(off, found.get(sight.slot.path, 0.0))
        return found

    def against_each_other(self) -> dict[str, float]:
        """The distance of each value that both backends show, by the path of its layer."""
        left, right = (self._by_slot(backend) for backend in self.values)
        found: dict[str, float] = {}
        for slot in left:
            if slot in right and slot.path:
                off = distance(left[slot], right[slot], FAINT)
                found[slot.path] = max(off, found.get(slot.path, 0.0))
        return found

    def _by_slot(self, backend: str) -> dict[Slot, Any]:
        return {sight.slot: sight.array for sight in self.values[backend]}

    def first(self, mode: str) -> First | None:
        """The first value that is off, in the order in which layers run."""
        names = list(self.values)
        makers = {
            slot: step for step in self.oracle.steps if step.is_layer for slot in step.outputs
        }
        rank = {id(step): number for number, step in enumerate(self.oracle.steps)}
        others = {a: self._by_slot(b) for a, b in zip(names, reversed(names))}
        bad: dict[str, dict[Slot, float]] = {name: {} for name in names}
        for name in names:
            for sight in self.values[name]:
                off = self._distance(sight, others[name])
                if off > self.tolerance:
                    bad[name].setdefault(sight.slot, off)
        found = [(name, slot) for name in names for slot in bad[name] if slot in makers]
        if not found:
            return None
        name, slot = min(found, key=lambda pair: rank[id(makers[pair[1]])])
        suspects = self._suspects(name, makers[slot], makers, bad[name])
        suspects.sort(key=lambda step: rank[id(step)])
        maker = makers[slot]
        both = slot.array is None or all(slot in bad[other] for other in names)
        rest = tuple(f"{s.path} ({_kind(s)})" for s in suspects if s is not maker)
        return First(
            mode, "both" if both else name, maker.path, _kind(maker), rest, bad[name][slot]
        )

    def _distance(self, sight: Sight, other: dict[Slot, Any]) -> float:
        wanted = sight.slot.array if sight.slot.array is not None else other.get(sight.slot)
        return 0.0 if wanted is None else distance(sight.array, wanted, FAINT)

    def _suspects(
        self, backend: str, step: Step, makers: dict[Slot, Step], bad: dict[Slot, float]
    ) -> list[Step]:
        """A layer, and those before it whose values a backend does not show."""
        found, pending = [step], [step]
        while pending:
            for slot in pending.pop().inputs:
                maker = makers.get(slot) if slot is not None else None
                hidden = slot not in self._known[backend] or slot in bad
                if maker is not None and hidden and maker not in found:
                    found.append(maker)
                    pending.append(maker)
        return found


def _kind(step: Step) -> str:
    return step.node.layer.name if step.is_layer else ""  # type: ignore[union-attr]
