"""Tables of vectors in Keras."""

from __future__ import annotations

from backends.base import Emission, KerasWeight, Raw, Site
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.layers.parameter import initializer
from backends.tensorflow.layout import to_meaning, to_storage
from dsl.layers.embedding import Embedding, PositionEmbedding, SinusoidalPosition


@TENSORFLOW.emits(Embedding)
def embedding(layer: Embedding, site: Site) -> Emission:
    """`layers.Embedding`, started as in PyTorch; a tied one looks up in the other's weight."""
    x = to_meaning(site.x[0] or "", site.type)
    call = to_storage(f"{site.self}({x})", site.outputs[0])
    if layer.tie:
        return Emission(call, _tied(layer, site))
    sizes = layer.num_embeddings, layer.embedding_dim
    start = initializer(site, layer.weights(site.type)[0].init)
    if layer.padding_idx is None:
        module = site.call(
            "layers.Embedding", *sizes, embeddings_initializer=start, name=Raw(site.name)
        )
    else:
        table = None if layer.init is None else start
        helper = site.helper("PaddedEmbedding", table=table is not None)
        module = site.call(helper, *sizes, layer.padding_idx, table=table, name=Raw(site.name))
    return Emission(call, module, (KerasWeight("embeddings", ("weight",)),))


def _tied(layer: Embedding, site: Site) -> str:
    """Code of a layer that keeps the other one at hand, so that both uses train the weight."""
    source, _, variable = site.tied.rpartition(".")
    padding = layer.padding_idx is not None
    helper = site.helper("TiedEmbedding", padding=padding, **{variable: True})
    return site.call(helper, Raw(source), padding_idx=layer.padding_idx, name=Raw(site.name))


@TENSORFLOW.emits(PositionEmbedding)
def position_embedding(layer: PositionEmbedding, site: Site) -> Emission:
    """A layer of its own, for Keras has none."""
    module = site.call(site.helper("PositionEmbedding"), layer.length, name=Raw(site.name))
    return Emission(_applied(site), module, (KerasWeight("embeddings", ("weight",)),))


@TENSORFLOW.emits(SinusoidalPosition)
def sinusoidal_position(layer: SinusoidalPosition, site: Site) -> Emission:
    """A layer without weights, since the length may be known only when the model runs."""
    helper = site.helper("SinusoidalPosition")
    return Emission(_applied(site), site.call(helper, layer.base, name=Raw(site.name)))


def _applied(site: Site) -> str:
    """The layer on ``[.., time, features]``, whatever way that is stored."""
    x = to_meaning(site.x[0] or "", site.type)
    return to_storage(f"{site.self}({x})", site.outputs[0])
