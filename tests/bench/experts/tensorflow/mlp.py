"""A tiny network: fifty steps a call, so that calls do not show."""

from __future__ import annotations

import keras
from keras import layers

from tests.bench.cases import Arrays, Case
from tests.bench.experts.tensorflow.loop import Trainer


def model() -> keras.Model:
    features = keras.Input((20,))
    x = layers.Dense(64, activation="relu")(features)  # [B, 64]
    return keras.Model(features, layers.Dense(10)(x))  # [B, 10]


def build(case: Case, arrays: Arrays, seed: int) -> Trainer:
    """The trainer of this case."""
    keras.utils.set_random_seed(seed)
    return Trainer(
        model(),
        keras.optimizers.Adam(1e-3, epsilon=1e-8),
        arrays["features"],
        arrays["label"],
        case.batch,
        case.steps_per_call,
        seed=seed,
    )
