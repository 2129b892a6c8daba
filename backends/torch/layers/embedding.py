"""Tables of vectors in PyTorch."""

from __future__ import annotations

from backends.base import Emission, Raw, Site
from backends.torch.layers import TORCH
from backends.torch.layers.parameter import initialized
from dsl.layers.embedding import Embedding, PositionEmbedding, SinusoidalPosition


@TORCH.emits(Embedding)
def embedding(layer: Embedding, site: Site) -> Emission:
    """`nn.Embedding`; a tied one looks up in the other layer's weight."""
    if layer.tie:
        parts = Raw(site.x[0]), Raw(site.tied)
        return Emission(site.call_forward("F.embedding", *parts, padding_idx=layer.padding_idx))
    sizes = layer.num_embeddings, layer.embedding_dim
    module = site.call("nn.Embedding", *sizes, padding_idx=layer.padding_idx)
    return Emission(f"{site.self}({site.x[0]})", initialized(site, module, layer.init))


@TORCH.emits(PositionEmbedding)
def position_embedding(layer: PositionEmbedding, site: Site) -> Emission:
    """A module of its own, for PyTorch has none."""
    helper = site.helper("PositionEmbedding")
    module = site.call(helper, layer.length, site.type.shape[-1])
    return Emission(f"{site.self}({site.x[0]})", module)


@TORCH.emits(SinusoidalPosition)
def sinusoidal_position(layer: SinusoidalPosition, site: Site) -> Emission:
    """A function that computes the waves for the sequence at hand."""
    helper = site.helper("sinusoidal_position")
    return Emission(site.call_forward(helper, Raw(site.x[0]), layer.base))
