"""A recurrent classifier as a Sequential."""

from __future__ import annotations

import keras
from keras import layers

from tests.bench.cases import Arrays, Case
from tests.bench.tutorials.tensorflow.loop import Trainer


def build(case: Case, arrays: Arrays, seed: int) -> Trainer:
    """The trainer of this case."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((64, 64)), layers.LSTM(128), layers.Dense(10)])
    optimizer = keras.optimizers.Adam(0.001)
    return Trainer(model, optimizer, arrays["sequence"], arrays["label"], case.batch)
