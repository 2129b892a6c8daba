"""The learning rate over a run, as plain Python that every framework's loop can call."""

from __future__ import annotations

from typing import Any

from backends.pycode.literals import literal
from dsl.kinds.kind import Kind
from dsl.kinds.values import Quantity
from dsl.training.schedules import Constant, Cosine, Exponential, Linear, Step


def schedule_context(schedule: Kind | None, lr: float) -> dict[str, Any]:
    """What ``schedule.py.jinja`` is told; ``{"schedule": False}`` where the rate is constant.

    The formulas are those of `dsl.training.schedules`.
    """
    if schedule is None or (isinstance(schedule, Constant) and not _is_given(schedule.warmup)):
        return {"schedule": False, "uses_epochs": False}
    spans = [getattr(schedule, name, 0) for name in ("warmup", "step_size", "every")]
    before, result = _curve(schedule, lr)
    return {
        "schedule": True,
        "uses_epochs": any(isinstance(span, Quantity) for span in spans),
        "schedule_doc": _DOCS[type(schedule)],
        "before": before,
        "warmup": span_code(schedule.warmup) if _is_given(schedule.warmup) else "",
        "shifts": _is_given(schedule.warmup) and "step" in "".join([*before, result]),
        "falls": isinstance(schedule, (Cosine, Linear)),
        "result": result,
    }


_DOCS = {
    Constant: "constant",
    Step: "falls step by step",
    Exponential: "falls exponentially",
    Cosine: "falls along half a cosine",
    Linear: "falls along a line",
}


def _is_given(span: Any) -> bool:
    return bool(span.value if isinstance(span, Quantity) else span)


def span_code(span: Any) -> str:
    """A stretch in steps as a Python expression over `steps` and `epoch_steps`."""
    if isinstance(span, Quantity):
        whole = isinstance(span.value, int)
        factor = "" if span.value == 1 else f"{literal(span.value)} * "
        return f"{factor}epoch_steps" if whole else f"math.floor({factor}epoch_steps + 0.5)"
    return (
        f"math.floor({literal(span)} * steps + 0.5)" if isinstance(span, float) else literal(span)
    )


def _curve(schedule: Kind, lr: float) -> tuple[list[str], str]:
    """Statements that need the whole run, and the factor after the warmup."""
    if isinstance(schedule, Step):
        every = span_code(schedule.step_size)
        return [f"every = max({every}, 1)"], f"{literal(schedule.gamma)} ** (step // every)"
    if isinstance(schedule, Exponential):
        every = span_code(schedule.every)
        return [f"every = max({every}, 1)"], f"{literal(schedule.gamma)} ** (step / every)"
    if isinstance(schedule, Constant):
        return [], "1.0"
    low = f"{literal(schedule.min_lr)} / LEARNING_RATE" if schedule.min_lr and lr else ""
    before = [f"low = {low}"] if low else []
    if isinstance(schedule, Cosine):
        curve = "(1 + math.cos(math.pi * progress)) / 2"
        return before, f"low + (1 - low) * {curve}" if low else curve
    return before, "1 - (1 - low) * progress" if low else "1 - progress"
