"""Net.

Generated from carried_sizes_nested.msl by MSL 0.1.0 for TensorFlow. Needs tensorflow.
1,338 parameters | 82,992 MACs forward per sample
msl: sha256=ca1d00f932971036009310e65866b72c
"""

import math

import keras
import tensorflow as tf
from keras import layers


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


class DenseRepeat(layers.Layer):
    def __init__(self, in_channels_2, growth, **kwargs):
        super().__init__(**kwargs)
        self.parallel_1_batch_norm = BatchNorm(name="parallel.1.batch_norm")
        self.parallel_1_conv2d = layers.Conv2D(
            4 * growth,
            1,
            kernel_initializer=uniform(in_channels_2),
            bias_initializer=uniform(in_channels_2),
            name="parallel.1.conv2d",
        )
        self.parallel_1_conv2d_2 = layers.Conv2D(
            growth,
            3,
            padding="same",
            kernel_initializer=uniform(4 * growth * 9),
            bias_initializer=uniform(4 * growth * 9),
            name="parallel.1.conv2d_2",
        )

    def call(self, x):  # [B, H, W, in_channels_2]
        y = keras.ops.relu(self.parallel_1_batch_norm(x))  # [B, H, W, in_channels_2]
        y = self.parallel_1_conv2d_2(self.parallel_1_conv2d(y))  # [B, H, W, 2]
        return keras.ops.concatenate([x, y], axis=-1)  # [B, H, W, C]


class Dense(layers.Layer):
    def __init__(self, in_channels, n, growth, **kwargs):
        super().__init__(**kwargs)
        in_channels_2 = in_channels
        rounds = []
        for i in range(n):
            rounds.append(DenseRepeat(in_channels_2, growth, name=f"repeat.{i}"))
            in_channels_2 = in_channels_2 + growth
        self.repeat = rounds

    def call(self, x):  # [B, H, W, in_channels]
        for layer in self.repeat:
            x = layer(x)  # [B, H, W, in_channels_2]
        return x  # [B, H, W, in_channels_2]


class Net(keras.Model):
    """Channels last: image is [4, 16, 16] in the spec, [B, 16, 16, 4] here."""

    def __init__(self, growth=2):
        image = keras.Input((16, 16, 4), name="image")  # [B, 16, 16, 4]
        in_channels = 4
        in_height = 16
        in_width = 16
        image_2 = image
        for i, n in enumerate((1, 2, 3)):
            x = Dense(in_channels, n, growth=growth, name=f"repeat.{i}.dense")(image_2)
            x = layers.Conv2D(
                in_channels // 2 + n,
                1,
                kernel_initializer=uniform(in_channels + n * growth),
                bias_initializer=uniform(in_channels + n * growth),
                name=f"repeat.{i}.conv2d",
            )(x)
            image_2 = keras.ops.average_pool(x, 2)  # [B, H, W, C]
            in_channels = in_channels // 2 + n
            in_height = in_height // 2
            in_width = in_width // 2
        x = BatchNorm(name="batch_norm")(image_2)  # [B, 2, 2, 4]
        x = keras.ops.reshape(
            keras.ops.transpose(x, (0, 3, 1, 2)), (-1, in_channels * in_height * in_width)
        )
        y = dense(in_channels * in_height * in_width, 3, name="y")(x)  # [B, 3]
        super().__init__(inputs=image, outputs=y, name="Net")


def build_model():
    return Net()
