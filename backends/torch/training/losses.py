"""Losses as PyTorch expressions of the output ``z`` and the target ``t``.

Where a mask says which elements count, a loss is written as its values, whose mean is taken then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from backends.pycode.literals import literal
from backends.scripting.counting import counts_vary, ignored
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
    """The loss function in the making.

    Attributes:
        several_outputs: Whether the model gives a dict.
        constants: Tensors that are needed.
        helpers: Templates of functions that are needed.
    """

    several_outputs: bool
    constants: list[Constant] = field(default_factory=list)
    helpers: list[str] = field(default_factory=list)

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
    counts = [counted(term, training) for term in training.losses]
    return {
        "constants": terms.constants,
        "loss_helpers": terms.helpers,
        "loss_lines": lines,
        "loss_parts": parts,
        "loss_result": " + ".join(parts),
        "counted": counts if counts_vary(training) else [],
        "several": terms.several_outputs,
    }


def counted(term: LossTerm, training: Training) -> str:
    """How many positions of a batch count in a term, as an expression."""
    t, left_out = f"batch[{literal(term.target)}]", ignored(term, training)
    mask = f"batch[{literal(term.mask)}]" if term.mask else ""
    if left_out is not None:
        kept = f"{t} != {literal(left_out)}"
        return f"(({kept}) & {mask}).sum()" if mask else f"({kept}).sum()"
    return f"{mask}.sum()" if mask else f"torch.ones_like({t}, dtype=torch.bool).sum()"


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
    if not term.mask:
        return LOSSES[type(term.kind)](term.kind, output, z, t, terms, "mean")
    mask = f"batch[{literal(term.mask)}]"
    if isinstance(term.kind, CrossEntropy):
        t = f"{t}.masked_fill(~{mask}, {literal(term.kind.ignore_index)})"
        return _cross_entropy(term.kind, output, z, t, terms, "mean")
    if "train_masked_mean.py.jinja" not in terms.helpers:
        terms.helpers.append("train_masked_mean.py.jinja")
    values = LOSSES[type(term.kind)](term.kind, output, z, t, terms, "none")
    spread = mask if isinstance(term.kind, KLDivergence) else mask_code(term, output, mask)
    return f"masked_mean({values}, {spread})"


def mask_code(term: LossTerm, output: TensorType, mask: str) -> str:
    """A mask so that it meets the output's axes: one for positions gets an axis of classes."""
    if term.mask_type is None or term.mask_type.rank == output.rank:
        return mask
    axis = class_axis(output)
    last = axis == output.rank - 1
    return f"{mask}[..., None]" if last else f"{mask}.unsqueeze({axis + 1})"


def _call(function: str, *args: str, **named: str | None) -> str:
    parts = [*args, *(f"{name}={value}" for name, value in named.items() if value)]
    return f"{function}({', '.join(parts)})"


def _unless(default: Any, value: Any) -> str | None:
    return None if value == default else literal(value)


def _reduction(how: str) -> str | None:
    return None if how == "mean" else literal(how)


def _cross_entropy(kind: Any, output: TensorType, z: str, t: str, terms: Terms, _: str) -> str:
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


def _binary(kind: Any, output: TensorType, z: str, t: str, terms: Terms, how: str) -> str:
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
    return _call(
        "F.binary_cross_entropy_with_logits", z, t, pos_weight=weight, reduction=_reduction(how)
    )


def _simple(function: str, *names: str) -> Callable[..., str]:
    def write(kind: Any, _: TensorType, z: str, t: str, __: Terms, how: str) -> str:
        given = {name: literal(getattr(kind, name)) for name in names}
        return _call(function, z, t, **given, reduction=_reduction(how))

    return write


def _kl(_: Any, output: TensorType, z: str, t: str, __: Terms, how: str) -> str:
    axis = class_axis(output) + 1
    predicted = f"F.log_softmax({z}, {axis})"
    if output.rank == 1 and how == "mean":
        return f'F.kl_div({predicted}, {t}, reduction="batchmean")'
    each = f'F.kl_div({predicted}, {t}, reduction="none").sum({axis})'
    return f"{each}.mean()" if how == "mean" else each


def _hinge(_: Any, __: TensorType, z: str, t: str, ___: Terms, how: str) -> str:
    each = f"F.relu(1 - torch.where({t} > 0, {z}, -{z}))"
    return f"{each}.mean()" if how == "mean" else each


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
