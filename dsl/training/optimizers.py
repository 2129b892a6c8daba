"""Optimizers: how weights follow the gradient.

Formulas are for one weight: ``w`` its value, ``g`` its gradient, ``lr`` the rate after the
schedule's factor, and ``t`` the number of the step, counted from 1. `weight_decay` acts on the
weights that `decay_on` names: without it on all weights but biases and norms, where PyTorch and
Keras decay every parameter.
"""

from __future__ import annotations

from typing import ClassVar

from dsl.kinds.kind import Kind, KindError, arg
from dsl.kinds.values import Bool, Float, ListOf, OneOf, String

_RATE = Float(0)
_SHARE = Float(0, 1, open_high=True)


def _lr(default: float) -> float:
    return arg(_RATE, "Learning rate.", default, keras=("learning_rate",))


def _eps(default: float) -> float:
    return arg(Float(0), "Keeps the division finite.", default, keras=("epsilon",))


def _decay(default: float, doc: str) -> float:
    return arg(Float(0), doc, default, keras=("decay",))


_COUPLED = "L2 decay by way of the gradient: `g += weight_decay * w`."


class Optimizer(Kind, abstract=True):
    """Base of optimizers."""

    category: ClassVar[str] = "optimizer"

    lr: float
    weight_decay: float
    decay_on: str | tuple[str, ...] | None = arg(
        OneOf(String(), ListOf(String(), least=1)),
        'Patterns of the weights that decay; all but biases and norms unless given ("*" is all).',
        None,
        keyword=True,
        keras=("exclude_from_weight_decay",),
    )

    @property
    def state_slots(self) -> int:
        """Values kept for each weight between steps."""
        return 0

    @property
    def decay_patterns(self) -> tuple[str, ...]:
        """`decay_on` as a tuple; empty for the default."""
        given = self.decay_on
        return (given,) if isinstance(given, str) else tuple(given or ())


class SGD(Optimizer):
    """Gradient descent, with momentum if asked for.

    Formula: ``g += weight_decay * w``; with momentum ``b = momentum * b + (1 - dampening) * g``
    (``b = g`` at the first step), and ``g = g + momentum * b`` with `nesterov`, else ``g = b``;
    ``w -= lr * g``. The rate stands outside the momentum, as in PyTorch; Keras has it inside, which
    differs where the rate changes from step to step.
    State: one value for each weight with momentum, else none.
    Source: Sutskever et al. 2013, proceedings.mlr.press/v28/sutskever13; PyTorch `optim.SGD`.
    """

    lr: float = _lr(1e-3)
    momentum: float = arg(_SHARE, "How much of the last step is kept.", 0.0)
    dampening: float = arg(Float(0, 1), "How much of the gradient momentum leaves out.", 0.0)
    weight_decay: float = _decay(0.0, _COUPLED)
    nesterov: bool = arg(Bool(), "Whether to look ahead by one step of momentum.", False)

    @property
    def state_slots(self) -> int:
        return 1 if self.momentum else 0

    def check(self) -> None:
        if self.nesterov and not self.momentum:
            raise KindError(
                "`nesterov` looks ahead along the momentum, and there is none",
                "nesterov",
                "add `momentum=0.9`",
            )
        if self.nesterov and self.dampening:
            raise KindError("`nesterov` and `dampening` exclude each other", "dampening")
        if self.dampening and not self.momentum:
            raise KindError(
                "`dampening` acts on the momentum, and there is none",
                "dampening",
                "add `momentum=0.9`",
            )


class _Adaptive(Optimizer, abstract=True):
    @property
    def state_slots(self) -> int:
        return 2


_BETAS = ListOf(_SHARE, 2)
_BETAS_DOC = "How slowly the mean of the gradient and of its square move."
_KERAS_BETAS = ("beta_1", "beta_2", "beta1", "beta2")


class Adam(_Adaptive):
    """Steps of about equal size for all weights, by the gradient's mean and mean square.

    Formula: ``g += weight_decay * w``; ``m = b1 * m + (1 - b1) * g``;
    ``v = b2 * v + (1 - b2) * g**2``;
    ``w -= lr * (m / (1 - b1**t)) / (sqrt(v / (1 - b2**t)) + eps)``. `eps` stands outside the root
    and after the correction, as in the paper's algorithm 1.
    State: two values for each weight.
    Source: Kingma and Ba 2015, arXiv:1412.6980; PyTorch `optim.Adam`.
    """

    lr: float = _lr(1e-3)
    betas: tuple[float, float] = arg(_BETAS, _BETAS_DOC, (0.9, 0.999), keras=_KERAS_BETAS)
    eps: float = _eps(1e-8)
    weight_decay: float = _decay(0.0, _COUPLED)


class AdamW(_Adaptive):
    """Adam with weight decay of its own, apart from the gradient.

    Formula: ``w -= lr * weight_decay * w``, then `Adam`'s step with the gradient as it is.
    State: two values for each weight.
    Source: Loshchilov and Hutter 2019, arXiv:1711.05101; PyTorch `optim.AdamW`.
    """

    lr: float = _lr(1e-3)
    betas: tuple[float, float] = arg(_BETAS, _BETAS_DOC, (0.9, 0.999), keras=_KERAS_BETAS)
    eps: float = _eps(1e-8)
    weight_decay: float = _decay(1e-2, "Decoupled decay: `w -= lr * weight_decay * w`.")


class RMSprop(Optimizer):
    """Steps scaled by the root of the gradient's mean square.

    Formula: ``g += weight_decay * w``; ``v = alpha * v + (1 - alpha) * g**2``; with `centered`
    ``a = alpha * a + (1 - alpha) * g`` and ``d = sqrt(v - a**2) + eps``, else
    ``d = sqrt(v) + eps``: `eps` stands outside the root, as in PyTorch (Keras has it inside); with
    momentum ``b = momentum * b + g / d; w -= lr * b``, else ``w -= lr * g / d``.
    State: one value for each weight, one more with `momentum`, one more with `centered`.
    Source: Hinton, Neural Networks for Machine Learning, lecture 6e (2012); centred: Graves 2013,
    arXiv:1308.0850, eq. 38 ff.; PyTorch `optim.RMSprop`.
    """

    lr: float = _lr(1e-2)
    alpha: float = arg(_SHARE, "How slowly the mean square moves.", 0.99, keras=("rho",))
    eps: float = _eps(1e-8)
    weight_decay: float = _decay(0.0, _COUPLED)
    momentum: float = arg(_SHARE, "How much of the last step is kept.", 0.0)
    centered: bool = arg(Bool(), "Whether to divide by the deviation, not the root.", False)

    @property
    def state_slots(self) -> int:
        return 1 + (self.momentum > 0) + bool(self.centered)


class Adagrad(Optimizer):
    """Steps scaled by the root of the sum of all squared gradients so far.

    Formula: ``g += weight_decay * w``; ``s += g**2``, from `initial_accumulator_value`;
    ``w -= lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)``.
    State: one value for each weight.
    Source: Duchi, Hazan, Singer 2011, jmlr.org/papers/v12/duchi11a; PyTorch `optim.Adagrad`.
    """

    lr: float = _lr(1e-2)
    lr_decay: float = arg(Float(0), "How fast the rate falls by itself.", 0.0)
    weight_decay: float = _decay(0.0, _COUPLED)
    initial_accumulator_value: float = arg(Float(0), "What the sum starts from.", 0.0)
    eps: float = _eps(1e-10)

    @property
    def state_slots(self) -> int:
        return 1
