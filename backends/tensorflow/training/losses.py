"""Losses as TensorFlow expressions of the output ``z`` and the target ``t``.

Outputs and targets that are images lie channels-last, so that the class axis of a spec's
``[channels, height, width]`` is the last one here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from backends.pycode.literals import literal
from backends.scripting.counting import counts_vary, ignored
from backends.tensorflow.layout import keras_axis
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


@dataclass
class Terms:
    """The loss function in the making.

    Attributes:
        several_outputs: Whether the model gives a dict.
        features: What the file's function `cross_entropy` needs: weight, smoothing, masked.
        helpers: Templates of functions that are needed.
    """

    several_outputs: bool
    features: dict[str, bool]
    helpers: list[str] = field(default_factory=list)

    def output(self, name: str) -> str:
        """The expression of an output."""
        return f"outputs[{literal(name)}]" if self.several_outputs else "outputs"

    def need(self, template: str) -> None:
        """Asks for a function."""
        if template not in self.helpers:
            self.helpers.append(template)


def loss_context(model: Model, training: Training) -> dict[str, Any]:
    """What the template of the loss function is told."""
    types = {output.name: output.value.type for output in model.body.outputs}
    terms = Terms(len(types) > 1, _features(training))
    written = [term_code(term, types[term.output], terms) for term in training.losses]
    lines, parts = [], []
    for term, code in zip(training.losses, written):
        if len(written) > 1:
            name = _unique(f"{term.output}_loss", lines)
            lines.append(f"{name} = {code}")
            code = name
        parts.append(code if term.weight == 1.0 else f"{literal(term.weight)} * {code}")
    return {
        "ce": terms.features,
        "loss_helpers": terms.helpers,
        "loss_lines": lines,
        "loss_parts": parts,
        "loss_result": " + ".join(parts),
        "counted": [counted(t, training) for t in training.losses] if counts_vary(training) else [],
        "several": terms.several_outputs,
    }


def _features(training: Training) -> dict[str, bool]:
    """What any of the cross-entropies needs; all of them then name it."""
    kinds: list[Any] = [term.kind for term in training.losses]
    kinds = [kind for kind in kinds if isinstance(kind, CrossEntropy)]
    return {
        "weight": any(kind.weight is not None for kind in kinds),
        "smoothing": any(kind.label_smoothing for kind in kinds),
        "masked": any(
            isinstance(term.kind, CrossEntropy)
            and (term.mask or ignored(term, training) is not None)
            for term in training.losses
        ),
    }


def counted(term: LossTerm, training: Training) -> str:
    """How many positions of a batch count in a term, as an expression."""
    t, left_out = f"batch[{literal(term.target)}]", ignored(term, training)
    kept = f"batch[{literal(term.mask)}]" if term.mask else ""
    if left_out is not None:
        test = f"{t} != {literal(left_out)}"
        kept = f"({test}) & {kept}" if kept else test
    if kept:
        return f'tf.math.count_nonzero({kept}, dtype="float32")'
    return f'tf.cast(tf.size({t}), "float32")'


def _unique(name: str, lines: list[str]) -> str:
    taken = {line.partition(" = ")[0] for line in lines}
    number, unique = 2, name
    while unique in taken:
        number, unique = number + 1, f"{name}_{number}"
    return unique


def term_code(term: LossTerm, output: TensorType, terms: Terms) -> str:
    """One term of the loss as an expression."""
    z, t = terms.output(term.output), f"batch[{literal(term.target)}]"
    if not term.mask:
        return LOSSES[type(term.kind)](term.kind, output, z, t, terms, MEAN)
    mask = f"batch[{literal(term.mask)}]"
    if isinstance(term.kind, CrossEntropy):
        t = f"tf.where({mask}, {t}, {literal(term.kind.ignore_index)})"
        return _cross_entropy(term.kind, output, z, t, terms, MEAN)
    terms.need("train_masked_mean.py.jinja")
    values = LOSSES[type(term.kind)](term.kind, output, z, t, terms, "")
    spread = mask if isinstance(term.kind, KLDivergence) else mask_code(term, output, mask)
    return f"masked_mean({values}, {spread})"


MEAN = "tf.reduce_mean"
"""What brings the values of a loss down to their mean; "" leaves them."""


def mask_code(term: LossTerm, output: TensorType, mask: str) -> str:
    """A mask so that it meets the output's axes: one for positions gets an axis of classes."""
    if term.mask_type is None or term.mask_type.rank == output.rank:
        return mask
    axis = keras_axis(output, class_axis(output))
    return f"{mask}[..., None]" if axis == -1 else f"tf.expand_dims({mask}, {axis})"


def numbers(values: tuple[float, ...]) -> str:
    """A list of numbers as Python text."""
    return f"[{', '.join(map(literal, values))}]"


def classes_last(z: str, output: TensorType) -> str:
    """The output with its class axis last."""
    axis = keras_axis(output, class_axis(output))
    return z if axis == -1 else f"keras.ops.moveaxis({z}, {axis}, -1)"


def _cross_entropy(kind: Any, output: TensorType, z: str, t: str, terms: Terms, _: str) -> str:
    terms.need("train_cross_entropy.py.jinja")
    arguments = [classes_last(z, output), t]
    if terms.features["weight"]:
        even = f"[1.0] * {literal(output.shape[class_axis(output)])}"
        arguments.append(f"weight={numbers(kind.weight) if kind.weight is not None else even}")
    if terms.features["smoothing"]:
        arguments.append(f"smoothing={literal(kind.label_smoothing)}")
    if terms.features["masked"]:
        arguments.append(f"ignored={literal(kind.ignore_index)}")
    return f"cross_entropy({', '.join(arguments)})"


def _binary(kind: Any, output: TensorType, z: str, t: str, _: Terms, mean: str) -> str:
    if kind.label_smoothing:
        share = kind.label_smoothing
        t = f"{t} * {literal(1 - share)} + {literal(share / 2)}"
    if kind.pos_weight is None:
        return _brought(mean, f"tf.nn.sigmoid_cross_entropy_with_logits({t}, {z})")
    weight = _pos_weight(kind.pos_weight, output, z)
    return _brought(mean, f"tf.nn.weighted_cross_entropy_with_logits({t}, {z}, {weight})")


def _brought(mean: str, values: str) -> str:
    return f"{mean}({values})" if mean else values


def _pos_weight(values: Any, output: TensorType, z: str) -> str:
    """One number, or numbers that meet the class axis, the axes after it being of size 1."""
    if not isinstance(values, tuple):
        return literal(values)
    axis = keras_axis(output, class_axis(output))
    cast = f"tf.cast({numbers(values)}, {z}.dtype)"
    return cast if axis == -1 else f"tf.reshape({cast}, {[-1] + [1] * (output.rank - axis)})"


def _mse(_: Any, __: TensorType, z: str, t: str, ___: Terms, mean: str) -> str:
    return _brought(mean, f"tf.square({z} - {t})")


def _mae(_: Any, __: TensorType, z: str, t: str, ___: Terms, mean: str) -> str:
    return _brought(mean, f"tf.abs({z} - {t})")


def _smooth_l1(kind: Any, output: TensorType, z: str, t: str, terms: Terms, mean: str) -> str:
    if not kind.beta:
        return _mae(kind, output, z, t, terms, mean)
    terms.need("train_smooth_l1.py.jinja")
    return _brought(mean, f"smooth_l1({z}, {t}, beta={literal(kind.beta)})")


def _huber(kind: Any, _: TensorType, z: str, t: str, terms: Terms, mean: str) -> str:
    terms.need("train_huber.py.jinja")
    return _brought(mean, f"huber({z}, {t}, delta={literal(kind.delta)})")


def _kl(_: Any, output: TensorType, z: str, t: str, __: Terms, mean: str) -> str:
    axis = keras_axis(output, class_axis(output))
    distance = f"tf.math.xlogy({t}, {t}) - {t} * tf.nn.log_softmax({z}, {axis})"
    return _brought(mean, f"tf.reduce_sum({distance}, {axis})")


def _hinge(_: Any, __: TensorType, z: str, t: str, ___: Terms, mean: str) -> str:
    return _brought(mean, f"tf.nn.relu(1 - tf.where({t} > 0, {z}, -{z}))")


LOSSES: dict[type[Kind], Callable[..., str]] = {
    CrossEntropy: _cross_entropy,
    BinaryCrossEntropy: _binary,
    MSE: _mse,
    MAE: _mae,
    SmoothL1: _smooth_l1,
    Huber: _huber,
    KLDivergence: _kl,
    Hinge: _hinge,
}


def activation_code(kind: Any, output: TensorType, z: str) -> str:
    """What `predict` makes of an output: probabilities where the loss takes logits."""
    if kind.activation == "softmax":
        axis = keras_axis(output, class_axis(output))
        return f"tf.nn.softmax({z})" if axis == -1 else f"tf.nn.softmax({z}, {axis})"
    return f"tf.sigmoid({z})" if kind.activation == "sigmoid" else z
