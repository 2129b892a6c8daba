"""Net.

Generated from same_block_other_ranks.msl by MSL 0.1.0 for TensorFlow. Needs tensorflow.
70 parameters | 80 MACs forward per sample
msl: sha256=216215908854039c3c1c7fddd541b5f6
"""

import math

import keras
from keras import layers


def dense(fan_in, units, **options):
    """A linear map that starts uniform in +-1/sqrt(fan_in)."""
    bound = 1 / math.sqrt(fan_in)
    kernel, bias = (keras.initializers.RandomUniform(-bound, bound) for _ in range(2))
    return layers.Dense(units, kernel_initializer=kernel, bias_initializer=bias, **options)


class Norm(layers.Layer):
    def __init__(self, in_features, width, **kwargs):
        super().__init__(**kwargs)
        self.linear = dense(in_features, width, name="linear")
        self.layer_norm = layers.LayerNormalization(epsilon=1e-5, name="layer_norm")

    def call(self, x):  # [B, .., 4]
        return self.layer_norm(self.linear(x))  # [B, .., 5]


class Net(keras.Model):
    def __init__(self):
        x = keras.Input((4,), name="x")  # [B, 4]
        s = keras.Input((3, 4), name="s")  # [B, 3, 4]
        a = Norm(4, 5, name="a")(x)  # [B, 5]
        b = keras.ops.mean(Norm(4, 5, name="b")(s), axis=1)  # [B, 5]
        y = a + b  # [B, 5]
        super().__init__(inputs=[x, s], outputs=y, name="Net")


def build_model():
    return Net()
