"""Losses: what training makes small.

Every loss is a mean, so that its size does not depend on the batch. Letters in formulas: ``z`` the
model's output, ``t`` the target, ``K`` the number of classes, ``N`` the number of terms of the mean
(one for each sample and position). The *class axis* is ``channels`` where the output names it,
otherwise the last axis.

A loss owns the final activation: the model's output is taken as it is (logits), and `predict`
applies `activation`.

With ``mask="valid"`` only the positions count at which the array of that name, of the data or an
input of the model, is true: ``N`` is their number, in losses, in metrics and in sums over batches.
A mask is bool, of the target's shape; where the target has an axis of classes (or features), a mask
may do without it and then speaks of whole positions. The mean of no position is 0 / 0 = NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from dsl.kinds.kind import Kind, KindError, arg
from dsl.kinds.values import Float, Int, ListOf, OneOf, String
from dsl.shapes.types import TensorType

if TYPE_CHECKING:
    from dsl.tape.tape import Tape
    from dsl.tape.tensors import Tensor

Task = Literal["classes", "binary", "values", "distribution"]
Activation = Literal["softmax", "sigmoid", "none"]

MISFIT = "MSL412"


class Loss(Kind, abstract=True):
    """Base of losses.

    Class attributes:
        activation: What `predict` applies to the output: ``softmax`` over the class axis,
            ``sigmoid``, or ``none``.
        task: What the output means, which decides the metrics that fit: ``classes`` (a score for
            each class), ``binary`` (yes or no for each element), ``values``, ``distribution``.
    """

    category: ClassVar[str] = "loss"
    activation: ClassVar[Activation] = "none"
    task: ClassVar[Task] = "values"

    target: str | None = arg(
        String(),
        "Name of the data array with the true values; the output's name unless given.",
        None,
        keyword=True,
    )
    mask: str | None = arg(
        String(),
        "Name of the data array, or input, that is true where positions count; all do by default.",
        None,
        keyword=True,
    )

    def mask_types(self, output: TensorType) -> tuple[TensorType, ...]:
        """The types that a mask may have: the target's shape, or one value for each position."""
        target = self.target_type(output)
        each = TensorType(target.shape, "bool", target.axes)
        if target.rank < output.rank or not output.rank:
            return (each,)
        return (each, without_class_axis(output, "bool"))

    def target_type(self, output: TensorType) -> TensorType:
        """The type of the true values for an output of this type.

        Raises:
            KindError: MSL412, the loss cannot be taken of such an output.
        """
        require_float(self.name, output)
        return TensorType(output.shape, "float32", output.axes)

    def rehearse(self, tape: Tape, output: Tensor, target: Tensor) -> Tensor:
        """Runs its operations on a tape, as generated PyTorch code does.

        Args:
            tape: Where they are written down.
            output: What the model gave.
            target: The true values.

        Returns:
            The loss, a scalar.
        """
        return tape.run("reduce", (tape.raised(output),), (), keep=(output, target))


def require_float(name: str, output: TensorType) -> None:
    """Refuses an output that has no gradient.

    Raises:
        KindError: MSL412.
    """
    if not output.is_float:
        raise KindError(
            f"`{name}` is taken of real numbers, and this output is {output}",
            help="integers have no gradient: give the loss the scores that they are made from",
            code=MISFIT,
        )


def class_axis(output: TensorType) -> int:
    """The position of the class axis: channels where named, else the last.

    Raises:
        KindError: MSL412, a scalar has no axes.
    """
    if output.rank == 0:
        raise KindError(
            "the output is one number for each sample and has no axis of classes",
            help="end in `Linear(classes)`",
            code=MISFIT,
        )
    named = output.axis("channels")
    return output.rank - 1 if named is None else named


def without_class_axis(output: TensorType, dtype: str) -> TensorType:
    """The output's type less its class axis."""
    at = class_axis(output)
    return TensorType(
        output.shape[:at] + output.shape[at + 1 :], dtype, output.axes[:at] + output.axes[at + 1 :]
    )


def _require_classes(name: str, output: TensorType) -> None:
    size = output.shape[class_axis(output)]
    if isinstance(size, int) and size < 2:
        raise KindError(
            f"`{name}` chooses among classes, and the output has {size}",
            help="for yes or no, `BinaryCrossEntropy`; otherwise one score for each class",
            code=MISFIT,
        )


def _require_length(given: Any, output: TensorType, name: str) -> None:
    """A list of one value per class must have as many as there are."""
    size = output.shape[class_axis(output)] if output.rank else 1
    if isinstance(given, tuple) and isinstance(size, int) and len(given) != size:
        raise KindError(
            f"`{name}` has {len(given)} values, and the output has {size} on its class axis",
            name,
            f"give {size}",
            MISFIT,
        )


class CrossEntropy(Loss):
    """Cross-entropy of one class among several, from logits.

    Formula: ``p = softmax(z)`` over the class axis; with ``s = label_smoothing`` and class weights
    ``w`` (all 1 unless given), a position of class ``t`` contributes
    ``(1 - s) * w[t] * -log p[t] + s / K * sum_k w[k] * -log p[k]``; the loss is the sum over all
    positions divided by the sum of their ``w[t]`` (their number, without weights). Positions whose
    target is `ignore_index` are left out of both sums; a batch that has no other is 0 / 0 = NaN.
    Where samples have one class each, data may hold that value only if the argument is given.
    Target: int64 of the output's shape less its class axis: ``[K]`` to ``[]``, ``[time, K]`` to
    ``[time]``, ``[channels=K, h, w]`` to ``[h, w]``.
    Prediction: softmax over the class axis.
    Source: Goodfellow, Bengio, Courville, Deep Learning (2016), 6.2.2.3; label smoothing: Szegedy
    et al. 2016, arXiv:1512.00567; PyTorch `nn.CrossEntropyLoss`.
    """

    keras = ("CategoricalCrossentropy", "SparseCategoricalCrossentropy")
    activation = "softmax"
    task = "classes"

    weight: tuple[float, ...] | None = arg(
        ListOf(Float(0), least=1), "A weight for each class, for rare ones.", None,
        keras=("class_weight",),
    )  # fmt: skip
    label_smoothing: float = arg(
        Float(0, 1), "Share of the target that is spread evenly over all classes.", 0.0,
    )  # fmt: skip
    ignore_index: int = arg(
        Int(), "A target value whose positions do not count, such as padding.", -100,
        keras=("ignore_class",),
    )  # fmt: skip

    def target_type(self, output: TensorType) -> TensorType:
        require_float(self.name, output)
        _require_classes(self.name, output)
        _require_length(self.weight, output, "weight")
        return without_class_axis(output, "int64")

    def rehearse(self, tape: Tape, output: Tensor, target: Tensor) -> Tensor:
        """A log-softmax, which is kept, and the sum of those of the true classes."""
        logs = tape.pointwise((tape.raised(output),), keep="output")
        return tape.run("reduce", (logs,), (), keep=(logs, target), extra=4)


class BinaryCrossEntropy(Loss):
    """Cross-entropy of yes or no, each element by itself, from logits.

    Formula: ``mean(-(w * t' * log sigmoid(z) + (1 - t') * log sigmoid(-z)))`` over all elements,
    with ``t' = t * (1 - s) + s / 2``, ``s = label_smoothing`` and ``w = pos_weight`` (1 unless
    given; a list has a weight for each position of the class axis).
    Target: float32 of the output's shape, from 0 to 1.
    Prediction: sigmoid.
    Source: Goodfellow, Bengio, Courville, Deep Learning (2016), 6.2.2.2; PyTorch
    `nn.BCEWithLogitsLoss`; the smoothing is Keras' `BinaryCrossentropy`.
    """

    keras = ("BinaryCrossentropy",)
    activation = "sigmoid"
    task = "binary"

    pos_weight: float | tuple[float, ...] | None = arg(
        OneOf(Float(0, open_low=True), ListOf(Float(0), least=1)),
        "Weight of the positive cases; one number, or one for each position of the class axis.",
        None,
    )
    label_smoothing: float = arg(
        Float(0, 1), "Share of the target that is moved towards one half.", 0.0
    )

    def target_type(self, output: TensorType) -> TensorType:
        _require_length(self.pos_weight, output, "pos_weight")
        return super().target_type(output)


class MSE(Loss):
    """Mean squared error.

    Formula: ``mean((z - t)**2)`` over all elements.
    Target: float32 of the output's shape.
    Prediction: the output itself.
    Source: Goodfellow, Bengio, Courville, Deep Learning (2016), eq. 5.4; PyTorch `nn.MSELoss`.
    """

    keras = ("MeanSquaredError",)


class MAE(Loss):
    """Mean absolute error.

    Formula: ``mean(|z - t|)`` over all elements; the gradient at 0 is 0.
    Target: float32 of the output's shape.
    Prediction: the output itself.
    Source: Hastie, Tibshirani, Friedman, The Elements of Statistical Learning (2009), 10.6;
    PyTorch `nn.L1Loss`.
    """

    keras = ("MeanAbsoluteError",)


class SmoothL1(Loss):
    """Squared error near zero, absolute error beyond `beta`; its slope never exceeds 1.

    Formula: with ``d = |z - t|``, the mean of ``d**2 / (2 * beta)`` where ``d < beta``, else
    ``d - beta / 2``; with ``beta = 0``, the mean of ``d``.
    Target: float32 of the output's shape.
    Prediction: the output itself.
    Source: Girshick 2015, arXiv:1504.08083, eq. 3; PyTorch `nn.SmoothL1Loss`.
    """

    beta: float = arg(Float(0), "Where the square turns into the absolute value.", 1.0)


class Huber(Loss):
    """Squared error near zero, linear beyond `delta`: delta times `SmoothL1` with that beta.

    Formula: with ``d = |z - t|``, the mean of ``d**2 / 2`` where ``d < delta``, else
    ``delta * (d - delta / 2)``.
    Target: float32 of the output's shape.
    Prediction: the output itself.
    Source: Huber 1964, doi:10.1214/aoms/1177703732; PyTorch `nn.HuberLoss`.
    """

    delta: float = arg(Float(0, open_low=True), "Where the square turns into a line.", 1.0)


class KLDivergence(Loss):
    """Distance of a predicted distribution from a target distribution.

    Formula: ``q = softmax(z)`` over the class axis, ``t`` the target probabilities;
    ``sum_k t[k] * (log t[k] - log q[k])`` over the class axis, where ``t[k] = 0`` gives 0; then
    the mean over samples and positions (PyTorch's ``batchmean``; its ``mean``, which also divides
    by the number of classes, is not the divergence).
    Target: float32 of the output's shape: probabilities that sum to 1 over the class axis.
    Prediction: softmax over the class axis. The output is logits; PyTorch's wants log-probabilities
    and Keras' wants probabilities.
    Source: Kullback and Leibler 1951, doi:10.1214/aoms/1177729694; PyTorch `nn.KLDivLoss`.
    """

    keras = ("KLD", "KullbackLeiblerDivergence")
    activation = "softmax"
    task = "distribution"

    def target_type(self, output: TensorType) -> TensorType:
        require_float(self.name, output)
        _require_classes(self.name, output)
        return super().target_type(output)

    def mask_types(self, output: TensorType) -> tuple[TensorType, ...]:
        return (without_class_axis(output, "bool"),)


class Hinge(Loss):
    """Hinge loss of yes or no, each element by itself, from a score.

    Formula: ``mean(max(0, 1 - y * z))`` over all elements, with ``y = 1`` where ``t > 0`` and
    ``y = -1`` elsewhere: targets may be written 0 and 1 or -1 and 1.
    Target: float32 of the output's shape.
    Prediction: the score itself; above 0 means yes.
    Source: Cortes and Vapnik 1995, doi:10.1007/BF00994018; Keras `Hinge`.
    """

    task = "binary"
