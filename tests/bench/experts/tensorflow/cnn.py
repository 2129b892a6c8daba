"""A small convolution net: channels last, pooling before ReLU."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from tests.bench.cases import Arrays, Case
from tests.bench.experts.tensorflow.loop import Trainer


def model() -> keras.Model:
    image = keras.Input((28, 28, 1))
    x = layers.Conv2D(32, 3, padding="same")(image)  # [B, 28, 28, 32]
    x = layers.ReLU()(layers.MaxPooling2D(2)(x))  # [B, 14, 14, 32]
    x = layers.Conv2D(64, 3, padding="same")(x)  # [B, 14, 14, 64]
    x = layers.ReLU()(layers.MaxPooling2D(2)(x))  # [B, 7, 7, 64]
    x = layers.Dense(100, activation="relu")(layers.Flatten()(x))  # [B, 100]
    return keras.Model(image, layers.Dense(10)(x))  # [B, 10]


def build(case: Case, arrays: Arrays, seed: int) -> Trainer:
    """The trainer of this case."""
    keras.utils.set_random_seed(seed)
    return Trainer(
        model(),
        keras.optimizers.Adam(1e-3, epsilon=1e-8),
        np.moveaxis(arrays["image"], 1, -1),
        arrays["label"],
        case.batch,
        case.steps_per_call,
        seed=seed,
    )
