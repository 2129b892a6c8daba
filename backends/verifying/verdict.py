"""What a verification found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from backends.verifying.compare import Check
from backends.verifying.locating import First


@dataclass
class Verdict:
    """The outcome.

    Attributes:
        model: Name of the model.
        params: Number of trainable values.
        sizes: The size of each symbol.
        batch: Rows in a batch.
        steps: Steps of the optimizer, 0 for a model without training sections.
        checks: Every comparison.
        first: Where the first difference arises, if values differ.
        step: In what steps of the optimizer first differ, if they do.
        failure: Why it could not be finished, "" where it could.
        notes: What was left out, and why.
    """

    model: str
    params: int
    sizes: dict[str, int]
    batch: int
    steps: int
    checks: list[Check] = field(default_factory=list)
    first: First | None = None
    step: str = ""
    failure: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything agrees."""
        return not self.failure and all(check.ok for check in self.checks)

    @property
    def where(self) -> str:
        """Where the first difference arises, in words; "" where there is none."""
        if self.first is not None:
            return _place(self.first)
        bad = [check for check in self.checks if not check.ok]
        if not bad or self.failure:
            return self.failure
        if bad[0].mode == "steps" and self.step:
            return self.step
        check = bad[0]
        return f"{check.subject} ({check.mode}): {check.where}, {check.left} against {check.right}"

    def record(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "ok": self.ok, "model": self.model, "params": self.params, "sizes": self.sizes,
            "batch": self.batch, "steps": self.steps,
            "checks": [check.record() for check in self.checks],
            "first": self.first and self.first.record(), "failure": self.failure,
            "step": self.step, "where": self.where, "notes": self.notes,
        }  # fmt: skip


def _place(first: First) -> str:
    who = {"both": "the backends differ"}.get(first.backend, f"{first.backend} is off")
    text = f"{first.path} ({first.kind}), in {first.mode}: {who}"
    if first.between:
        shown = ", ".join(first.between[-5:])
        text += f"; nothing shows between it and {shown}, which may be at fault as well"
    return text
