"""Net.

Generated from layer_arguments.msl by MSL 0.1.0 for TensorFlow. Needs tensorflow.
329 parameters | 720 MACs forward per sample
msl: sha256=3254877de0b1a65835ac19462db9fdc1
"""

import math

import keras
from keras import layers


def dense(fan_in, units, **options):
    """A linear map that starts uniform in +-1/sqrt(fan_in)."""
    bound = 1 / math.sqrt(fan_in)
    kernel, bias = (keras.initializers.RandomUniform(-bound, bound) for _ in range(2))
    return layers.Dense(units, kernel_initializer=kernel, bias_initializer=bias, **options)


class Ff(layers.Layer):
    def __init__(self, in_features, width, act=keras.ops.relu, **kwargs):
        super().__init__(**kwargs)
        self.act = act
        self.layer_norm = layers.LayerNormalization(epsilon=1e-5, name="layer_norm")
        self.linear = dense(in_features, width, name="linear")
        self.linear_2 = dense(width, in_features, name="linear_2")

    def call(self, x):  # [B, 3, 4]
        return self.linear_2(self.act(self.linear(self.layer_norm(x))))  # [B, 3, 4]


class Ff2(layers.Layer):
    def __init__(self, in_features, width, **kwargs):
        super().__init__(**kwargs)
        self.rms_norm = layers.RMSNormalization(epsilon=1e-6, name="rms_norm")
        self.linear = dense(in_features, width, name="linear")
        self.linear_2 = dense(width, in_features, name="linear_2")

    def call(self, x):  # [B, 3, 4]
        x = self.linear(self.rms_norm(x))  # [B, 3, 6]
        return self.linear_2(keras.ops.gelu(x, approximate=False))  # [B, 3, 4]


class Wide(layers.Layer):
    def __init__(self, in_features, **kwargs):
        super().__init__(**kwargs)
        self.linear = dense(in_features, 4, name="linear")

    def call(self, x):  # [B, 3, 4]
        return x + self.linear(x)  # [B, 3, 4]


class Wide2(layers.Layer):
    def __init__(self, in_features, **kwargs):
        super().__init__(**kwargs)
        self.ff = Ff(in_features, 3, act=keras.ops.silu, name="ff")

    def call(self, x):  # [B, 3, 4]
        return x + self.ff(x)  # [B, 3, 4]


class Net(keras.Model):
    def __init__(self):
        x = keras.Input((3, 4), name="x")  # [B, 3, 4]
        y = Ff(4, 5, name="ff")(x)  # [B, 3, 4]
        y = Ff(4, 6, act=keras.ops.tanh, name="ff_2")(y)  # [B, 3, 4]
        y = Ff2(4, 6, name="ff_3")(y)  # [B, 3, 4]
        y = Ff(4, 7, act=lambda x: keras.ops.leaky_relu(x, negative_slope=0.2), name="ff_4")(y)
        y = Wide(4, name="wide")(y)  # [B, 3, 4]
        y = Wide2(4, name="wide_2")(y)  # [B, 3, 4]
        y = dense(4, 2, name="y")(y)  # [B, 3, 2]
        super().__init__(inputs=x, outputs=y, name="Net")


def build_model():
    return Net()
