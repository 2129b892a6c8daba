"""Net.

Generated from choices_in_loops.msl by MSL 0.1.0 for TensorFlow. Needs tensorflow.
15,164 parameters | 817,472 MACs forward per sample
msl: sha256=3dc4d4e9196d8fa4007f11c70c550bb8
"""

import math

import keras
import tensorflow as tf
from keras import layers

ROWS = (
    (1, 8, 1, False, keras.ops.relu),
    (3, 12, 2, True, lambda x: keras.ops.leaky_relu(x, negative_slope=0.2)),
    (2, 12, 1, False, keras.ops.hard_silu),
    (2, 12, 1, True, keras.activations.linear),
)
DEPTHS = (2, 1)


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


# One class each: choices that change sizes, layers as arguments, lists as arguments, sizes
# that loops carry crosswise.
# also: width=12
# only: lean=true
class Unit(layers.Layer):
    def __init__(
        self,
        in_channels,
        channels,
        kernel=(1, 1),
        stride=1,
        same=True,
        act=keras.ops.relu,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.kernel = kernel
        self.same = same
        self.act = act
        self.conv2d = layers.Conv2D(
            channels,
            kernel,
            strides=stride,
            use_bias=False,
            kernel_initializer=uniform(in_channels * kernel[0] * kernel[1]),
            name="conv2d",
        )
        self.batch_norm = BatchNorm(name="batch_norm")

    def call(self, x):  # [B, H, W, in_channels]
        x = self.conv2d(
            keras.ops.pad(
                x,
                (
                    (0, 0),
                    (
                        self.kernel[0] // 2 if self.same else 0,
                        self.kernel[0] // 2 if self.same else 0,
                    ),
                    (
                        self.kernel[1] // 2 if self.same else 0,
                        self.kernel[1] // 2 if self.same else 0,
                    ),
                    (0, 0),
                ),
            )
        )
        return self.act(self.batch_norm(x))  # [B, H, W, channels]


class Inverted(layers.Layer):
    def __init__(self, in_channels, expansion, channels, stride, squeeze, act, **kwargs):
        super().__init__(**kwargs)
        self.has_unit = expansion != 1
        self.is_residual = stride == 1 and in_channels == channels
        if self.has_unit:
            self.unit = Unit(in_channels, expansion * in_channels, act=act, name="unit")
        self.unit_2 = Unit(
            expansion * in_channels,
            in_channels // 2 if squeeze else in_channels,
            kernel=(3, 3),
            stride=stride,
            act=act,
            name="unit_2",
        )
        self.unit_3 = Unit(
            in_channels // 2 if squeeze else in_channels,
            channels,
            act=keras.activations.linear,
            name="unit_3",
        )

    def call(self, x):  # [B, H, W, in_channels]
        y = self.unit(x) if self.has_unit else x
        y = self.unit_2(y)  # [B, H, W, C]
        y = self.unit_3(y)  # [B, H, W, channels]
        if self.is_residual:
            y = x + y  # [B, H, W, channels]
        return y  # [B, H, W, channels]


# Gives the value before at the size of the last one.
class Fit(layers.Layer):
    def __init__(self, in_channels, channels, **kwargs):
        super().__init__(**kwargs)
        self.has_unit = in_channels != channels
        if self.has_unit:
            self.unit = Unit(in_channels, channels, name="unit")

    def call(self, x):  # [B, 3, 3, in_channels]
        if self.has_unit:
            x = self.unit(x)  # [B, 3, 3, 8]
        return x  # [B, 3, 3, 8]


class Cell(layers.Layer):
    def __init__(self, last_channels, before_channels, channels, **kwargs):
        super().__init__(**kwargs)
        self.b = Fit(before_channels, channels, name="b")
        self.made = Unit(last_channels, channels, kernel=(1, 3), name="made")

    def call(self, last, before):  # [B, 3, 3, last_channels], [B, 3, 3, before_channels]
        b = self.b(before)  # [B, 3, 3, 8]
        made = self.made(last) + b  # [B, 3, 3, 8]
        a = keras.ops.concatenate([made, last], axis=-1)  # [B, 3, 3, C]
        return a, last  # [B, 3, 3, C], [B, 3, 3, last_channels]


class Net(keras.Model):
    """Channels last: image is [3, 16, 16] in the spec, [B, 16, 16, 3] here."""

    def __init__(self):
        image = keras.Input((16, 16, 3), name="image")  # [B, 16, 16, 3]
        x = Unit(
            3, 8, kernel=(3, 3), act=lambda x: keras.ops.gelu(x, approximate=False), name="unit"
        )(image)
        in_channels = 8
        for i, (expansion, channels, stride, squeeze, act) in enumerate(ROWS):
            x = Inverted(
                in_channels,
                expansion,
                channels=channels,
                stride=stride,
                squeeze=squeeze,
                act=act,
                name=f"inverted.{i}",
            )(x)
            in_channels = channels
        in_channels_2 = in_channels
        for i in range(3):
            if i > 0:
                x = layers.Conv2D(
                    8 * i,
                    3,
                    padding="same",
                    kernel_initializer=uniform(in_channels_2 * 9),
                    bias_initializer=uniform(in_channels_2 * 9),
                    name=f"repeat.{i}.conv2d",
                )(x)
            else:
                x = keras.ops.tanh(x)  # [B, 8, 8, 12]
            in_channels_2 = 8 * i if i > 0 else in_channels_2
        in_channels_3 = in_channels_2
        for stage, c in enumerate((6, 10)):
            in_channels_4 = in_channels_3
            for i in range(DEPTHS[stage]):
                x = Unit(in_channels_4, c, name=f"repeat_2.{stage}.unit.{i}")(x)  # [B, 8, 8, c]
                in_channels_4 = c
            in_channels_3 = c
        x = Unit(in_channels_3, 16, kernel=(3, 3), stride=2, same=False, name="x")(x)
        y = Unit(16, 8, name="y")(x)  # [B, 3, 3, 8]
        x, y = Cell(8, 16, channels=8, name="cell")(y, x)  # [B, 3, 3, 16], [B, 3, 3, 8]
        in_channels_5 = 16
        in_channels_6 = 8
        for i in range(3):
            x, y = Cell(in_channels_5, in_channels_6, channels=8, name=f"z.{i}")(x, y)
            in_channels_5, in_channels_6 = 8 + in_channels_5, in_channels_5
        y = layers.Conv2D(
            in_channels_5,
            1,
            use_bias=False,
            kernel_initializer=uniform(in_channels_5),
            name="conv2d",
        )(x)
        x = x + BatchNorm(name="batch_norm")(y)  # [B, 3, 3, 40]
        x = keras.ops.mean(x, axis=(1, 2))  # [B, 40]
        logits = dense(in_channels_5, 4, name="logits")(x)  # [B, 4]
        super().__init__(inputs=image, outputs=logits, name="Net")


def build_model():
    return Net()
