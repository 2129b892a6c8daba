"""Mixtures of experts in Keras: a matrix product for each expert, on the tokens it is given."""

from __future__ import annotations

from backends.base import Emission, KerasWeight, Raw, Site
from backends.layers.mixture import shared_network, shown_settings
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.layout import to_meaning, to_storage
from dsl.layers.mixture import MixtureOfExperts


@TENSORFLOW.emits(MixtureOfExperts)
def mixture_of_experts(layer: MixtureOfExperts, site: Site) -> Emission:
    """The helper layer `MixtureOfExperts`, with the features that the file's uses need."""
    settings = shown_settings(layer, TENSORFLOW, site)
    flags = dict.fromkeys(settings, True)
    site.helper("uniform")
    site.helper("dense")
    site.helper("ExpertDense", bias="bias" in flags)
    helper = site.helper(
        "MixtureOfExperts",
        **flags,
        **shared_network(flags, site),
        unbalanced="balance" not in flags,
    )
    sizes = site.type.shape[-1], layer.experts, layer.top_k, layer.hidden
    module = site.call(helper, *sizes, **settings, name=Raw(site.name))
    call = f"{site.self}({to_meaning(site.x[0] or '', site.type)})"
    return Emission(to_storage(call, site.outputs[0]), module, _weights(layer, site))


def _weights(layer: MixtureOfExperts, site: Site) -> tuple[KerasWeight, ...]:
    """Kernels are ``[experts, in, out]``, those of the shared network ``[in, out]``."""
    rules = []
    for weight in layer.weights(site.type):
        path, _, word = weight.role.rpartition(".")
        order = {3: (0, 2, 1), 2: (1, 0)}[len(weight.shape)] if word == "weight" else ()
        variable = f"{path}/{'kernel' if word == 'weight' else word}".replace(".", "/")
        rules.append(KerasWeight(variable, (weight.role,), order))
    return tuple(rules)
