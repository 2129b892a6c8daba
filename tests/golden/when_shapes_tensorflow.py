"""Net.

Generated from when_shapes.msl by MSL 0.1.0 for TensorFlow. Needs tensorflow.
123 parameters | 94 MACs forward per sample
msl: sha256=5ef94f47daf54f894a6aa1ad0dff37f3
"""

import math

import keras
from keras import layers


def dense(fan_in, units, **options):
    """A linear map that starts uniform in +-1/sqrt(fan_in)."""
    bound = 1 / math.sqrt(fan_in)
    kernel, bias = (keras.initializers.RandomUniform(-bound, bound) for _ in range(2))
    return layers.Dense(units, kernel_initializer=kernel, bias_initializer=bias, **options)


# also: norm=false
# also: kind="c"
# also: deep=2
class Net(keras.Model):
    def __init__(self):
        x = keras.Input((6,), name="x")  # [B, 6]
        y = dense(6, 6, name="linear")(x)  # [B, 6]
        y = layers.LayerNormalization(epsilon=1e-5, name="layer_norm")(y)  # [B, 6]
        y = dense(6, 5, name="linear_2")(y)  # [B, 5]
        y = keras.ops.tanh(y)  # [B, 5]
        y = keras.ops.tanh(dense(5, 4, name="h.linear")(y))  # [B, 4]
        y = dense(4, 2, name="y")(y)  # [B, 2]
        super().__init__(inputs=x, outputs=y, name="Net")


def build_model():
    return Net()
