"""The training loop that the TensorFlow experts share: many steps in one call of one graph."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf


class Trainer:
    """Trains a model on tensors held in memory, gathered inside the graph."""

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        inputs: np.ndarray,
        targets: np.ndarray,
        batch: int,
        steps_per_call: int,
        clip: float | None = None,
        seed: int = 0,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.inputs = tf.constant(inputs)
        self.targets = tf.constant(targets)
        self.batch = batch
        self.steps_per_call = steps_per_call
        self.clip = clip
        self.parameters = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
        self.orders = self.shuffled(np.random.default_rng(seed))
        optimizer.build(model.trainable_variables)
        self.call = tf.function(self.steps)

    def shuffled(self, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Row numbers of one call after another, without end."""
        size = self.batch * self.steps_per_call
        while True:
            order = rng.permutation(len(self.targets)).astype(np.int32)
            yield from order[: len(order) // size * size].reshape(-1, size)

    def steps(self, order: tf.Tensor) -> tf.Tensor:
        """Takes ``steps_per_call`` steps; returns their mean loss."""
        variables = self.model.trainable_variables
        total = tf.zeros(())
        for step in tf.range(self.steps_per_call):
            rows = order[step * self.batch : (step + 1) * self.batch]
            with tf.GradientTape() as tape:
                logits = self.model(tf.gather(self.inputs, rows), training=True)
                loss = tf.reduce_mean(
                    tf.nn.sparse_softmax_cross_entropy_with_logits(
                        tf.gather(self.targets, rows), logits
                    )
                )
            gradients = tape.gradient(loss, variables)
            if self.clip is not None:
                gradients, _ = tf.clip_by_global_norm(gradients, self.clip)
            self.optimizer.apply(gradients, variables)
            total += loss
        return total / self.steps_per_call

    def run(self, steps: int) -> float:
        """Trains for ``steps`` steps; returns their mean loss."""
        calls = steps // self.steps_per_call
        losses = [self.call(tf.constant(next(self.orders))) for _ in range(calls)]
        return float(tf.reduce_mean(losses))
