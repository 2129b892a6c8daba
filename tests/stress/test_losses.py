"""Losses of logits that are far out, and of targets at the ends: value and gradient as meant."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import torch

from backends.verifying.compare import distance
from tests.stress.test_sizes import built_code

Array = Any
Meaning = Callable[[Array, Array], tuple[Any, Array]]

pytestmark = [pytest.mark.torch, pytest.mark.tensorflow]

MODEL = """\
model Net {{
  input x: float32[3]
  output y: float32[3] = Linear(3)
}}
loss {loss}
optimizer SGD(lr=0.1)
"""

LOGITS = np.array(list(itertools.product([0.0, 1e4, -1e4, 1e30, -1e30], repeat=3)))
CLASSES = np.arange(3)
BITS = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]])
PARTS = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.5, 0.0, 1.0]])
FAR = np.array([[0.0, 1e30, -1e30], [-1e30, 1e4, 1.0]])
SHARES = np.array([[1.0, 0.0, 0.0], [0.5, 0.0, 0.5], [0.25, 0.25, 0.5]])


def log_softmax(z: Array) -> Array:
    """Its logarithms, the largest logit taken off first."""
    z = z - z.max()
    return z - np.log(np.exp(z).sum())


def cross_entropy(z: Array, t: Array) -> tuple[Any, Array]:
    return -log_softmax(z)[t], np.exp(log_softmax(z)) - np.eye(3)[t]


def binary(z: Array, t: Array) -> tuple[Any, Array]:
    tail = np.exp(-np.abs(z))
    terms = np.maximum(z, 0) - z * t + np.log1p(tail)
    return terms.mean(), (np.where(z >= 0, 1, tail) / (1 + tail) - t) / 3


def squares(z: Array, t: Array) -> tuple[Any, Array]:
    return ((z - t) ** 2).mean(), 2 * (z - t) / 3


def huber(z: Array, t: Array) -> tuple[Any, Array]:
    off = np.abs(z - t)
    return np.where(off < 1, off**2 / 2, off - 0.5).mean(), np.clip(z - t, -1, 1) / 3


def divergence(z: Array, t: Array) -> tuple[Any, Array]:
    own = t * np.log(np.where(t > 0, t, 1))
    return (own - t * log_softmax(z)).sum(), np.exp(log_softmax(z)) * t.sum() - t


def hinge(z: Array, t: Array) -> tuple[Any, Array]:
    sign = np.where(t > 0, 1.0, -1.0)
    room = 1 - sign * z
    return np.maximum(room, 0).mean(), np.where(room > 0, -sign, 0) / 3


MEANT: dict[str, tuple[Meaning, Array]] = {
    "CrossEntropy": (cross_entropy, CLASSES),
    "BinaryCrossEntropy": (binary, PARTS),
    "MSE": (squares, FAR),
    "Huber": (huber, FAR),
    "KLDivergence": (divergence, SHARES),
    "Hinge": (hinge, BITS),
}


def on_torch(code: Any, z: Array, t: Array) -> tuple[float, Array]:
    """Loss and gradient of one row in PyTorch."""
    logits = torch.tensor(z[None], requires_grad=True)
    loss = code.loss_function(logits, {"y": torch.tensor(t[None])})
    loss.backward()
    return loss.item(), logits.grad.numpy()[0]


def on_keras(code: Any, z: Array, t: Array) -> tuple[float, Array]:
    """Loss and gradient of one row in TensorFlow."""
    logits = tf.constant(z[None])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = code.loss_function(logits, {"y": tf.constant(t[None])})
    return float(loss), tape.gradient(loss, logits).numpy()[0]


@pytest.mark.parametrize("backend, run", [("torch", on_torch), ("tensorflow", on_keras)])
@pytest.mark.parametrize("loss", MEANT)
def test_losses_far_out(loss: str, backend: str, run: Any, tmp_path: Path):
    code = built_code(MODEL.format(loss=loss), backend, tmp_path)
    meaning, targets = MEANT[loss]
    for z, t in itertools.product(LOGITS, targets):
        (value, slope), (wanted, wanted_slope) = run(code, z, t), meaning(z, t)
        assert np.isfinite(value)
        assert distance(value, wanted, 1e-9) <= 1e-9, (z, t)
        assert distance(slope, wanted_slope, 1e-9) <= 1e-9, (z, t)
