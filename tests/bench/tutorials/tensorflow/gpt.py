"""A small GPT with Keras' MultiHeadAttention, after keras.io's text generation examples."""

from __future__ import annotations

import keras
from keras import layers, ops

from tests.bench.cases import Arrays, Case
from tests.bench.tutorials.tensorflow.loop import Trainer


class TokenAndPositionEmbedding(layers.Layer):
    def __init__(self, vocab: int, context: int, width: int) -> None:
        super().__init__()
        self.token = layers.Embedding(vocab, width)
        self.position = layers.Embedding(context, width)

    def call(self, tokens: keras.KerasTensor) -> keras.KerasTensor:
        return self.token(tokens) + self.position(ops.arange(ops.shape(tokens)[-1]))


class Block(layers.Layer):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = layers.LayerNormalization(epsilon=1e-5)
        self.attention = layers.MultiHeadAttention(heads, width // heads)
        self.norm2 = layers.LayerNormalization(epsilon=1e-5)
        self.mlp = keras.Sequential(
            [layers.Dense(4 * width), layers.Activation(self.gelu), layers.Dense(width)]
        )

    @staticmethod
    def gelu(x: keras.KerasTensor) -> keras.KerasTensor:
        return ops.gelu(x, approximate=True)

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        y = self.norm1(x)
        x = x + self.attention(y, y, use_causal_mask=True)
        return x + self.mlp(self.norm2(x))


def build(case: Case, arrays: Arrays, seed: int) -> Trainer:
    """The trainer of this case."""
    keras.utils.set_random_seed(seed)
    tokens = keras.Input((128,), dtype="int32")
    x = TokenAndPositionEmbedding(256, 128, 128)(tokens)
    for _ in range(4):
        x = Block(128, 4)(x)
    x = layers.LayerNormalization(epsilon=1e-5)(x)
    model = keras.Model(tokens, layers.Dense(256, use_bias=False)(x))
    optimizer = keras.optimizers.AdamW(
        3e-4, weight_decay=0.1, beta_1=0.9, beta_2=0.95, global_clipnorm=1.0
    )
    return Trainer(model, optimizer, arrays["tokens"], arrays["following"], case.batch)
