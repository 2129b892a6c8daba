"""A byte-level transformer: one projection for q, k and v, attention as plain matrix products."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from tests.bench.cases import Arrays, Case
from tests.bench.experts.tensorflow.loop import Trainer


class Attention(layers.Layer):
    """Causal self-attention."""

    def __init__(self, width: int, heads: int, context: int) -> None:
        super().__init__()
        self.width, self.heads = width, heads
        self.qkv = layers.Dense(3 * width)
        self.out = layers.Dense(width)
        self.future = np.triu(np.full((context, context), -np.inf, np.float32), 1)

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.qkv.build(shape)
        self.out.build(shape)

    def call(self, x: tf.Tensor) -> tf.Tensor:  # [B, T, W]
        time, size = x.shape[1], self.width // self.heads
        qkv = tf.reshape(self.qkv(x), (-1, time, 3, self.heads, size))
        q, k, v = tf.unstack(tf.transpose(qkv, (2, 0, 3, 1, 4)))  # 3 of [B, H, T, W / H]
        scores = tf.matmul(q * size**-0.5, k, transpose_b=True)  # [B, H, T, T]
        y = tf.matmul(tf.nn.softmax(scores + self.future[:time, :time]), v)
        return self.out(tf.reshape(tf.transpose(y, (0, 2, 1, 3)), (-1, time, self.width)))


class Embed(layers.Layer):
    """Tokens and their positions."""

    def __init__(self, vocab: int, context: int, width: int) -> None:
        super().__init__()
        self.token = self.add_weight(shape=(vocab, width), initializer="normal", name="token")
        self.position = self.add_weight(
            shape=(context, width), initializer="normal", name="position"
        )

    def call(self, tokens: tf.Tensor) -> tf.Tensor:  # [B, T]
        return tf.gather(self.token, tokens) + self.position[: tokens.shape[1]]


def model(depth: int, width: int, heads: int, vocab: int, context: int) -> keras.Model:
    tokens = keras.Input((context,), dtype="int64")
    x = Embed(vocab, context, width)(tokens)  # [B, T, W]
    for _ in range(depth):
        y = layers.LayerNormalization(epsilon=1e-5)(x)
        x = layers.Add()([x, Attention(width, heads, context)(y)])
        y = layers.LayerNormalization(epsilon=1e-5)(x)
        y = layers.Dense(4 * width, activation=gelu)(y)
        x = layers.Add()([x, layers.Dense(width)(y)])
    x = layers.LayerNormalization(epsilon=1e-5)(x)
    return keras.Model(tokens, layers.Dense(vocab, use_bias=False)(x))  # [B, T, V]


def gelu(x: tf.Tensor) -> tf.Tensor:
    return tf.nn.gelu(x, approximate=True)


def build(case: Case, arrays: Arrays, seed: int) -> Trainer:
    """The trainer of this case."""
    keras.utils.set_random_seed(seed)
    network = model(depth=4, width=128, heads=4, vocab=256, context=128)
    optimizer = keras.optimizers.AdamW(
        3e-4, weight_decay=0.1, beta_1=0.9, beta_2=0.95, epsilon=1e-8
    )
    optimizer.exclude_from_weight_decay(
        [v for v in network.trainable_variables if len(v.shape) < 2]
    )
    return Trainer(
        network,
        optimizer,
        arrays["tokens"],
        arrays["following"],
        case.batch,
        case.steps_per_call,
        clip=1.0,
        seed=seed,
    )
