"""Tables of vectors, from their formulas."""

from __future__ import annotations

from typing import Any

import numpy as np

from backends.reference import Mode, reference
from dsl.layers.embedding import Embedding, PositionEmbedding, SinusoidalPosition


@reference(Embedding)
def embedding(
    layer: Embedding, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``y = W[x]``: the product of one-hot rows with the table (Bengio et al. 2003, section 2)."""
    one_hot = np.equal(inputs[0][..., None], np.arange(layer.num_embeddings))
    return one_hot.astype(np.float64) @ weights["weight"]


@reference(PositionEmbedding)
def position_embedding(
    layer: PositionEmbedding, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """``y_t = x_t + W[t]`` (Gehring et al. 2017, section 3.1)."""
    (x,) = inputs
    return np.stack([x[..., t, :] + weights["weight"][t] for t in range(x.shape[-2])], axis=-2)


@reference(SinusoidalPosition)
def sinusoidal_position(
    layer: SinusoidalPosition, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray:
    """Sines on even features, cosines on odd ones (Vaswani et al. 2017, section 3.5)."""
    y = np.array(inputs[0])
    time, features = y.shape[-2:]
    for pos in range(time):
        for column in range(features):
            angle = pos / layer.base ** (column // 2 * 2 / features)
            y[..., pos, column] += np.cos(angle) if column % 2 else np.sin(angle)
    return y
