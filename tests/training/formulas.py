"""The formulas of training kinds' reference pages, in NumPy float64, word for word.

They are the oracle that frameworks' code is held against, so nothing here calls a framework.
Shapes: ``z`` and ``t`` are whole batches; the class axis is the last one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


def log_softmax(z: Array) -> Array:
    """Logarithm of softmax over the last axis."""
    z = z - z.max(-1, keepdims=True)
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


def log_sigmoid(z: Array) -> Array:
    """Logarithm of the logistic function."""
    return -np.logaddexp(0, -z)


def cross_entropy(z: Array, t: Array, kind: Any) -> float:
    """`CrossEntropy`: logits ``[.., K]``, classes ``[..]``."""
    z, t = z.reshape(-1, z.shape[-1]), t.reshape(-1)
    z, t = z[t != kind.ignore_index], t[t != kind.ignore_index]
    classes = z.shape[-1]
    w = np.ones(classes) if kind.weight is None else np.array(kind.weight)
    log_p, s = log_softmax(z), kind.label_smoothing
    own = w[t] * -log_p[np.arange(len(t)), t]
    spread = (w * -log_p).sum(-1)
    return float(((1 - s) * own + s / classes * spread).sum() / w[t].sum())


def binary_cross_entropy(z: Array, t: Array, kind: Any) -> float:
    """`BinaryCrossEntropy`: logits and targets of one shape."""
    t = t * (1 - kind.label_smoothing) + kind.label_smoothing / 2
    w = 1.0 if kind.pos_weight is None else np.array(kind.pos_weight)
    return float(np.mean(-(w * t * log_sigmoid(z) + (1 - t) * log_sigmoid(-z))))


def mse(z: Array, t: Array, kind: Any) -> float:
    """`MSE`."""
    return float(np.mean((z - t) ** 2))


def mae(z: Array, t: Array, kind: Any) -> float:
    """`MAE`."""
    return float(np.mean(np.abs(z - t)))


def smooth_l1(z: Array, t: Array, kind: Any) -> float:
    """`SmoothL1`."""
    d, beta = np.abs(z - t), kind.beta
    if beta == 0:
        return float(d.mean())
    return float(np.mean(np.where(d < beta, d**2 / (2 * beta), d - beta / 2)))


def huber(z: Array, t: Array, kind: Any) -> float:
    """`Huber`."""
    d, delta = np.abs(z - t), kind.delta
    return float(np.mean(np.where(d < delta, d**2 / 2, delta * (d - delta / 2))))


def kl_divergence(z: Array, t: Array, kind: Any) -> float:
    """`KLDivergence`: logits, and probabilities of the same shape."""
    safe = np.where(t > 0, t, 1)
    terms = np.where(t > 0, t * (np.log(safe) - log_softmax(z)), 0)
    return float(terms.sum(-1).mean())


def hinge(z: Array, t: Array, kind: Any) -> float:
    """`Hinge`."""
    y = np.where(t > 0, 1, -1)
    return float(np.mean(np.maximum(0, 1 - y * z)))


LOSSES = {
    "CrossEntropy": cross_entropy,
    "BinaryCrossEntropy": binary_cross_entropy,
    "MSE": mse,
    "MAE": mae,
    "SmoothL1": smooth_l1,
    "Huber": huber,
    "KLDivergence": kl_divergence,
    "Hinge": hinge,
}


class Optimizer:
    """One weight on its way, after the formulas of the optimizers' reference pages."""

    def __init__(self, kind: Any, w: Array) -> None:
        self.kind, self.w, self.t = kind, np.array(w, dtype=float), 0
        start = getattr(kind, "initial_accumulator_value", 0.0)
        self.first = np.zeros_like(self.w)
        self.second = np.full_like(self.w, start)
        self.mean = np.zeros_like(self.w)

    def step(self, g: Array) -> Array:
        """The weight after one more gradient."""
        self.t += 1
        if self.kind.name != "AdamW":
            g = g + self.kind.weight_decay * self.w
        getattr(self, self.kind.name.lower())(g, self.kind)
        return self.w

    def sgd(self, g: Array, kind: Any) -> None:
        """`SGD`."""
        if kind.momentum:
            fresh = g if self.t == 1 else (1 - kind.dampening) * g
            self.first = kind.momentum * self.first + fresh
            g = g + kind.momentum * self.first if kind.nesterov else self.first
        self.w = self.w - kind.lr * g

    def adam(self, g: Array, kind: Any) -> None:
        """`Adam`."""
        b1, b2 = kind.betas
        self.first = b1 * self.first + (1 - b1) * g
        self.second = b2 * self.second + (1 - b2) * g**2
        m, v = self.first / (1 - b1**self.t), self.second / (1 - b2**self.t)
        self.w = self.w - kind.lr * m / (np.sqrt(v) + kind.eps)

    def adamw(self, g: Array, kind: Any) -> None:
        """`AdamW`."""
        self.w = self.w - kind.lr * kind.weight_decay * self.w
        self.adam(g, kind)

    def rmsprop(self, g: Array, kind: Any) -> None:
        """`RMSprop`."""
        self.second = kind.alpha * self.second + (1 - kind.alpha) * g**2
        v = self.second
        if kind.centered:
            self.mean = kind.alpha * self.mean + (1 - kind.alpha) * g
            v = v - self.mean**2
        d = np.sqrt(v) + kind.eps
        self.first = kind.momentum * self.first + g / d
        self.w = self.w - kind.lr * (self.first if kind.momentum else g / d)

    def adagrad(self, g: Array, kind: Any) -> None:
        """`Adagrad`."""
        self.second = self.second + g**2
        rate = kind.lr / (1 + (self.t - 1) * kind.lr_decay)
        self.w = self.w - rate * g / (np.sqrt(self.second) + kind.eps)


# --- metrics ----------------------------------------------------------------------------


def top_k(z: Array, t: Array, k: int) -> float:
    """`TopK`: scores ``[N, K]``, classes ``[N]``."""
    own = z[np.arange(len(t)), t][:, None]
    above = (z > own).sum(-1)
    first = ((z == own) & (np.arange(z.shape[-1]) < t[:, None])).sum(-1)
    return float(np.mean(above + first < k))


def auc(z: Array, t: Array) -> float:
    """`AUC`: scores and 0 or 1, of any one shape; ranks by counting, equal ones at their mean."""
    z, t = z.reshape(-1), t.reshape(-1) > 0.5
    below = (z[:, None] > z[None, :]).sum(1)
    equal = (z[:, None] == z[None, :]).sum(1)
    ranks = below + (equal + 1) / 2
    p, n = t.sum(), (~t).sum()
    return float((ranks[t].sum() - p * (p + 1) / 2) / (p * n)) if p and n else float("nan")


def f1(answers: Array, truth: Array, average: str, classes: int) -> float:
    """`F1` of classes ``[N]`` and ``[N]``."""
    hits = np.array([((answers == c) & (truth == c)).sum() for c in range(classes)], float)
    wrong = np.array([(answers == c).sum() + (truth == c).sum() for c in range(classes)], float)
    wrong -= 2 * hits
    if average == "micro":
        hits, wrong = hits.sum(keepdims=True), wrong.sum(keepdims=True)
    scores = np.divide(2 * hits, 2 * hits + wrong, out=np.zeros_like(hits), where=hits > 0)
    return float(scores[1] if average == "binary" else scores.mean())
