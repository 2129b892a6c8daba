"""What each candidate needs for a task: memory, time, money, each with its interval."""

from __future__ import annotations

from math import ceil

from dsl.choosing.evidence import NONE, Evidence, published
from dsl.choosing.fitting import Fit, largest_fit
from dsl.choosing.subject import Subject
from dsl.choosing.task import Task
from dsl.cost.estimate import Outlook
from dsl.cost.interval import Interval
from dsl.devices.device import Device
from dsl.record import Record
from dsl.training.plan import Training


class Run(Record):
    """How the training is meant to go.

    Attributes:
        device: Where.
        samples: Samples of an epoch, where the user says so instead of the data.
        epochs: Passes over them, where the user says so instead of the spec.
        price: US dollars for an hour of the device, lowest and highest; None without one.
        priced_by: Who says so.
    """

    device: Device
    samples: int | None = None
    epochs: int | None = None
    price: tuple[float, float] | None = None
    priced_by: str = ""


class Candidate(Record, eq=False):
    """A model with all that it needs.

    Attributes:
        subject: The model, with the task's sections.
        outlook: At the batch that is run.
        wanted: The batch that the spec or task asks for, more than is run where that does not fit.
        fit: The largest batch that fits, and the largest that may.
        samples: Samples of an epoch; None where that is not known.
        epochs: Passes over them; None where the run is given in steps.
        epoch: Seconds of a pass.
        whole: Seconds of the training.
        money: US dollars of the training.
        evidence: What is known of its accuracy.
    """

    subject: Subject
    outlook: Outlook
    wanted: int
    fit: Fit
    samples: int | None
    epochs: float | None
    epoch: Interval | None
    whole: Interval | None
    money: Interval | None
    evidence: Evidence = NONE

    @property
    def name(self) -> str:
        """As the user called it."""
        return self.subject.name

    @property
    def params(self) -> int:
        """Trainable values."""
        return self.outlook.cost.params


def candidate(subject: Subject, task: Task | None, run: Run) -> Candidate:
    """What one candidate needs.

    Args:
        subject: The model with the task's sections.
        task: What there is to learn from, as far as that is known.
        run: How the training is meant to go.
    """
    fit = largest_fit(subject, run.device)
    wanted = subject.setup().batch
    batch = wanted if wanted <= fit.fits or not fit.fits else _part(wanted, fit.fits)
    outlook = subject.outlook(run.device, batch)
    samples = run.samples or (task.samples(window(subject)) if task else None)
    epochs = _epochs(subject.training, run, samples)
    each = _a_sample(outlook)
    epoch = each * samples if each and samples else None
    whole = epoch * epochs if epoch and epochs else None
    return Candidate(
        subject, outlook, wanted, fit, samples, epochs, epoch, whole, _money(whole, run),
        published(subject.model),
    )  # fmt: skip


def _part(wanted: int, most: int) -> int:
    """The largest part of a batch that fits, so that whole parts make up the step."""
    return next(size for size in range(min(wanted, most), 0, -1) if wanted % size == 0)


def window(subject: Subject) -> int:
    """Tokens of a sample of a sequence; 1 for anything else."""
    value = subject.model.body.inputs[0].type
    shape = [size if isinstance(size, int) else subject.model.symbols.get(str(size), 1)
             for size in value.shape]  # fmt: skip
    return int(shape[0]) if value.dtype.startswith("int") and shape else 1


def _epochs(training: Training, run: Run, samples: int | None) -> float | None:
    """Passes over the data, from steps where those are what is given."""
    settings = training.train
    if run.epochs:
        return float(run.epochs)
    if settings.steps and samples:
        return settings.steps / ceil(samples / (settings.batch * settings.accumulate))
    return float(settings.epochs) if settings.epochs else None


def _a_sample(outlook: Outlook) -> Interval | None:
    time = outlook.time
    return time.step * (1 / time.batch) if time and time.batch else None


def _money(whole: Interval | None, run: Run) -> Interval | None:
    if whole is None or run.price is None:
        return None
    low, high = (price / 3600 for price in run.price)
    return Interval(
        whole.low * low, whole.mid * (low + high) / 2, whole.high * high, whole.basis
    )  # fmt: skip
