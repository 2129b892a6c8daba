"""Metrics: figures about a model that people read, besides the loss.

A metric is taken of an output and its target, over all samples of a part at once (not as a mean
over batches). What it reads depends on the output's loss, by its `task`: scores of ``classes``
(`CrossEntropy`), ``binary`` scores, where above 0 means yes (`BinaryCrossEntropy`, `Hinge`), or
``values``. Positions that the loss leaves out (`mask`, `ignore_index`) do not count. Every position
of an output with several counts by itself.
"""

from __future__ import annotations

from typing import Any, ClassVar

from dsl.kinds.kind import Kind, KindError, arg
from dsl.kinds.values import AUTO, Int, OneOf, String, Word
from dsl.shapes.types import TensorType
from dsl.training.losses import Loss, class_axis

MISFIT = "MSL415"

_TASKS = {
    "classes": "scores of classes",
    "binary": "yes or no",
    "values": "values",
    "distribution": "a distribution",
}


class Metric(Kind, abstract=True):
    """Base of metrics.

    Class attributes:
        tasks: The tasks of losses whose outputs it can be taken of.
        higher_is_better: Which way `EarlyStopping` and the best checkpoint look.
    """

    category: ClassVar[str] = "metric"
    tasks: ClassVar[tuple[str, ...]] = ()
    higher_is_better: ClassVar[bool] = True

    @property
    def label(self) -> str:
        """Its name in logs."""
        return self.name.lower()

    def fits(self, loss: Loss, output: TensorType) -> None:
        """Holds the metric against an output and its loss.

        Raises:
            KindError: MSL415, it says nothing about such an output.
        """
        if loss.task not in self.tasks:
            wanted = " or ".join(_TASKS[task] for task in self.tasks)
            raise KindError(
                f"`{self.name}` is taken of {wanted}, and with `{loss.name}` the output means "
                f"{_TASKS[loss.task]}",
                help=_fitting(loss.task),
                code=MISFIT,
            )


def _fitting(task: str) -> str:
    from dsl.kinds.kind import REGISTRY

    kinds: Any = REGISTRY["metric"]
    names = [name for name, kind in kinds.items() if task in kind.tasks]
    return f"there fit {', '.join(names)}" if names else "watch the loss itself"


def _classes(output: TensorType) -> int | None:
    size = output.shape[class_axis(output)]
    return size if isinstance(size, int) else None


class Accuracy(Metric):
    """Share of right answers.

    Formula: for classes ``mean(argmax(z) == t)`` over the class axis, the first of equal scores;
    for yes or no ``mean((z > 0) == (t > 0.5))`` over all elements.
    Source: Hastie, Tibshirani, Friedman, The Elements of Statistical Learning (2009), 7.2; Keras
    `Accuracy`.
    """

    keras = ("CategoricalAccuracy", "SparseCategoricalAccuracy", "BinaryAccuracy")
    tasks = ("classes", "binary")


class TopK(Metric):
    """Share of samples whose class is among the `k` highest scores.

    Formula: ``mean(#{j : z[j] > z[t]} + #{j < t : z[j] == z[t]} < k)``: of equal scores the first
    counts as the higher.
    Source: Russakovsky et al. 2015, arXiv:1409.0575, 4.1; Keras `TopKCategoricalAccuracy`.
    """

    keras = ("TopKCategoricalAccuracy", "SparseTopKCategoricalAccuracy")
    tasks = ("classes",)

    k: int = arg(Int(1), "How many of the highest scores count.", 5)

    @property
    def label(self) -> str:
        return f"top_{self.k}"

    def fits(self, loss: Loss, output: TensorType) -> None:
        super().fits(loss, output)
        count = _classes(output)
        if count is not None and self.k >= count:
            raise KindError(
                f"the best {self.k} of {count} classes hold every answer",
                "k",
                f"give a number below {count}",
                MISFIT,
            )


class Perplexity(Metric):
    """How many equally likely classes the model is as unsure among.

    Formula: ``exp(mean(-log softmax(z)[t]))`` over the class axis, the mean over all samples and
    positions that count, without class weights and label smoothing; one exponential at the end.
    Source: Jelinek et al. 1977, doi:10.1121/1.2016299; Keras hub `Perplexity`.
    """

    tasks = ("classes",)
    higher_is_better = False


class MAE(Metric):
    """Mean absolute error, in units of the target.

    Formula: ``mean(|z - t|)`` over all elements.
    Source: Hastie, Tibshirani, Friedman, The Elements of Statistical Learning (2009), 10.6.
    """

    keras = ("MeanAbsoluteError",)
    tasks = ("values",)
    higher_is_better = False


class RMSE(Metric):
    """Root of the mean squared error, in units of the target.

    Formula: ``sqrt(mean((z - t)**2))`` over all elements of all samples: one root at the end.
    Source: Hastie, Tibshirani, Friedman, The Elements of Statistical Learning (2009), 7.2; Keras
    `RootMeanSquaredError`.
    """

    keras = ("RootMeanSquaredError",)
    tasks = ("values",)
    higher_is_better = False


class AUC(Metric):
    """Area under the ROC curve: how often a positive case scores higher than a negative one.

    Formula: with the scores of all elements ranked from 1, equal ones at the mean of their ranks,
    ``(sum of the positives' ranks - P * (P + 1) / 2) / (P * N)`` for ``P`` positive (``t > 0.5``)
    and ``N`` negative cases; NaN where there are none of one of them. It is exact, where Keras sums
    over 200 thresholds. With two classes the score is ``z[1] - z[0]``.
    Source: Hanley and McNeil 1982, doi:10.1148/radiology.143.1.7063747.
    """

    tasks = ("binary", "classes")

    def fits(self, loss: Loss, output: TensorType) -> None:
        super().fits(loss, output)
        count = _classes(output) if loss.task == "classes" else 2
        if count not in (None, 2):
            raise KindError(
                f"`AUC` sets one class against another, and the output has {count}",
                help="use `Accuracy` or `F1`, or `BinaryCrossEntropy` with one score each",
                code=MISFIT,
            )


class F1(Metric):
    """Harmonic mean of precision and recall.

    Formula: ``2 * TP / (2 * TP + FP + FN)``, 0 where that is 0 / 0; the answers are those of
    `Accuracy`. ``macro``: the mean of each class's own F1 (for yes or no: of each position of the
    last axis); ``micro``: TP, FP and FN summed over classes (positions) first; ``binary``: of class
    1, or of yes, over all elements. ``auto`` is ``macro`` for classes and ``binary`` for yes or no.
    Source: van Rijsbergen, Information Retrieval (1979), 7; scikit-learn `f1_score`.
    """

    keras = ("F1Score",)
    tasks = ("classes", "binary")

    average: Any = arg(
        OneOf(Word(), String("macro", "binary", "micro")), "How classes are put together.", AUTO
    )

    @property
    def label(self) -> str:
        return "f1" if self.average is AUTO else f"f1_{self.average}"

    def averaging(self, loss: Loss) -> str:
        """``macro``, ``binary`` or ``micro``, with ``auto`` decided by the loss."""
        if self.average is not AUTO:
            return str(self.average)
        return "binary" if loss.task == "binary" else "macro"

    def fits(self, loss: Loss, output: TensorType) -> None:
        super().fits(loss, output)
        count = _classes(output) if loss.task == "classes" else 2
        if self.average == "binary" and count not in (None, 2):
            raise KindError(
                f'`average="binary"` needs two classes, and the output has {count}',
                "average",
                'write `average="macro"`',
                MISFIT,
            )
