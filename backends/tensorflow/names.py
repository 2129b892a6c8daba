"""Names of a Keras model's nodes, no two of which may be alike.

Keras calls the operations of a symbolic model after themselves: `relu`, then `relu_1`. A layer or
an input that the spec calls so would be a second one, and Keras refuses the model.
"""

from __future__ import annotations

import re
from collections.abc import Collection

OPERATIONS = frozenset(
    "abs add average_pool broadcast_to cast celu clip concatenate elu equal exp expand_dims flip"
    " gelu get_item glu hard_shrink hard_sigmoid hard_silu leaky_relu log log_sigmoid log_softmax"
    " logical_and matmul max max_pool maximum mean min minimum moveaxis multiply negative ones_like"
    " pad power relu relu6 reshape selu sigmoid silu soft_shrink softmax softplus softsign split"
    " sqrt square squeeze stack stop_gradient subtract sum swapaxes take tanh tanh_shrink threshold"
    " transpose true_divide where zeros_like".split()
)
"""What Keras calls the operations that generated models apply outside of layers."""


def layer_name(key: str) -> str:
    """The Keras name of the layer with a key; it ends in a dot where an operation may have it."""
    return f"{key}." if re.sub(r"_\d+$", "", key) in OPERATIONS else key


def input_name(name: str, layers: Collection[str]) -> str:
    """The Keras name of an input.

    Args:
        name: Its name in the spec.
        layers: The keys of the model's own layers.
    """
    while name in layers or layer_name(name) != name:
        name += "_"
    return name


def key_path(path: str) -> str:
    """The dotted path that a variable's Keras path stands for."""
    return path.replace("/", ".").replace("..", ".")
