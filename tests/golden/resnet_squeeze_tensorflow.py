"""ResNet: A residual net for small images, of blocks that another file holds. A model alone: it
checks, costs and compiles to a module, to be trained by code of your own.

Generated from resnet_squeeze.msl by MSL 0.1.0 for TensorFlow. Needs tensorflow.
279,194 parameters | 40,819,520 MACs forward per sample
msl: sha256=bfac934e3eca93b96386586e880d7f98
"""

import math

import keras
import tensorflow as tf
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


# Weighs each channel by what both poolings of the whole image say about it
# (Hu et al. 2018, arXiv:1709.01507; Woo et al. 2018, arXiv:1807.06521).
class SqueezeExcite(layers.Layer):
    def __init__(self, in_channels, reduction=8, **kwargs):
        super().__init__(**kwargs)
        self.in_channels = in_channels
        self.linear = dense(2 * in_channels, max(in_channels // reduction, 4), name="linear")
        self.linear_2 = dense(max(in_channels // reduction, 4), in_channels, name="linear_2")

    def call(self, x):  # [B, H, W, in_channels]
        y = keras.ops.mean(x, axis=(1, 2))  # [B, in_channels]
        z = keras.ops.max(x, axis=(1, 2))  # [B, in_channels]
        y = keras.ops.concatenate([y, z], axis=-1)  # [B, 2 * in_channels]
        y = keras.ops.relu(self.linear(y))  # [B, D]
        y = keras.ops.sigmoid(self.linear_2(y))  # [B, in_channels]
        weights = keras.ops.transpose(
            keras.ops.reshape(y, (-1, self.in_channels, 1, 1)), (0, 2, 3, 1)
        )
        return x * weights  # [B, H, W, in_channels]


class Unit(layers.Layer):
    def __init__(self, in_channels, channels, stride=1, **kwargs):
        super().__init__(**kwargs)
        self.has_shortcut = stride != 1 or in_channels != channels
        self.conv2d = layers.Conv2D(
            channels,
            3,
            strides=stride,
            use_bias=False,
            kernel_initializer=uniform(in_channels * 9),
            name="conv2d",
        )
        self.batch_norm = BatchNorm(name="batch_norm")
        self.conv2d_2 = layers.Conv2D(
            channels,
            3,
            padding="same",
            use_bias=False,
            kernel_initializer=uniform(channels * 9),
            name="conv2d_2",
        )
        self.batch_norm_2 = BatchNorm(name="batch_norm_2")
        self.squeeze_excite = SqueezeExcite(channels, name="squeeze_excite")
        if self.has_shortcut:
            self.shortcut_conv2d = layers.Conv2D(
                channels,
                1,
                strides=stride,
                use_bias=False,
                kernel_initializer=uniform(in_channels),
                name="shortcut.conv2d",
            )
            self.shortcut_batch_norm = BatchNorm(name="shortcut.batch_norm")

    def call(self, x):  # [B, H, W, in_channels]
        y = self.conv2d(keras.ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))))  # [B, H, W, channels]
        y = keras.ops.relu(self.batch_norm(y))  # [B, H, W, channels]
        y = self.batch_norm_2(self.conv2d_2(y))  # [B, H, W, channels]
        y = self.squeeze_excite(y)  # [B, H, W, channels]
        if self.has_shortcut:
            x = self.shortcut_batch_norm(self.shortcut_conv2d(x))  # [B, H, W, channels]
        x = x + y  # [B, H, W, channels]
        return keras.ops.relu(x)  # [B, H, W, channels]


class Stage(layers.Layer):
    def __init__(self, in_channels, units, channels, stride, **kwargs):
        super().__init__(**kwargs)
        self.unit = Unit(in_channels, channels, stride=stride, name="unit")
        self.unit_2 = [Unit(channels, channels, name=f"unit_2.{i}") for i in range(units - 1)]

    def call(self, x):  # [B, H, W, in_channels]
        x = self.unit(x)  # [B, H, W, channels]
        for layer in self.unit_2:
            x = layer(x)  # [B, H, W, channels]
        return x  # [B, H, W, channels]


class ResNet(keras.Model):
    """Channels last: image is [3, 32, 32] in the spec, [B, 32, 32, 3] here."""

    def __init__(self, depth=3, width=16, classes=10):
        image = keras.Input((32, 32, 3), name="image")  # [B, 32, 32, 3]
        x = layers.Conv2D(
            width, 3, padding="same", use_bias=False, kernel_initializer=uniform(27), name="conv2d"
        )(image)
        x = keras.ops.relu(BatchNorm(name="batch_norm")(x))  # [B, 32, 32, 16]
        in_channels = width
        for i, (factor, stride) in enumerate(((1, 1), (2, 2), (4, 2))):
            x = Stage(
                in_channels, depth, channels=factor * width, stride=stride, name=f"stage.{i}"
            )(x)
            in_channels = factor * width
        x = keras.ops.mean(x, axis=(1, 2))  # [B, 64]
        label = dense(in_channels, classes, name="label")(x)  # [B, 10]
        super().__init__(inputs=image, outputs=label, name="ResNet")


def build_model():
    return ResNet()
