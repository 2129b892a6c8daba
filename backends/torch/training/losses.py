"""Losses as PyTorch expressions of the output ``z`` and the target ``t``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from backends.pycode.literals import literal
from dsl.ir import Model
from dsl.kinds.kind import Kind
from dsl.shapes.types import TensorType
from dsl.training.losses import (
    MAE,
    MSE,
    BinaryCrossEntropy,
    CrossEntropy,
    Hinge,
    Huber,
    KLDivergence,
    SmoothL1,
    class_axis,
)
from dsl.training.plan import LossTerm, Training


@dataclass(frozen=True, slots=True)
class Constant:
    """A tensor that a loss needs on the device: class weights."""

    name: str
    doc: str
    values: str


@dataclass
class Terms:
    """The loss function in the making."""

    several_outputs: bool
    constants: list[Constant] = field(default_factory=list)

    def output(self, name: str) -> str:
        """The expression of an output."""
        return f"outputs[{literal(name)}]" if self.several_outputs else "outputs"

    def constant(self, name: str, doc: str, values: Any) -> str:
        """Asks for a tensor on the device; gives the name of the function that makes it."""
        known = {constant.name for constant in self.constants}
        number, unique = 2, name
        while unique in known:
            number, unique = number + 1, f"{name}_{number}"
        self.constants.append(Constant(unique, doc, nested(values)))
        return unique


def nested(values: Any) -> str:
    """A list, or a list of lists, as Python text."""
    if isinstance(values, (list, tuple)):
        return f"[{', '.join(map(nested, values))}]"
    return literal(values)


def loss_context(model: Model, training: Training) -> dict[str, Any]:
    """What the template of the loss function is told."""
    types = {output.name: output.value.type for output in model.body.outputs}
    terms = Terms(len(types) > 1)
    written = [term_code(term, types[term.output], terms) for term in training.losses]
    lines, parts = [], []
    for term, code in zip(training.losses, written):
        if len(written) == 1:
            parts.append(_weighted(term.weight, code))
        else:
            name = _unique(f"{term.output}_loss", lines)
            lines.append(f"{name} = {code}")
            parts.append(_weighted(term.weight, name))
    return {
        "constants": terms.constants,
        "loss_lines": lines,
        "loss_result": " + ".join(parts),
        "several": terms.several_outputs,
    }


def _unique(name: str, lines: list[str]) -> str:
    taken = {line.partition(" = ")[0] for line in lines}
    number, unique = 2, name
    while unique in taken:
        number, unique = number + 1, f"{name}_{number}"
    return unique


def _weighted(weight: float, code: str) -> str:
    return code if weight == 1.0 else f"{literal(weight)} * {code}"


def term_code(term: LossTerm, output: TensorType, terms: Terms) -> str:
    """One term of the loss as an expression."""
    z, t = terms.output(term.output), f"batch[{literal(term.target)}]"
    return LOSSES[type(term.kind)](term.kind, output, z, t, terms)


def _call(function: str, *args: str, **named: str | None) -> str:
    parts = [*args, *(f"{name}={value}" for name, value in named.items() if value)]
    return f"{function}({', '.join(parts)})"


def _unless(default: Any, value: Any) -> str | None:
    return None if value == default else literal(value)


def _cross_entropy(kind: Any, output: TensorType, z: str, t: str, terms: Terms) -> str:
    axis, scores = class_axis(output), z
    if output.rank > 1 and axis == output.rank - 1:
        z, t = f"{z}.flatten(0, -2)", f"{t}.flatten()"
    elif axis > 0:
        z = f"{z}.movedim({axis + 1}, 1)"
    weight = None
    if kind.weight is not None:
        name = terms.constant("class_weights", "The weight of each class in the loss", kind.weight)
        weight = f"{name}({scores}.device, {scores}.dtype)"
    return _call(
        "F.cross_entropy", z, t, weight=weight,
        ignore_index=_unless(-100, kind.ignore_index),
        label_smoothing=_unless(0.0, kind.label_smoothing),
    )  # fmt: skip


def _binary(kind: Any, output: TensorType, z: str, t: str, terms: Terms) -> str:
    weight = None
    if kind.pos_weight is not None:
        values = kind.pos_weight
        if isinstance(values, tuple):  # trailing axes of size 1, so that it meets the class axis
            for _ in range(output.rank - 1 - class_axis(output)):
                values = tuple((value,) for value in values)
        name = terms.constant("pos_weight", "The weight of the positive cases", values)
        weight = f"{name}({z}.device, {z}.dtype)"
    if kind.label_smoothing:
        share = kind.label_smoothing
        t = f"{t} * {literal(1 - share)} + {literal(share / 2)}"
    return _call("F.binary_cross_entropy_with_logits", z, t, pos_weight=weight)


def _simple(function: str, *names: str) -> Callable[..., str]:
    def write(kind: Any, _: TensorType, z: str, t: str, __: Terms) -> str:
        given = {name: literal(getattr(kind, name)) for name in names}
        return _call(function, z, t, **given)

    return write


def _kl(_: Any, output: TensorType, z: str, t: str, __: Terms) -> str:
    axis = class_axis(output) + 1
    predicted = f"F.log_softmax({z}, {axis})"
    if output.rank == 1:
        return f'F.kl_div({predicted}, {t}, reduction="batchmean")'
    return f'F.kl_div({predicted}, {t}, reduction="none").sum({axis}).mean()'


def _hinge(_: Any, __: TensorType, z: str, t: str, ___: Terms) -> str:
    return f"F.relu(1 - torch.where({t} > 0, {z}, -{z})).mean()"


LOSSES: dict[type[Kind], Callable[..., str]] = {
    CrossEntropy: _cross_entropy,
    BinaryCrossEntropy: _binary,
    MSE: _simple("F.mse_loss"),
    MAE: _simple("F.l1_loss"),
    SmoothL1: _simple("F.smooth_l1_loss", "beta"),
    Huber: _simple("F.huber_loss", "delta"),
    KLDivergence: _kl,
    Hinge: _hinge,
}


def activation_code(kind: Any, output: TensorType, z: str) -> str:
    """What `predict` makes of an output: probabilities where the loss takes logits."""
    if kind.activation == "softmax":
        return f"{z}.softmax({class_axis(output) + 1})"
    return f"{z}.sigmoid()" if kind.activation == "sigmoid" else z
