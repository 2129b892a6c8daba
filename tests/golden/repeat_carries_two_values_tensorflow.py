"""Net.

Generated from repeat_carries_two_values.msl by MSL 0.1.0 for TensorFlow. Needs tensorflow.
60 parameters | 48 MACs forward per sample
msl: sha256=11031cc385bdde624713fe9105ed12d4
"""

import math

import keras
from keras import layers


def dense(fan_in, units, **options):
    """A linear map that starts uniform in +-1/sqrt(fan_in)."""
    bound = 1 / math.sqrt(fan_in)
    kernel, bias = (keras.initializers.RandomUniform(-bound, bound) for _ in range(2))
    return layers.Dense(units, kernel_initializer=kernel, bias_initializer=bias, **options)


class Swap(layers.Layer):
    def __init__(self, q_features, **kwargs):
        super().__init__(**kwargs)
        self.left = dense(q_features, 4, name="left")

    def call(self, p, q):  # [B, 4], [B, 4]
        left = self.left(q)  # [B, 4]
        right = keras.ops.tanh(p)  # [B, 4]
        return left, right  # [B, 4], [B, 4]


class Net(keras.Model):
    def __init__(self):
        a = keras.Input((4,), name="a")  # [B, 4]
        b = keras.Input((4,), name="b")  # [B, 4]
        a_2 = a
        b_2 = b
        for i in range(3):
            a_2, b_2 = Swap(4, name=f"u_v.{i}")(a_2, b_2)  # [B, 4], [B, 4]
        y = a_2 - b_2  # [B, 4]
        super().__init__(inputs=[a, b], outputs=y, name="Net")


def build_model():
    return Net()
