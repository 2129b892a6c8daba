"""A tiny network as a Sequential."""

from __future__ import annotations

import keras
from keras import layers

from tests.bench.cases import Arrays, Case
from tests.bench.tutorials.tensorflow.loop import Trainer


def build(case: Case, arrays: Arrays, seed: int) -> Trainer:
    """The trainer of this case."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [keras.Input((20,)), layers.Dense(64, activation="relu"), layers.Dense(10)]
    )
    return Trainer(
        model, keras.optimizers.Adam(0.001), arrays["features"], arrays["label"], case.batch
    )
