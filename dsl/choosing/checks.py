"""What data and model say of each other before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from dsl.choosing.needs import Candidate, window
from dsl.choosing.task import Task
from dsl.cost.words import size
from dsl.ir import walk
from dsl.record import Record
from dsl.shapes.types import TensorType

CHINCHILLA = 20
"""Tokens for each parameter at which a language model's compute is best spent.

Hoffmann et al. 2022, arXiv:2203.15556, table 3; replicated by Besiroglu et al. 2024,
arXiv:2404.10102.
"""

BYTES = {"int64": 8, "int32": 4, "bool": 1, "uint8": 1}

_GLOBAL = ("Flatten", "SelfAttention", "MultiHeadAttention", "Attention", "CrossAttention")


class Check(Record):
    """One thing that was looked at.

    Attributes:
        name: What.
        state: ``ok``, ``note`` for what is worth knowing, ``warn`` for what is likely a mistake.
        text: What was found.
    """

    name: str
    state: Literal["ok", "note", "warn"]
    text: str


def checks(candidate: Candidate, task: Task | None) -> list[Check]:
    """Everything that can be said of a candidate and the data without training."""
    found = [*_head(candidate, task), *_room(candidate), *_reach(candidate), *_schedule(candidate)]
    return [*found, *_loading(candidate)]


def _head(candidate: Candidate, task: Task | None) -> Iterator[Check]:
    """The classes of the data against those of the last layer."""
    if task is None or task.classes is None:
        return
    losses = candidate.subject.training.losses
    if losses and losses[0].kind.name not in ("CrossEntropy", "FocalLoss"):
        return
    outputs = candidate.subject.model.body.outputs
    shape = outputs[0].value.type.shape
    width = int(shape[0]) if len(shape) == 1 and isinstance(shape[0], int) else None
    if width is None:
        return
    text = f"{task.classes:,} classes in the data, {width:,} outputs"
    state: Literal["ok", "note", "warn"] = "ok"
    if width < task.classes:
        state = "warn"
    elif width > task.classes:
        state = "note"
    yield Check("classes", state, text)


def _room(candidate: Candidate) -> Iterator[Check]:
    """Samples, or tokens, for each parameter."""
    if not candidate.samples:
        return
    active = candidate.outlook.cost.active or candidate.params
    length = window(candidate.subject)
    if length > 1:
        seen = candidate.samples * length * (candidate.epochs or 1)
        ratio = seen / active
        state: Literal["ok", "note"] = "ok" if CHINCHILLA / 3 <= ratio <= CHINCHILLA * 3 else "note"
        size_word = "too large" if ratio < CHINCHILLA else "small"
        more = "" if state == "ok" else f": {size_word} for its data, if compute is what counts"
        yield Check(
            "tokens per parameter", state,
            f"{ratio:.3g} seen in training, about {CHINCHILLA} spend compute best{more}",
        )  # fmt: skip
        return
    ratio = candidate.samples / candidate.params if candidate.params else 0.0
    few = ratio < 0.01
    more = ": augmentation, weight decay or pretrained weights will be needed" if few else ""
    yield Check("samples per parameter", "note" if few else "ok", f"{ratio:.3g}{more}")


def _reach(candidate: Candidate) -> Iterator[Check]:
    """How much of the image the last convolution sees."""
    found = receptive_field(candidate)
    if found is not None:
        field, side = found
        state: Literal["ok", "note"] = "ok" if field >= side else "note"
        more = "" if field >= side else ": what is further apart is seen by pooling alone"
        yield Check("receptive field", state, f"at most {field:,} of {side:,} pixels{more}")


def receptive_field(candidate: Candidate) -> tuple[int, int] | None:
    """Pixels along a side that one value depends on, and those of the image.

    None where there are no windows over images, or layers that see all of it. Windows add up along
    all paths, so that it is an upper bound (Araujo et al. 2019, Computing Receptive Fields).
    """
    source = candidate.subject.model.body.inputs[0].type
    if len(source.shape) != 3 or not all(isinstance(size, int) for size in source.shape):
        return None
    side, field, windows = int(str(source.shape[1])), 1, 0
    for visit in walk(candidate.subject.model.body.nodes):
        layer: Any = visit.node.layer
        if "Attention" in layer.name:
            return None
        kernel = getattr(layer, "kernel_size", None)
        shape = _image(visit.node.types[0] if visit.node.types else None)
        if kernel is None or shape is None:
            continue
        width = kernel[0] if isinstance(kernel, tuple) else kernel
        dilation = getattr(layer, "dilation", 1)
        dilation = dilation[0] if isinstance(dilation, tuple) else dilation
        field += (int(width) - 1) * int(dilation) * max(1, side // shape) * visit.times
        windows += 1
    return (field, side) if windows else None


def _image(kind: TensorType | None) -> int | None:
    if kind is None or len(kind.shape) != 3 or not isinstance(kind.shape[1], int):
        return None
    return int(kind.shape[1])


def _schedule(candidate: Candidate) -> Iterator[Check]:
    """Optimizer steps of the run against those that the schedule warms up for."""
    training = candidate.subject.training
    if not (candidate.samples and candidate.epochs and training.losses):
        return
    step = training.train.batch * training.train.accumulate
    total = round(-(-candidate.samples // step) * candidate.epochs)
    warmup: Any = getattr(training.schedule, "warmup", None)
    if isinstance(warmup, int) and not isinstance(warmup, bool) and warmup >= total:
        text = f"{total:,} steps in all, and the schedule warms up for {warmup:,}"
        yield Check("steps", "warn", text)
        return
    few = total < 100
    yield Check("steps", "note" if few else "ok", f"{total:,} optimizer steps in all")


def _loading(candidate: Candidate) -> Iterator[Check]:
    """What the data has to deliver so that the device does not wait."""
    time = candidate.outlook.time
    if time is None:
        return
    symbols = candidate.subject.model.symbols
    count = 0
    for value in candidate.subject.model.body.inputs:
        elements = 1
        for dim in value.type.shape:
            elements *= dim if isinstance(dim, int) else symbols.get(str(dim), 1)
        count += elements * BYTES.get(value.type.dtype, 4)
    rate = count * time.samples_per_second
    heavy = rate > 1e9
    yield Check(
        "data", "note" if heavy else "ok",
        f"{size(rate)}/s of inputs ({time.samples_per_second:,.3g} samples/s) keep the device busy",
    )  # fmt: skip
