"""The loop of introductory TensorFlow tutorials: tf.data and a GradientTape, run eagerly."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf


class Trainer:
    """Trains step by step and reads the loss back at every step."""

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        inputs: np.ndarray,
        targets: np.ndarray,
        batch: int,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        dataset = tf.data.Dataset.from_tensor_slices((inputs, targets))
        self.batches = iter(dataset.shuffle(1024).batch(batch).repeat())
        self.parameters = sum(int(np.prod(v.shape)) for v in model.trainable_weights)

    def step(self, inputs: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        """One step; returns its loss."""
        with tf.GradientTape() as tape:
            loss = self.loss(targets, self.model(inputs, training=True))
        gradients = tape.gradient(loss, self.model.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.model.trainable_weights, strict=True))
        return loss

    def run(self, steps: int) -> float:
        """Trains for ``steps`` steps; returns their mean loss."""
        return sum(float(self.step(*next(self.batches))) for _ in range(steps)) / steps
