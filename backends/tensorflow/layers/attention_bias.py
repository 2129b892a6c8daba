"""Biases of attention in Keras."""

from __future__ import annotations

from backends.base import Emission, KerasWeight, Raw, Site, unless
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.layout import to_meaning
from dsl.layers.attention_bias import RelativePositionBias


@TENSORFLOW.emits(RelativePositionBias)
def relative_position_bias(layer: RelativePositionBias, site: Site) -> Emission:
    """A layer of its own, for Keras has none."""
    given = [Raw(to_meaning(x, t)) for x, t in zip(site.x, site.types) if x is not None and t]
    helper = site.helper("RelativePositionBias", memory=len(given) > 1)
    module = site.call(
        helper,
        layer.heads,
        buckets=unless(32, layer.buckets),
        max_distance=unless(128, layer.max_distance),
        bidirectional=unless(True, layer.bidirectional),
        name=Raw(site.name),
    )
    call = site.call_forward(site.self, *given)
    return Emission(call, module, (KerasWeight("embeddings", ("weight",)),))
