"""Net.

Generated from optional_arguments.msl by MSL 0.1.0 for TensorFlow. Needs tensorflow.
16,397 parameters | 136,064 MACs forward per sample at time = 8
msl: sha256=46038b473e937f22636820427dd708d3
"""

import math

import keras
from keras import layers


def dense(fan_in, units, **options):
    """A linear map that starts uniform in +-1/sqrt(fan_in)."""
    bound = 1 / math.sqrt(fan_in)
    kernel, bias = (keras.initializers.RandomUniform(-bound, bound) for _ in range(2))
    return layers.Dense(units, kernel_initializer=kernel, bias_initializer=bias, **options)


def split_heads(x, heads, size):  # [.., T, heads * size]
    """The last dimension in equal parts, in front of the positions."""
    x = keras.ops.reshape(x, (*keras.ops.shape(x)[:-1], heads, size))
    return keras.ops.swapaxes(x, -3, -2)  # [.., heads, T, size]


def join_heads(x):  # [.., heads, T, size]
    """The heads side by side in the last dimension."""
    x = keras.ops.swapaxes(x, -3, -2)
    *front, heads, size = keras.ops.shape(x)
    return keras.ops.reshape(x, (*front, heads * size))  # [.., T, heads * size]


def attend(query, key, value, scale):  # [.., heads, T, size]
    """Scaled dot-product attention (Vaswani et al. 2017)."""
    scores = keras.ops.matmul(query * scale, keras.ops.swapaxes(key, -2, -1))  # [.., heads, T, T]
    scores = keras.ops.cast(scores, keras.backend.result_type(scores.dtype, "float32"))
    weights = keras.ops.softmax(scores)
    weights = keras.ops.cast(weights, value.dtype)
    return keras.ops.matmul(weights, value)


class Attention(layers.Layer):
    """Multi-head attention, groups of heads sharing keys and values (Ainslie et al. 2023)."""

    def __init__(self, width, heads, kv_heads=None, **kwargs):
        super().__init__(**kwargs)
        self.heads = heads
        self.kv_heads = kv_heads or heads
        self.size = width // heads
        self.scale = self.size**-0.5
        self.query = dense(width, width, name="query")
        self.key = dense(width, self.kv_heads * self.size, name="key")
        self.value = dense(width, self.kv_heads * self.size, name="value")
        self.out = dense(width, width, name="out")

    def call(self, x):  # [.., T, width]
        q = split_heads(self.query(x), self.heads, self.size)  # [.., heads, T, size]
        k = split_heads(self.key(x), self.kv_heads, self.size)
        v = split_heads(self.value(x), self.kv_heads, self.size)
        k, v = (keras.ops.repeat(t, self.heads // self.kv_heads, axis=-3) for t in (k, v))
        y = attend(q, k, v, self.scale)
        return self.out(join_heads(y))  # [.., T, width]


# Parameters that need not be given.
class Layer(layers.Layer):
    def __init__(self, in_features, heads, kv_heads=None, hidden=None, **kwargs):
        super().__init__(**kwargs)
        self.has_layer_norm = hidden is None
        self.self_attention = Attention(
            in_features, heads, kv_heads=kv_heads, name="self_attention"
        )
        self.linear = dense(
            in_features, hidden if hidden is not None else 4 * in_features, name="linear"
        )
        self.linear_2 = dense(
            hidden if hidden is not None else 4 * in_features, in_features, name="linear_2"
        )
        if self.has_layer_norm:
            self.layer_norm = layers.LayerNormalization(epsilon=1e-5, name="layer_norm")

    def call(self, x):  # [B, time, 16]
        x = x + self.self_attention(x)  # [B, time, 16]
        y = keras.ops.gelu(self.linear(x), approximate=False)  # [B, time, D]
        x = x + self.linear_2(y)  # [B, time, 16]
        if self.has_layer_norm:
            x = self.layer_norm(x)  # [B, time, 16]
        return x  # [B, time, 16]


# Parameters that need not be given.
class Layer2(layers.Layer):
    def __init__(self, in_features, heads, kv_heads=None, hidden=None, **kwargs):
        super().__init__(**kwargs)
        self.rms_norm = layers.RMSNormalization(epsilon=1e-6, name="rms_norm")
        self.self_attention = Attention(
            in_features, heads, kv_heads=kv_heads, name="self_attention"
        )
        self.linear = dense(
            in_features, hidden if hidden is not None else 4 * in_features, name="linear"
        )
        self.linear_2 = dense(
            hidden if hidden is not None else 4 * in_features, in_features, name="linear_2"
        )
        self.layer_norm = layers.LayerNormalization(epsilon=1e-5, name="layer_norm")

    def call(self, x):  # [B, time, 16]
        x = self.rms_norm(x)  # [B, time, 16]
        x = x + self.self_attention(x)  # [B, time, 16]
        y = keras.ops.gelu(self.linear(x), approximate=False)  # [B, time, 64]
        x = x + self.linear_2(y)  # [B, time, 16]
        return self.layer_norm(x)  # [B, time, 16]


class Outer(layers.Layer):
    def __init__(self, in_features, kv_heads, hidden, **kwargs):
        super().__init__(**kwargs)
        self.layer = Layer(in_features, 4, kv_heads=kv_heads, hidden=hidden, name="layer")
        self.linear = dense(in_features, 16, name="linear")

    def call(self, x):  # [B, time, 16]
        x = self.layer(x)  # [B, time, 16]
        return self.linear(x)  # [B, time, 16]


# also: kv_heads=2
# also: depth=1
class Net(keras.Model):
    def __init__(self, kv_heads=None, depth=2):
        x = keras.Input((None, 16), name="x")  # [B, time, 16]
        y = x
        for i in range(depth):
            y = Layer(16, 4, kv_heads=kv_heads, name=f"layer.{i}")(y)  # [B, time, 16]
        y = Layer(16, 4, hidden=24, name="layer_2")(y)  # [B, time, 16]
        y = Layer2(16, 4, name="layer_3")(y)  # [B, time, 16]
        y = Outer(16, None, hidden=None, name="outer")(y)  # [B, time, 16]
        y = Outer(16, 2, hidden=2, name="outer_2")(y)  # [B, time, 16]
        y = dense(16, 3, name="y")(y)  # [B, time, 3]
        super().__init__(inputs=x, outputs=y, name="Net")


def build_model():
    return Net()
