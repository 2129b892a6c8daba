"""The training sections of a spec, elaborated: what backends write a training script from."""

from __future__ import annotations

from typing import Any

from dsl.kinds.kind import Kind
from dsl.kinds.values import Quantity
from dsl.record import Record, field
from dsl.shapes.types import TensorType
from dsl.source import Span


class LossTerm(Record):
    """One term of the loss.

    Attributes:
        output: Name of the model's output.
        kind: The loss.
        weight: Its factor in the sum.
        target: Name of the data array with the true values.
        target_type: The type of one sample's true values; None where the output is unknown.
        mask: Name of the array, or input, that is true where positions count; "" where all do.
        mask_type: The type of one sample's mask; None where there is none, or it is unknown.
    """

    output: str
    kind: Kind
    weight: float
    target: str
    span: Span
    target_type: TensorType | None = None
    mask: str = ""
    mask_type: TensorType | None = None


class Penalty(Record):
    """L1 or L2 on some weights.

    Attributes:
        kind: The regularizer.
        patterns: As written after ``on``; empty for the default (weights, no biases, no norms).
        keys: The keys it covers, in the model's order (a repeat's rounds listed one by one).
    """

    kind: Kind
    patterns: tuple[str, ...]
    keys: tuple[str, ...]
    span: Span


class MetricUse(Record):
    """A metric of an output.

    Attributes:
        name: Its name in logs, unlike any other: ``accuracy``, with several outputs ``click_auc``;
            on the validation part ``val_`` stands before it.
    """

    kind: Kind
    output: str
    span: Span
    name: str = ""


class DataPlan(Record):
    """Where data comes from.

    Attributes:
        kind: The source.
        arrays: As the entries in braces map them: for an input or target the names, or patterns of
            names, of columns (`CSV`) or the name of an array.
        sources: The same for every input and every target, those of ``CSV(target=)`` included;
            empty where the file decides: what bears its name, or else, for the only such input,
            what is left.
    """

    kind: Kind
    arrays: dict[str, Any]
    span: Span
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)


class TrainSettings(Record):
    """The ``train`` section; one of `epochs` and `steps` is None."""

    epochs: int | None = 10
    steps: int | None = None
    batch: int = 32
    accumulate: int = 1
    seed: int = 0
    checkpoint: str = "best"


class DeviceSettings(Record):
    """The ``device`` section.

    Attributes:
        recompute: Names of blocks.
        recompute_span: Where they are written.
    """

    target: str = "auto"
    precision: str = "float32"
    compile: bool = False
    count: int = 1
    strategy: str = "ddp"
    recompute: tuple[str, ...] = ()
    recompute_span: Span | None = None


class Limit(Record):
    """One assertion of ``budget``: ``params <= 12M``."""

    quantity: str
    op: str
    bound: int | float | Quantity
    span: Span


class Training(Record):
    """Everything but the model.

    Attributes:
        losses: In order; empty for a model alone.
        optimizer: None where the spec has none (scripts then use Adam's defaults only if there
            is a loss; the sections pass fills it in).
        schedule: None for a constant rate.
        penalties: L1 and L2.
        clip: ClipNorm or ClipValue kinds.
        early_stopping: The kind, if any.
        augment: Augmentation kinds in order.
        metrics: In order.
        data: None where the spec has no ``data`` section.
        train, device: Settings with their defaults.
        budget: Assertions.
        search: Name of what may change to its distribution.
        given: Names of the sections that the spec has.
        decayed: Keys of the weights that the optimizer's weight decay acts on; empty without decay.
        resolved: Every setting as ``section.name`` with its value and where it came from (``spec``,
            ``--set``, ``default``), for ``msl show --resolved``.
    """

    losses: tuple[LossTerm, ...] = ()
    optimizer: Kind | None = None
    schedule: Kind | None = None
    penalties: tuple[Penalty, ...] = ()
    clip: tuple[Kind, ...] = ()
    early_stopping: Kind | None = None
    augment: tuple[Kind, ...] = ()
    metrics: tuple[MetricUse, ...] = ()
    data: DataPlan | None = None
    train: TrainSettings = TrainSettings()
    device: DeviceSettings = DeviceSettings()
    budget: tuple[Limit, ...] = ()
    search: dict[str, Kind] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    decayed: tuple[str, ...] = ()
    resolved: dict[str, tuple[Any, str]] = field(default_factory=dict)

    @property
    def stopping_mode(self) -> str:
        """Whether early stopping's figure gets better as it falls (``min``) or rises (``max``)."""
        stopping: Any = self.early_stopping
        if stopping is None:
            return "min"
        if isinstance(stopping.mode, str):
            return stopping.mode
        figure = stopping.monitor.removeprefix("val_")
        kinds: dict[str, Any] = {use.name: use.kind for use in self.metrics}
        return "max" if figure in kinds and kinds[figure].higher_is_better else "min"
