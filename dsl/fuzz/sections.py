"""Draws training sections that go with a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsl.fuzz.choices import Choices
from dsl.fuzz.program import Param, text_of

if TYPE_CHECKING:
    from dsl.fuzz.bodies import Writer

LOSSES = (
    "MSE", "CrossEntropy", "MAE", "Huber(delta=0.5)", "SmoothL1", "Hinge", "BinaryCrossEntropy",
    "CrossEntropy(label_smoothing=0.1)", "BinaryCrossEntropy(pos_weight=2.0)",
)  # fmt: skip
OPTIMIZERS = (
    "SGD(lr=0.1)", "Adam", "AdamW(lr=3e-4, betas=[0.9, 0.95], weight_decay=0.1)",
    "SGD(lr=0.01, momentum=0.9, nesterov=true, weight_decay=1e-4)", "RMSprop(centered=true)",
    "Adagrad(lr_decay=0.01)", 'Adam(weight_decay=0.1, decay_on="*")', "RMSprop(momentum=0.5)",
)  # fmt: skip
SCHEDULES = (
    "Constant(warmup=5)", "Cosine(warmup=3, min_lr=1e-5)", "Linear(warmup=0.1)",
    "Step(2epochs, gamma=0.5)", "Exponential(0.9)", "Cosine(warmup=1epochs)",
)  # fmt: skip
REGULARIZERS = (
    "L2(1e-4)", 'L1(1e-5) on "*.weight"', "ClipNorm(1.0)", "ClipValue(0.5)",
    "EarlyStopping(patience=2)", 'L2(1e-3) on ["*", "!*.bias"]',
)  # fmt: skip
TRAIN = (
    "epochs = 2", "batch = 8", "accumulate = 2", "seed = 7", 'checkpoint = "last"',
)  # fmt: skip


def sections(choices: Choices, w: Writer, outputs: list[str]) -> str:
    """The sections of a spec.

    Args:
        choices: Where decisions come from.
        w: The model's writer.
        outputs: The names of its outputs, vectors of real numbers.
    """
    parts = [_loss(choices, outputs)]
    if not choices.chance(4):
        parts.append(f"optimizer {choices.pick(OPTIMIZERS)}")
        if choices.chance(2):
            parts.append(f"schedule {choices.pick(SCHEDULES)}")
    if choices.chance(3):
        chosen = _some(choices, REGULARIZERS)
        parts.append(f"regularization {{ {'; '.join(chosen)} }}")
    if choices.chance(3):
        parts.append("data Synthetic(samples=32, validation=0.25)")
    if choices.chance(2):
        parts.append(f"train {{ {'; '.join(_some(choices, TRAIN))} }}")
    if choices.chance(5):
        parts.append('device { target = "cpu"; precision = float32 }')
    if choices.chance(5):
        parts.append("budget { params <= 100M; flops <= 100G }")
    tuned = [item for item in w.shop.program.consts if isinstance(item, Param)]
    if tuned and choices.chance(3):
        parts.append(f"search {{ {_tuned(tuned[0])} }}")
    return "\n".join(parts)


def _some(choices: Choices, items: tuple[str, ...]) -> list[str]:
    """Some of a few items, one at least."""
    found = [item for item in items if choices.chance(3)]
    return found or [items[0]]


def _loss(choices: Choices, outputs: list[str]) -> str:
    if len(outputs) == 1 and not choices.chance(3):
        return f"loss {choices.pick(LOSSES)}"
    terms = [
        f"{name}: {choices.pick(LOSSES if number == 0 else LOSSES[:1])}"
        + (" * 0.5" if choices.chance(2) else "")
        for number, name in enumerate(outputs)
    ]
    return f"loss {{ {'; '.join(terms)} }}"


def _tuned(param: Param) -> str:
    value = param.default.value({}) if param.default else 1
    return f"{param.name} = Choice({text_of(value)}, {text_of(value)})"
