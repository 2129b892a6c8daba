"""Net.

Generated from tie_variants.msl by MSL 0.1.0 for TensorFlow. Needs tensorflow.
110 parameters | 175 MACs forward per sample
msl: sha256=4ec733f2d5d33d405815b6503f46f4f1
"""

import math

import keras
from keras import layers


def dense(fan_in, units, **options):
    """A linear map that starts uniform in +-1/sqrt(fan_in)."""
    bound = 1 / math.sqrt(fan_in)
    kernel, bias = (keras.initializers.RandomUniform(-bound, bound) for _ in range(2))
    return layers.Dense(units, kernel_initializer=kernel, bias_initializer=bias, **options)


def uniform(fan_in):
    """Uniform in +-1/sqrt(fan_in), which keeps the scale of activations; a new one at each call."""
    bound = 1 / math.sqrt(fan_in)
    return keras.initializers.RandomUniform(-bound, bound)


class TiedDense(layers.Layer):
    """A linear map ``y = x W^T + b`` with the weight ``W`` of another layer."""

    def __init__(self, source, units, **kwargs):
        super().__init__(**kwargs)
        self.source = source
        self.units = units

    def build(self, input_shape):
        self.bias = self.add_weight((self.units,), uniform(input_shape[-1]), name="bias")

    def call(self, x):  # [.., D]
        weight = self.source.kernel
        return keras.ops.matmul(x, weight) + self.bias  # [.., units]


class Auto(layers.Layer):
    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.encoder = dense(width, width, name="encoder")
        self.again = TiedDense(self.encoder, width, name="again")

    def call(self, x):  # [B, 5]
        encoder = self.encoder(x)  # [B, 5]
        code = keras.ops.tanh(encoder)  # [B, 5]
        again = self.again(code)  # [B, 5]
        return code + again  # [B, 5]


class Net(keras.Model):
    def __init__(self):
        x = keras.Input((5,), name="x")  # [B, 5]
        y = Auto(5, name="auto")(x)  # [B, 5]
        stem_layer = dense(5, 5, name="stem")
        stem = keras.ops.relu(stem_layer(y))  # [B, 5]
        again = TiedDense(stem_layer, 5, name="again")(stem)  # [B, 5]
        core_layer = dense(5, 5, name="core")
        y = TiedDense(core_layer, 5, name="linear_2")(core_layer(again))  # [B, 5]
        y = TiedDense(stem_layer, 5, name="y")(y)  # [B, 5]
        super().__init__(inputs=x, outputs=y, name="Net")


def build_model():
    return Net()
