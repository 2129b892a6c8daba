"""One LSTM and a classifier on its last step: the native layer."""

from __future__ import annotations

import keras
from keras import layers

from tests.bench.cases import Arrays, Case
from tests.bench.experts.tensorflow.loop import Trainer


def model() -> keras.Model:
    sequence = keras.Input((64, 64))
    x = layers.LSTM(128)(sequence)  # [B, 128]
    return keras.Model(sequence, layers.Dense(10)(x))  # [B, 10]


def build(case: Case, arrays: Arrays, seed: int) -> Trainer:
    """The trainer of this case."""
    keras.utils.set_random_seed(seed)
    return Trainer(
        model(),
        keras.optimizers.Adam(1e-3, epsilon=1e-8),
        arrays["sequence"],
        arrays["label"],
        case.batch,
        case.steps_per_call,
        seed=seed,
    )
