"""The smallest edits that make a spec fit, each costed anew from the edited text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from dsl.choosing.fitting import largest_fit
from dsl.choosing.sharding import COUNTS, shared_out
from dsl.choosing.subject import Mistaken, Subject
from dsl.choosing.variation import BATCH, Change, at, change_of, changed, changed_text, quantities
from dsl.cost.estimate import Outlook
from dsl.devices.device import Device
from dsl.planning.outline import block_names
from dsl.record import Record

MOST = 8
"""Remedies that are offered."""


class Remedy(Record):
    """An edit that makes a spec fit.

    Attributes:
        title: What it does, in words.
        change: What is changed.
        text: The spec's new text.
        outlook: What the edited spec takes.
        factor: Seconds a sample of the edited spec, as a multiple of the unedited one's.
        same_step: Whether an optimizer step computes what it did, up to rounding.
        notes: What else to know of it.
    """

    title: str
    change: Change
    text: str
    outlook: Outlook
    factor: float
    same_step: bool
    notes: tuple[str, ...] = ()


class Idea(Record):
    """A remedy before it is tried.

    Attributes:
        title: What it does, in words.
        change: What it changes.
        same_step: Whether an optimizer step computes what it did.
        devices: Over how many the work is spread.
        notes: What else to know of it.
    """

    title: str
    change: Change
    same_step: bool = True
    devices: int = 1
    notes: tuple[str, ...] = ()

    def and_then(self, other: Idea) -> Idea:
        """Both at once."""
        return Idea(
            f"{self.title}, {other.title}", self.change.and_then(other.change),
            self.same_step and other.same_step, max(self.devices, other.devices),
            self.notes + other.notes,
        )  # fmt: skip


def remedies(subject: Subject, device: Device, kept: Collection[str] = ()) -> list[Remedy]:
    """Edits that make a spec fit, those that keep what a step computes first, then by time.

    An edit is offered only if the edited text, read again, is without mistakes and fits; of edits
    that need each other the smallest combination is.

    Args:
        subject: A spec that does not surely fit.
        device: Where it is to run.
        kept: Quantities that may not change.
    """
    search = _Search(subject, device, kept)
    found = list(search.alone())
    found += search.together({remedy.title for remedy in found})
    found += list(search.smaller())
    if not any(remedy.same_step for remedy in found):
        found += list(search.spread())
    order = sorted(found, key=lambda remedy: (not remedy.same_step, remedy.factor))
    return order[:MOST]


class _Search:
    """Tries ideas on one spec."""

    def __init__(self, subject: Subject, device: Device, kept: Collection[str]) -> None:
        self.subject, self.device, self.kept = subject, device, kept
        self.before = self._pace(subject.outlook(device))

    # --- trying ---------------------------------------------------------------------------

    def tried(self, idea: Idea) -> Remedy | None:
        """The idea as a remedy, if it is one."""
        found = self.read(idea)
        if found is None:
            return None
        outlook, pace = self.costed(found, idea.devices)
        text = changed_text(self.subject, idea.change)
        if outlook.fits != "fits" or text is None or text == self.subject.compilation.source.text:
            return None
        factor = pace / self.before if self.before else 1.0
        same = idea.same_step
        return Remedy(idea.title, idea.change, text, outlook, factor, same, idea.notes)

    def read(self, idea: Idea) -> Subject | None:
        """The spec with the idea's change, if the language takes it."""
        try:
            return changed(self.subject, idea.change)
        except Mistaken:
            return None

    def costed(self, subject: Subject, devices: int) -> tuple[Outlook, float]:
        """What an edited spec takes of each device, and seconds a sample."""
        outlook = subject.outlook(self.device)
        if devices == 1:
            return outlook, self._pace(outlook)
        row = shared_out(subject, self.device, devices)
        if row is None:
            return outlook.replace(fits="does not fit"), 0.0
        pace = 1 / row.samples_per_second if row.samples_per_second else 0.0
        return outlook.replace(needed=row.needed, fits=row.verdict, time=None), pace

    @staticmethod
    def _pace(outlook: Outlook) -> float:
        """Seconds a sample."""
        time = outlook.time
        return time.step.mid / time.batch if time and time.batch else 0.0

    # --- ideas ----------------------------------------------------------------------------

    def alone(self) -> Iterator[Remedy]:
        """Each single edit that keeps the model."""
        for idea in (*self.precisions(), *self.recomputations()):
            found = self.tried(idea)
            if found:
                yield found
        parts = self.in_parts(None)
        if parts:
            yield parts

    def together(self, enough: Collection[str]) -> Iterator[Remedy]:
        """Combinations of edits of which none is enough alone.

        Args:
            enough: Titles of the edits that are.
        """
        precise = [idea for idea in self.precisions() if idea.title not in enough]
        again = [idea for idea in self.recomputations() if idea.title not in enough][:1]
        pairs = [one.and_then(two) for one in precise for two in again]
        for idea in (*pairs, *precise, *again):
            found = (self.tried(idea) if idea in pairs else None) or self.in_parts(idea)
            if found:
                yield found

    def spread(self) -> Iterator[Remedy]:
        """Several devices, once one will not do without changing the model."""
        bases: list[Idea | None] = [None, *self.precisions()[:1]]
        for base in bases:
            for count in COUNTS:
                found = self.on_devices(count, base)
                if found:
                    yield found
                    break

    def on_devices(self, count: int, base: Idea | None) -> Remedy | None:
        """Weights and state in shards on so many devices, in parts as small as need be."""
        settings = {"device": {"count": str(count), "strategy": '"fsdp"'}}
        note = "the samples of a step are shared among the devices; `msl plan` has the details"
        idea = Idea(f"{count} devices with shards (FSDP)", Change(settings), True, count, (note,))
        return self.tried(idea if base is None else base.and_then(idea))

    def precisions(self) -> list[Idea]:
        """16-bit arithmetic, where the spec has none yet and the device computes it."""
        if self.subject.setup().precision != "float32" or "precision" in self.kept:
            return []
        native = [name for name in ("bfloat16", "float16") if self.device.native(name)]
        return [_setting("device", "precision", name, f"{name} products") for name in native[:1]]

    def recomputations(self) -> list[Idea]:
        """Blocks that run again in the backward pass, outermost first."""
        if not self.subject.trained or "recompute" in self.kept:
            return []
        return [
            _setting("device", "recompute", f'["{name}"]', f"recompute each {name}")
            for name in block_names(self.subject.model)
        ]

    def in_parts(self, base: Idea | None) -> Remedy | None:
        """A smaller batch, with as many parts to a step as make up for it."""
        train = self.subject.training.train
        if not self.subject.trained or not self.subject.training.losses:
            return None
        parts = [n for n in range(train.batch // 2, 0, -1) if train.batch % n == 0]
        fits = _first(parts, lambda batch: self._part(batch, base))
        return None if fits is None else self._part(fits, base)

    def _part(self, batch: int, base: Idea | None) -> Remedy | None:
        train = self.subject.training.train
        accumulate = train.accumulate * train.batch // batch
        settings = {"train": {"batch": str(batch), "accumulate": str(accumulate)}}
        title = f"batch {batch} in {accumulate} parts a step"
        idea = Idea(title, Change(settings), notes=self._norms())
        return self.tried(idea if base is None else base.and_then(idea))

    def _norms(self) -> tuple[str, ...]:
        """What parts change: statistics of the batch are those of a part."""
        from dsl.ir import walk

        kinds = {visit.node.layer.name for visit in walk(self.subject.model.body.nodes)}
        if "BatchNorm" not in kinds:
            return ()
        return ("BatchNorm then sees the samples of one part at a time",)

    def smaller(self) -> Iterator[Remedy]:
        """A smaller symbol or parameter: another model, or another task."""
        options = []
        for name, now in quantities(self.subject).items():
            if name == BATCH or name in self.kept or not self._saves(name, now):
                continue
            fit = largest_fit(self.subject, self.device, name)
            if now <= 8 * fit.fits < 8 * now:  # less than an eighth is no mend
                options.append((fit.fits / now, name, fit.fits))
        for _, name, value in sorted(options, reverse=True)[:3]:
            found = self.tried(
                Idea(f"{name} {value}", change_of(self.subject, name, value), same_step=False)
            )
            if found:
                yield found

    def _saves(self, name: str, now: int) -> bool:
        """Whether a half of a quantity takes clearly less memory than all of it."""
        if now < 4:
            return False
        half = at(self.subject, name, now // 2)
        if half is None:
            return name not in ("classes", "seed")
        live = half.outlook(self.device).memory.live_peak
        return live < 0.9 * self.subject.outlook(self.device).memory.live_peak


def _setting(word: str, name: str, value: str, title: str) -> Idea:
    return Idea(title, Change({word: {name: value}}))


def _first(values: list[int], found: Callable[[int], Remedy | None]) -> int | None:
    """The first of falling values for which there is something, by bisection; None for none."""
    if not values or found(values[-1]) is None:
        return None
    low, high = 0, len(values) - 1
    while low < high:
        middle = (low + high) // 2
        if found(values[middle]) is None:
            low = middle + 1
        else:
            high = middle
    return values[low]
