"""Mixtures of experts in PyTorch: a matrix product for each expert, on the tokens it is given."""

from __future__ import annotations

from backends.base import Emission, Site
from backends.layers.mixture import shared_network, shown_settings
from backends.torch.layers import TORCH
from dsl.layers.mixture import MixtureOfExperts


@TORCH.emits(MixtureOfExperts)
def mixture_of_experts(layer: MixtureOfExperts, site: Site) -> Emission:
    """The helper class `MixtureOfExperts`, with the features that the file's uses need."""
    settings = shown_settings(layer, TORCH, site)
    flags = dict.fromkeys(settings, True)
    site.helper("ExpertLinear", bias="bias" in flags)
    helper = site.helper(
        "MixtureOfExperts",
        **flags,
        **shared_network(flags, site),
        unbalanced="balance" not in flags,
    )
    sizes = site.type.shape[-1], layer.experts, layer.top_k, layer.hidden
    module = site.call(helper, *sizes, **settings)
    return Emission(f"{site.self}({site.x[0]})", module)
