"""Net.

Generated from rows_with_index.msl by MSL 0.1.0 for TensorFlow. Needs tensorflow.
74,954 parameters | 7,875,168 MACs forward per sample
msl: sha256=e1a4bff3b14b8f1b686b3e8efd490ba6
"""

import math

import keras
import tensorflow as tf
from keras import layers

# Loops over rows with an index, and lists that are sliced and joined.
# also: first=24
BASE = (16, 32)


def uniform(fan_in):
    """Uniform in +-1/sqrt(fan_in), which keeps the scale of activations; a new one at each call."""
    bound = 1 / math.sqrt(fan_in)
    return keras.initializers.RandomUniform(-bound, bound)


class BatchNorm(layers.Layer):
    """Batch normalization of the last axis; its running variance is unbiased."""

    def build(self, input_shape):
        def vector(name, start, **options):
            return self.add_weight(input_shape[-1:], start, name=name, autocast=False, **options)

        self.gamma = vector("gamma", "ones")
        self.beta = vector("beta", "zeros")
        self.moving_mean = vector("moving_mean", "zeros", trainable=False)
        self.moving_variance = vector("moving_variance", "ones", trainable=False)

    def call(self, x, training=False):  # [B, .., C]
        if not training:
            return self.scaled(x, self.moving_mean, self.moving_variance)
        if self.variable_dtype == "float64":  # which the fused kernel does not take
            mean, variance = keras.ops.moments(x, list(range(len(x.shape) - 1)))  # [C], [C]
            y = self.scaled(x, mean, variance)
            n = keras.ops.cast(keras.ops.size(x) // x.shape[-1], x.dtype)
            variance = variance * n / keras.ops.maximum(n - 1, 1)
        else:
            gamma, beta = self.gamma.value, self.beta.value
            y = keras.ops.reshape(x, (keras.ops.shape(x)[0], -1, 1, x.shape[-1]))
            y, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
                x=y, scale=gamma, offset=beta, mean=[], variance=[], epsilon=1e-5
            )
            y = keras.ops.reshape(y, keras.ops.shape(x))
        for running, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            running.assign(running + 0.1 * (batch - running))
        return y

    def scaled(self, x, mean, variance):  # [B, .., C], [C], [C]
        """Each channel to mean 0 and variance 1, then scaled and moved as learned."""
        x = keras.ops.cast(x, self.variable_dtype)
        y = keras.ops.batch_normalization(x, mean, variance, -1, self.beta, self.gamma, 1e-5)
        return keras.ops.cast(y, self.compute_dtype)


def dense(fan_in, units, **options):
    """A linear map that starts uniform in +-1/sqrt(fan_in)."""
    bound = 1 / math.sqrt(fan_in)
    kernel, bias = (keras.initializers.RandomUniform(-bound, bound) for _ in range(2))
    return layers.Dense(units, kernel_initializer=kernel, bias_initializer=bias, **options)


class Unit(layers.Layer):
    def __init__(self, in_channels, width, stride=1, **kwargs):
        super().__init__(**kwargs)
        self.conv2d = layers.Conv2D(
            width,
            3,
            strides=stride,
            use_bias=False,
            kernel_initializer=uniform(in_channels * 9),
            name="conv2d",
        )
        self.batch_norm = BatchNorm(name="batch_norm")

    def call(self, x):  # [B, H, W, in_channels]
        x = self.conv2d(keras.ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))))  # [B, H, W, width]
        return keras.ops.relu(self.batch_norm(x))  # [B, H, W, width]


class Stack(layers.Layer):
    def __init__(self, in_channels, widths, first, **kwargs):
        super().__init__(**kwargs)
        in_channels_2 = in_channels
        rounds = []
        for i, w in enumerate(widths + (first,) * 2):
            rounds.append(Unit(in_channels_2, w, stride=1 if i > 0 else 2, name=f"unit.{i}"))
            in_channels_2 = w
        self.unit = rounds
        in_channels_3 = in_channels_2
        rounds = []
        for i, w in enumerate(widths[1:]):
            rounds.append(Unit(in_channels_3, w, name=f"unit_2.{i}"))
            in_channels_3 = w
        self.unit_2 = rounds

    def call(self, x):
        for layer in self.unit:
            x = layer(x)
        for layer in self.unit_2:
            x = layer(x)
        return x


class Net(keras.Model):
    """Channels last: image is [3, 16, 16] in the spec, [B, 16, 16, 3] here."""

    def __init__(self, first=16):
        image = keras.Input((16, 16, 3), name="image")  # [B, 16, 16, 3]
        in_channels = 3
        image_2 = image
        for stage, (w, _, _) in enumerate(((16, 1, 3), (32, 2, 4), (24, 1, 5))):
            image_2 = Unit(in_channels, w + stage, name=f"unit.{stage}")(image_2)
            in_channels = w + stage
        in_channels_2 = in_channels
        for i, (_, _, w) in enumerate(((1, 2, 16), (2, 3, 24))):
            image_2 = Unit(in_channels_2, w, name=f"unit_2.{i}")(image_2)  # [B, 16, 16, w]
            in_channels_2 = w
        in_channels_3 = in_channels_2
        for i, (w, _) in enumerate(((8, 1), (12, 2))):
            image_2 = Unit(in_channels_3, w, name=f"unit_3.{i}")(image_2)  # [B, 16, 16, w]
            in_channels_3 = w
        x = Stack(in_channels_3, (first, 12) + BASE[::-1], first=16, name="stack.")(image_2)
        x = Stack(16, BASE[:-1] + (48,), first=first, name="stack_2.")(x)  # [B, 4, 4, 48]
        for i, slope in enumerate((0.5, 2.0)):
            if i == 0:
                x = keras.ops.leaky_relu(x, negative_slope=slope)  # [B, 4, 4, 48]
            else:
                x = keras.ops.elu(x, alpha=slope)  # [B, 4, 4, 48]
        x = keras.ops.mean(x, axis=(1, 2))  # [B, 48]
        y = dense(48, len(BASE[-1:]) + 1, name="y")(x)  # [B, 2]
        super().__init__(inputs=image, outputs=y, name="Net")


def build_model():
    return Net()
