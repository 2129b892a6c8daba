"""The sections ``train`` and ``device``: settings, each typed, bounded and documented.

They are written like kinds, so that their reference derives from the same fields, but a spec sets
them one by one (``train { epochs = 20 }``) and they stand in no registry.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

from dsl.kinds.kind import Kind, arg
from dsl.kinds.values import (
    AUTO,
    BadValue,
    Bool,
    Int,
    KindOf,
    ListOf,
    String,
    ValueType,
    describe,
)

_TARGET = re.compile(r"(cpu|mps|cuda)(:\d{1,3})?")


class Target(ValueType):
    """A device: ``auto``, ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``; always a string."""

    name = 'auto, "cpu", "cuda", "mps", or one of several such as "cuda:1"'
    texts = ("auto", "cpu", "cuda", "mps")

    def coerce(self, value: Any) -> str:
        if value is AUTO:
            return "auto"
        if isinstance(value, str) and (value == "auto" or _TARGET.fullmatch(value)):
            return value
        help = 'NVIDIA cards are "cuda"' if value in ("gpu", "GPU") else ""
        raise BadValue(f"takes {self.name}, not {describe(value)}", help)


class Word(String):
    """One of a few strings, of which ``auto`` may be written as the bare word."""

    def coerce(self, value: Any) -> str:
        return super().coerce("auto" if value is AUTO and "auto" in self.choices else value)


class Settings(Kind, abstract=True):
    """Base of sections that are sets of settings."""

    category: ClassVar[str] = "section"


class Train(Settings, abstract=True):
    """How long and on what batches the model is trained.

    An optimizer step takes ``batch * accumulate`` samples: the gradients of `accumulate` parts are
    averaged. An epoch is one pass over the training part in a new random order; a last batch that
    is not full counts like any other. The run is `epochs` long, or `steps` optimizer steps.
    """

    name = "train"

    epochs: int | None = arg(Int(1), "Passes over the training part; 10 unless steps are given.",
                             None)  # fmt: skip
    steps: int | None = arg(
        Int(1), "Optimizer steps, instead of epochs.", None, keras=("max_steps",)
    )
    batch: int = arg(Int(1), "Samples of one part of a step.", 32, keras=("batch_size",))
    accumulate: int = arg(
        Int(1), "Parts of one optimizer step.", 1, keras=("gradient_accumulation_steps",)
    )
    seed: int = arg(Int(0, 2**32 - 1), "Start of all random numbers of the run.", 0)
    metrics: tuple[Kind, ...] = arg(
        ListOf(KindOf("metric")), "Figures to follow: `[Accuracy, AUC on click]`.", ()
    )
    checkpoint: str = arg(
        String("best", "last", "all"),
        "Which weights are kept: the best by validation loss (and the last), the last, or of every "
        "epoch.",
        "best",
    )


class Device(Settings, abstract=True):
    """What the run asks of the machine; it never changes what the model means."""

    name = "device"

    target: str = arg(Target(), "Where to run; auto takes the fastest there is.", "auto")
    precision: str = arg(
        Word("float32", "bfloat16", "float16", "auto"),
        "Dtype of the arithmetic; weights and optimizer state stay float32. auto is bfloat16 where "
        "the device computes it natively.",
        "float32",
    )
    compile: bool = arg(
        Bool(), "Whether the framework's compiler is used.", False, keras=("jit_compile",)
    )
    count: int = arg(Int(1), "Number of devices.", 1)
    strategy: str = arg(
        String("ddp", "fsdp"),
        "How several devices share the work: copies of the model, or shards of it.",
        "ddp",
    )
    recompute: tuple[str, ...] = arg(
        ListOf(String()),
        "Blocks that keep only their inputs for the backward pass, and run again in it: "
        '`["DecoderLayer"]`. It saves memory and costs time.',
        (),
        keras=("remat", "gradient_checkpointing", "activation_checkpointing"),
    )


SETTINGS: dict[str, type[Settings]] = {"train": Train, "device": Device}
"""The sections that are sets of settings, by word."""
