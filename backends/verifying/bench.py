"""What a verification works on: both generated files, their data, and what is found."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, TypeVar

from backends.verifying.compare import TOLERANCE, check, distances
from backends.verifying.draws import Draws, Masks
from backends.verifying.verdict import Verdict
from dsl.ir import Model
from dsl.training.plan import Training

T = TypeVar("T")


@dataclass(frozen=True)
class Job:
    """What to verify.

    Attributes:
        model: The model, its symbols at the sizes to try.
        training: The training sections.
        texts: By backend, the file as `msl compile` writes it.
        folder: Where the spec lies, and with it the Python that it names.
        batch: Rows in a batch.
        steps: Steps of the optimizer.
        seed: Of weights, data and draws.
    """

    model: Model
    training: Training
    texts: Mapping[str, str]
    folder: str = "."
    batch: int = 4
    steps: int = 3
    seed: int = 0


class Failed(Exception):
    """A backend whose code does not run.

    Args:
        backend: Which.
        stage: What it was asked for.
        error: What came of it.
    """

    def __init__(self, backend: str, stage: str, error: Exception) -> None:
        text = " ".join(str(error).split())[:300]
        super().__init__(f"{backend} fails {stage}: {type(error).__name__}: {text}")


@dataclass
class Bench:
    """The two generated files at work, and what they are fed.

    Attributes:
        job: What is verified.
        verdict: Receives what is found.
        codes: The files, imported.
        twins: The files at work in float64.
        batches: By backend, what it evaluates on.
        inputs: The same as arrays.
        weights: What all start from.
        arrays: The data that both files are given.
    """

    job: Job
    verdict: Verdict
    draws: Draws
    codes: dict[str, ModuleType] = field(default_factory=dict)
    twins: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    rows: list[Any] = field(default_factory=list)
    batches: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, Any] = field(default_factory=dict)
    off: frozenset[str] = frozenset()

    def each(self, stage: str, ask: Callable[[Any], T]) -> dict[str, T]:
        """What each twin answers.

        Raises:
            Failed: One of them fails.
        """
        return {name: self.one(name, stage, lambda twin=twin: ask(twin)) for name, twin in
                self.twins.items()}  # fmt: skip

    def one(self, name: str, stage: str, ask: Callable[[], T]) -> T:
        """What a backend answers.

        Raises:
            Failed: It fails.
        """
        try:
            return ask()
        except Exception as error:
            if os.environ.get("MSL_DEBUG"):
                raise
            raise Failed(name, stage, error) from error

    def masks(self, step: object) -> Masks:
        """The draws of a step, anew for each who asks."""
        return Masks(self.draws, step, self.off)

    def compare(
        self, subject: str, mode: str, found: Mapping[str, Mapping[str, Any]],
        tolerance: float = TOLERANCE,
    ) -> None:  # fmt: skip
        """Notes how far apart two are."""
        (left, ours), (right, theirs) = found.items()
        off = distances(ours, theirs)
        self.verdict.checks.append(check(subject, mode, (left, right), off, tolerance))
