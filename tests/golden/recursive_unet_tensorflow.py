"""Net.

Generated from recursive_unet.msl by MSL 0.1.0 for TensorFlow. Needs tensorflow.
1,564 parameters | 22,144 MACs forward per sample
msl: sha256=8bb91823e7e03ca2e8bc0a237edd5149
"""

import math

import keras
from keras import layers


def uniform(fan_in):
    """Uniform in +-1/sqrt(fan_in), which keeps the scale of activations; a new one at each call."""
    bound = 1 / math.sqrt(fan_in)
    return keras.initializers.RandomUniform(-bound, bound)


# also: depth=1
class Level(layers.Layer):
    def __init__(self, in_channels, width, **kwargs):
        super().__init__(**kwargs)
        self.skip = layers.Conv2D(
            width,
            3,
            padding="same",
            kernel_initializer=uniform(in_channels * 9),
            bias_initializer=uniform(in_channels * 9),
            name="skip",
        )
        self.conv2d = layers.Conv2D(
            width,
            3,
            padding="same",
            kernel_initializer=uniform(width * 9),
            bias_initializer=uniform(width * 9),
            name="conv2d",
        )

    def call(self, x):  # [B, 2, 2, 4]
        skip = keras.ops.relu(self.skip(x))  # [B, 2, 2, 8]
        return self.conv2d(skip)  # [B, 2, 2, 8]


# also: depth=1
class Level2(layers.Layer):
    def __init__(self, in_channels, width, **kwargs):
        super().__init__(**kwargs)
        self.skip = layers.Conv2D(
            width,
            3,
            padding="same",
            kernel_initializer=uniform(in_channels * 9),
            bias_initializer=uniform(in_channels * 9),
            name="skip",
        )
        self.down = Level(width, width * 2, name="down")
        self.up = layers.UpSampling2D(2, name="up")
        self.conv2d = layers.Conv2D(
            width,
            3,
            padding="same",
            kernel_initializer=uniform((width + width * 2) * 9),
            bias_initializer=uniform((width + width * 2) * 9),
            name="conv2d",
        )

    def call(self, x):  # [B, 4, 4, 2]
        skip = keras.ops.relu(self.skip(x))  # [B, 4, 4, 4]
        down = self.down(keras.ops.max_pool(skip, 2))  # [B, 2, 2, 8]
        up = self.up(down)  # [B, 4, 4, 8]
        x = keras.ops.concatenate([skip, up], axis=-1)  # [B, 4, 4, 12]
        return self.conv2d(x)  # [B, 4, 4, 4]


# also: depth=1
class Level3(layers.Layer):
    def __init__(self, in_channels, width, **kwargs):
        super().__init__(**kwargs)
        self.skip = layers.Conv2D(
            width,
            3,
            padding="same",
            kernel_initializer=uniform(in_channels * 9),
            bias_initializer=uniform(in_channels * 9),
            name="skip",
        )
        self.down = Level2(width, width * 2, name="down")
        self.up = layers.UpSampling2D(2, name="up")
        self.conv2d = layers.Conv2D(
            width,
            3,
            padding="same",
            kernel_initializer=uniform((width + width * 2) * 9),
            bias_initializer=uniform((width + width * 2) * 9),
            name="conv2d",
        )

    def call(self, x):  # [B, 8, 8, 3]
        skip = keras.ops.relu(self.skip(x))  # [B, 8, 8, 2]
        down = self.down(keras.ops.max_pool(skip, 2))  # [B, 4, 4, 4]
        up = self.up(down)  # [B, 8, 8, 4]
        x = keras.ops.concatenate([skip, up], axis=-1)  # [B, 8, 8, 6]
        return self.conv2d(x)  # [B, 8, 8, 2]


class Net(keras.Model):
    """Channels last: image is [3, 8, 8] in the spec, [B, 8, 8, 3] here;
    y is [2, 8, 8] in the spec, [B, 8, 8, 2] here."""

    def __init__(self):
        image = keras.Input((8, 8, 3), name="image")  # [B, 8, 8, 3]
        x = Level3(3, 2, name="level")(image)  # [B, 8, 8, 2]
        y = layers.Conv2D(
            2, 1, kernel_initializer=uniform(2), bias_initializer=uniform(2), name="y"
        )(x)
        super().__init__(inputs=image, outputs=y, name="Net")


def build_model():
    return Net()
