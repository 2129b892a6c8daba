"""Net.

Generated from mixtures_that_differ.msl by MSL 0.1.0 for TensorFlow. Needs tensorflow.
196 parameters | 468 MACs forward per sample
msl: sha256=cf52185d05f6501f30a205a4cd5340b3
"""

import math

import keras
import tensorflow as tf
from keras import layers


def uniform(fan_in):
    """Uniform in +-1/sqrt(fan_in), which keeps the scale of activations; a new one at each call."""
    bound = 1 / math.sqrt(fan_in)
    return keras.initializers.RandomUniform(-bound, bound)


def dense(fan_in, units, **options):
    """A linear map that starts uniform in +-1/sqrt(fan_in)."""
    bound = 1 / math.sqrt(fan_in)
    kernel, bias = (keras.initializers.RandomUniform(-bound, bound) for _ in range(2))
    return layers.Dense(units, kernel_initializer=kernel, bias_initializer=bias, **options)


class ExpertDense(layers.Layer):
    """A linear map for each expert."""

    def __init__(self, experts, units, bias=False, **kwargs):
        super().__init__(**kwargs)
        self.experts = experts
        self.units = units
        self.use_bias = bias

    def build(self, x_shape, counts_shape):
        fan_in = x_shape[-1]
        self.kernel = self.add_weight(
            (self.experts, fan_in, self.units), uniform(fan_in), name="kernel"
        )
        if self.use_bias:
            self.bias = self.add_weight((self.experts, self.units), uniform(fan_in), name="bias")

    def call(self, x, counts):  # [N, in], of which each expert takes the next counts[i] rows
        parts = tf.split(x, counts, num=self.experts)
        parts = [tf.matmul(*pair) for pair in zip(parts, keras.ops.unstack(self.kernel))]
        if self.use_bias:
            parts = [part + bias for part, bias in zip(parts, keras.ops.unstack(self.bias))]
        return tf.concat(parts, 0)  # [N, units]


class SharedExpert(layers.Layer):
    """A feed-forward network that every token goes through."""

    def __init__(self, width, hidden, **kwargs):
        super().__init__(**kwargs)
        self.gate = dense(width, hidden, use_bias=False, name="gate")
        self.up = dense(width, hidden, use_bias=False, name="up")
        self.down = dense(hidden, width, use_bias=False, name="down")

    def call(self, x):  # [N, width]
        return self.down(keras.ops.silu(self.gate(x)) * self.up(x))  # [N, width]


class MixtureOfExperts(layers.Layer):
    """Networks of which each token runs the `top_k` best for it (Shazeer et al. 2017)."""

    def __init__(
        self,
        width,
        experts,
        top_k,
        hidden,
        act=keras.ops.silu,
        gated=True,
        bias=False,
        normalize=True,
        shared_hidden=0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.experts = experts
        self.top_k = top_k
        self.act = act
        self.normalize = normalize
        self.router = dense(width, experts, use_bias=False, name="router")
        self.gate = ExpertDense(experts, hidden, bias, name="gate") if gated else None
        self.up = ExpertDense(experts, hidden, bias, name="up")
        self.down = ExpertDense(experts, width, bias, name="down")
        self.shared = SharedExpert(width, shared_hidden, name="shared") if shared_hidden else None

    def route(self, tokens):  # [N, width]
        """The weights and the numbers of the experts that each token runs."""
        logits = self.router(tokens)
        logits = keras.ops.cast(logits, keras.backend.result_type(logits.dtype, "float32"))
        scores = keras.ops.softmax(logits)  # [N, experts]
        weights, chosen = tf.math.top_k(scores, self.top_k)  # equal scores in the experts' order
        if self.normalize:
            weights /= keras.ops.sum(weights, axis=-1, keepdims=True)
        return weights, chosen  # [N, top_k]

    def call(self, x):  # [.., width]
        tokens = keras.ops.reshape(x, (-1, x.shape[-1]))  # [N, width]
        weights, chosen = self.route(tokens)
        chosen = keras.ops.reshape(chosen, (-1,))
        order = tf.argsort(chosen)  # brings together what an expert runs
        counts = tf.math.bincount(chosen, minlength=self.experts)
        rows = tf.gather(tokens, order // self.top_k)  # [N * top_k, width]
        h = self.up(rows, counts)
        h = self.act(h) if self.gate is None else self.act(self.gate(rows, counts)) * h
        h = tf.gather(self.down(h, counts), tf.argsort(order))  # in the order of the tokens again
        h = keras.ops.reshape(h, (-1, self.top_k, x.shape[-1]))
        y = keras.ops.sum(keras.ops.cast(h, weights.dtype) * weights[..., None], axis=1)
        y = keras.ops.cast(y, x.dtype)  # [N, width]
        if self.shared is not None:
            y += self.shared(tokens)
        return keras.ops.reshape(y, keras.ops.shape(x))


# A shared network in one, and in the other an argument that it could take.
class Net(keras.Model):
    def __init__(self):
        x = keras.Input((3, 4), name="x")  # [B, 3, 4]
        y = MixtureOfExperts(4, 2, 2, 3, shared_hidden=3, name="mixture_of_experts")(x)  # [B, 3, 4]
        y = MixtureOfExperts(
            4,
            2,
            1,
            3,
            act=keras.ops.relu,
            gated=False,
            bias=True,
            normalize=False,
            name="mixture_of_experts_2",
        )(y)
        y = dense(4, 2, name="y")(y)  # [B, 3, 2]
        super().__init__(inputs=x, outputs=y, name="Net")


def build_model():
    return Net()
