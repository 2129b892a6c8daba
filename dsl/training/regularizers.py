"""Regularization: what keeps a model from fitting the training part too closely."""

from __future__ import annotations

from typing import Any, ClassVar

from dsl.kinds.kind import Kind, arg
from dsl.kinds.values import AUTO, Float, Int, KindOf, ListOf, OneOf, String, Word


class Regularizer(Kind, abstract=True):
    """Base of what the section ``regularization`` takes.

    Class attributes:
        penalty: Whether it adds to the loss for each of some weights, which ``on`` may name.
        once: Whether the section takes it at most once.
    """

    category: ClassVar[str] = "regularizer"
    penalty: ClassVar[bool] = False
    once: ClassVar[bool] = True


class L1(Regularizer):
    """A penalty on the size of weights, which drives small ones to zero.

    Formula: the loss of every optimizer step grows by ``l1 * sum(|w|)`` over the weights it covers:
    all but biases and norms, or those that ``on "pattern"`` names. With `accumulate` it counts once
    for the step, not once for each part.
    Source: Tibshirani 1996, doi:10.1111/j.2517-6161.1996.tb02080.x; Keras `regularizers.L1`.
    """

    penalty = True
    once = False

    l1: float = arg(Float(0), "Factor of the sum of absolute values.")


class L2(Regularizer):
    """A penalty on the squares of weights.

    Formula: the loss of every optimizer step grows by ``l2 * sum(w**2)`` over the weights it
    covers: all but biases and norms, or those that ``on "pattern"`` names. Its gradient is ``2 * l2
    * w``. With `accumulate` it counts once for the step, not once for each part.
    Source: Goodfellow, Bengio, Courville, Deep Learning (2016), 7.1.1; Keras `regularizers.L2`.
    """

    penalty = True
    once = False

    l2: float = arg(Float(0), "Factor of the sum of squares.")


class ClipNorm(Regularizer):
    """Shortens the gradient as a whole.

    Formula: with ``n = sqrt(sum(g**2))`` over all weights, ``g *= max_norm / n`` where
    ``n > max_norm``. It acts on the whole accumulated gradient, before the optimizer. (PyTorch's
    function divides by ``n + 1e-6``.)
    Source: Pascanu, Mikolov, Bengio 2013, arXiv:1211.5063, algorithm 1.
    """

    max_norm: float = arg(
        Float(0, open_low=True), "The greatest length.", keras=("clipnorm", "global_clipnorm")
    )


class ClipValue(Regularizer):
    """Cuts each value of the gradient.

    Formula: ``g = min(max(g, -value), value)``, on the whole accumulated gradient.
    Source: PyTorch `nn.utils.clip_grad_value_`.
    """

    value: float = arg(
        Float(0, open_low=True), "The greatest size of a gradient's value.", keras=("clipvalue",)
    )


class EarlyStopping(Regularizer):
    """Ends the run when a figure has stopped getting better.

    Formula: after every epoch (every validation, where the run is counted in steps) the figure is
    better when it passes the best one so far by more than `min_delta`; after `patience` times in a
    row without, training ends. The best checkpoint stands on disk as always.
    `monitor` is ``loss``, ``val_loss``, or a metric: ``accuracy`` on the training part,
    ``val_accuracy`` on the validation part; with several outputs ``val_click_auc``.
    Source: Prechelt 1998, doi:10.1007/3-540-49430-8_3; Keras `callbacks.EarlyStopping`.
    """

    patience: int = arg(Int(1), "How many epochs may pass without getting better.", 3)
    monitor: str = arg(String(), "The figure to watch.", "val_loss")
    min_delta: float = arg(Float(0), "By how much it must get better to count.", 0.0)
    mode: Any = arg(
        OneOf(Word(), String("min", "max")),
        "Whether less or more is better; auto: less for losses and errors, more for other metrics.",
        AUTO,
    )


class Augment(Regularizer):
    """Changes training images at random, each time anew; validation and test stay as they are.

    Formula: the augmentations act in order, before the batch is put together, each drawing anew for
    every sample.
    Source: Krizhevsky, Sutskever, Hinton 2012, doi:10.1145/3065386, 4.1.
    """

    augmentations: tuple[Kind, ...] = arg(
        ListOf(KindOf("augmentation"), least=1), "What to do, in order.", rest=True
    )
