"""A model that a question is about: what it is called, how its step is run, what that takes."""

from __future__ import annotations

from typing import Any

from dsl.compilation import Compilation
from dsl.cost.estimate import Outlook, outlook, setup_of
from dsl.cost.memory import Setup
from dsl.devices.device import Device
from dsl.diagnostics.model import Diagnostic
from dsl.ir import Model
from dsl.record import Record
from dsl.training.plan import Training

OVER_BUDGET = "MSL432"
LINTS = "MSL5"


class Mistaken(Exception):
    """A spec that has mistakes, so that nothing can be said of what it costs.

    Attributes:
        findings: What is wrong.
    """

    def __init__(self, findings: tuple[Diagnostic, ...]) -> None:
        self.findings = findings
        super().__init__(findings[0].message if findings else "there is no model")


class Subject(Record, eq=False):
    """A model with its training, as a question is about it.

    Attributes:
        name: As the user called it.
        compilation: Of its text.
        model: The elaborated model.
        training: Its sections.
        trained: Whether training is asked about, else inference.
        assumed: What the spec does not say and was assumed, in words.
    """

    name: str
    compilation: Compilation
    model: Model
    training: Training
    trained: bool
    assumed: tuple[str, ...] = ()

    def setup(self, device: Device | None = None, batch: int | None = None) -> Setup:
        """How its step is run on a device.

        Args:
            device: Where; a processor runs other kernels than a card.
            batch: Samples instead of the spec's.
        """
        says = self.trained or "train" in self.training.given
        samples = batch or (self.training.train.batch if says else 1)
        setup: Setup = setup_of(self.training, samples, self.trained)
        if device is not None:
            setup = setup.replace(device="cpu" if device.kind == "cpu" else "cuda")
        return setup

    def outlook(self, device: Device, batch: int | None = None) -> Outlook:
        """What it takes on a device, and how that goes."""
        return outlook(self.model, self.training, self.setup(device, batch), device)


def subject_of(name: str, compilation: Compilation, trained: bool | None = None) -> Subject:
    """The model that a compilation holds.

    Args:
        name: What the user calls it.
        compilation: Of its text.
        trained: Whether training is asked about; None is what the spec has sections for.

    Raises:
        Mistaken: The spec has mistakes.
    """
    wrong = tuple(finding for finding in compilation.diagnostics if _counts(finding))
    model = compilation.model
    if model is None or wrong:
        raise Mistaken(wrong or tuple(compilation.diagnostics))
    training = compilation.training
    has_loss = bool(training.losses)
    if trained is None:
        trained = has_loss
    assumed: tuple[str, ...] = ()
    if trained and not has_loss:
        training, assumed = _with_optimizer(training)
    return Subject(name, compilation, model, training, trained, assumed)


def _counts(finding: Diagnostic) -> bool:
    """Whether a finding leaves it unknown what the model is; limits and lint do not."""
    code = finding.rule.code
    return finding.is_error and code != OVER_BUDGET and not code.startswith(LINTS)


def _with_optimizer(training: Training) -> tuple[Training, tuple[str, ...]]:
    """Training of a spec that says nothing of it."""
    from dsl.training.optimizers import AdamW

    optimizer: Any = training.optimizer or AdamW()
    words = f"no `loss` in the spec: the mean of each output, {optimizer.name}, batch "
    return training.replace(optimizer=optimizer), (f"{words}{training.train.batch}",)
