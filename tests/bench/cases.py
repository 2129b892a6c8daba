"""What is timed: four networks with their data, sizes and amounts of work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

Arrays = Mapping[str, np.ndarray]
"""Data by name: the spec's inputs and, under the output's name, the target."""

CLASSES = 10
VOCAB = 256
CONTEXT = 128


class Trainer(Protocol):
    """One way to train one network; built once, then run in rounds."""

    parameters: int
    """How many trainable values it has: the ways must agree on it."""

    def run(self, steps: int) -> float:
        """Trains for ``steps`` steps and returns their mean loss, read once, at the end."""


@dataclass(frozen=True)
class Case:
    """One network to time.

    Attributes:
        name: The spec's file name and the module's name in each collection.
        batch: Samples in a step.
        steps: Steps in a round; a multiple of ``steps_per_call``.
        steps_per_call: Steps that TensorFlow takes in one call of its graph.
        samples: Rows of data, a multiple of ``batch``.
        make: Draws the data.
    """

    name: str
    batch: int
    steps: int
    steps_per_call: int
    samples: int
    make: Callable[[np.random.Generator, int], Arrays]

    def arrays(self, seed: int = 0) -> Arrays:
        """The data, the same for every way of training."""
        return self.make(np.random.default_rng(seed), self.samples)


def _images(rng: np.random.Generator, count: int) -> Arrays:
    """Grey images, channels first."""
    image = rng.standard_normal((count, 1, 28, 28), dtype=np.float32)
    return {"image": image, "label": rng.integers(0, CLASSES, count)}


def _sequences(rng: np.random.Generator, count: int) -> Arrays:
    """Sequences of 64 steps with 64 features."""
    sequence = rng.standard_normal((count, 64, 64), dtype=np.float32)
    return {"sequence": sequence, "label": rng.integers(0, CLASSES, count)}


def _tokens(rng: np.random.Generator, count: int) -> Arrays:
    """Windows of tokens, and the same windows one token later."""
    stream = rng.integers(0, VOCAB, count * CONTEXT + 1)
    tokens = stream[:-1].reshape(count, CONTEXT)
    return {"tokens": tokens, "following": stream[1:].reshape(count, CONTEXT)}


def _features(rng: np.random.Generator, count: int) -> Arrays:
    """Rows of a table."""
    features = rng.standard_normal((count, 20), dtype=np.float32)
    return {"features": features, "label": rng.integers(0, CLASSES, count)}


CASES = {
    case.name: case
    for case in (
        Case("cnn", batch=64, steps=20, steps_per_call=10, samples=64 * 40, make=_images),
        Case("lstm", batch=32, steps=20, steps_per_call=10, samples=32 * 40, make=_sequences),
        Case("gpt", batch=16, steps=10, steps_per_call=10, samples=16 * 40, make=_tokens),
        Case("mlp", batch=64, steps=1000, steps_per_call=50, samples=64 * 200, make=_features),
    )
}
"""Every case by its name."""
