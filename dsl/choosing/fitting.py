"""The largest value of a quantity at which a spec fits on a device."""

from __future__ import annotations

from dsl.choosing.largest import largest
from dsl.choosing.subject import Subject
from dsl.choosing.variation import BATCH, check_quantity, outlook_at, quantities
from dsl.cost.estimate import Outlook
from dsl.devices.device import Device
from dsl.record import Record

MOST_BATCH = 1 << 24
"""A batch that no machine runs: beyond it nothing is tried."""


class Fit(Record):
    """How far a quantity may go.

    Attributes:
        quantity: ``batch``, a symbol or a parameter.
        now: Its value in the spec.
        step: Values are whole multiples of it.
        fits: The largest value that fits; 0 where none does.
        tight: The largest that may fit, `fits` or more.
        at: What the spec takes at `fits`, None at 0.
        at_tight: What it takes at `tight`.
        bound: Why no larger value was tried, if not for memory: "" or what forbids it.
    """

    quantity: str
    now: int
    step: int
    fits: int
    tight: int
    at: Outlook | None
    at_tight: Outlook | None
    bound: str = ""


def largest_fit(subject: Subject, device: Device, quantity: str = BATCH) -> Fit:
    """The largest value of a quantity that fits, and the largest that may.

    Memory grows with the quantity, so that two bisections find both; each value is rehearsed as
    the spec itself is.

    Args:
        subject: The spec.
        device: Where it is to run.
        quantity: What is varied.

    Raises:
        Unknown: It cannot be varied.
    """
    check_quantity(subject, quantity)
    return _Search(subject, device, quantity).run()


class _Search:
    """Outlooks of one quantity, each made once."""

    def __init__(self, subject: Subject, device: Device, quantity: str) -> None:
        self.subject, self.device, self.quantity = subject, device, quantity
        self.now = quantities(subject)[quantity]
        self.made: dict[int, Outlook | None] = {}
        self.step = self._step()

    def run(self) -> Fit:
        """Both bisections."""
        start = max(1, self.now // self.step)
        limit = MOST_BATCH // self.step
        fits = largest(lambda n: self._verdict(n) == "fits", start, limit) * self.step
        beside = max(1, fits // self.step)
        tight = largest(lambda n: self._verdict(n) in ("fits", "tight"), beside, limit) * self.step
        return Fit(
            self.quantity, self.now, self.step, fits, tight,
            self.outlook(fits), self.outlook(tight), self._bound(tight),
        )  # fmt: skip

    def outlook(self, value: int) -> Outlook | None:
        """What the spec takes at a value; None where it is none or a mistake."""
        if value not in self.made:
            device, name = self.device, self.quantity
            self.made[value] = outlook_at(self.subject, device, name, value) if value else None
        return self.made[value]

    def _verdict(self, steps: int) -> str:
        found = self.outlook(steps * self.step)
        return "refused" if found is None or found.fits is None else found.fits

    def _bound(self, tight: int) -> str:
        if tight >= MOST_BATCH // self.step * self.step:
            return f"nothing above {tight:,} was tried"
        if self.outlook(tight + self.step) is None:
            return f"the spec does not allow {tight + self.step:,}"
        return ""

    def _step(self) -> int:
        """The finest step that the spec allows: a width goes by heads, a batch by one."""
        if self.quantity == BATCH:
            return 1
        for step in (n for n in range(1, self.now + 1) if self.now % n == 0):
            if any(self.outlook(value) for value in (self.now + step, self.now - step)):
                return step
        return self.now
