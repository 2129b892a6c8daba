"""A small convolution net as a Sequential."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from tests.bench.cases import Arrays, Case
from tests.bench.tutorials.tensorflow.loop import Trainer


def build(case: Case, arrays: Arrays, seed: int) -> Trainer:
    """The trainer of this case."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(100, activation="relu"),
            layers.Dense(10),
        ]
    )
    optimizer = keras.optimizers.Adam(0.001)
    image = np.moveaxis(arrays["image"], 1, -1)
    return Trainer(model, optimizer, image, arrays["label"], case.batch)
