"""What the backends' emitters of mixtures share: arguments that code shows, activations."""

from __future__ import annotations

from typing import Any

from backends.base import Emitters, Raw, Site, unless
from dsl.layers.mixture import MixtureOfExperts

NETWORK = ("act", "gated", "bias")
"""The arguments that say what a single network is like."""


def is_balanced(layer: Any) -> bool:
    """Whether a layer penalises uneven use of its experts."""
    return isinstance(layer, MixtureOfExperts) and layer.balance > 0


def shown_settings(layer: MixtureOfExperts, emitters: Emitters, site: Site) -> dict[str, Any]:
    """The arguments that differ from the default, or that may do so elsewhere."""
    required = ("experts", "top_k", "hidden")
    shown = {
        name: value
        for name, value in layer.values.items()
        if name not in required and unless(layer.arguments[name].default, value) is not None
    }
    if "act" in shown:
        shown["act"] = Raw(function_code(layer.act, emitters, site))
    return shown


def shared_network(flags: dict[str, bool], site: Site) -> dict[str, bool]:
    """Asks for the shared network where there is one, and says which arguments it is to take.

    Other uses in the file may give arguments that no use with a shared network does.
    """
    if "shared_hidden" not in flags:
        return {}
    network = [name for name in flags if name in NETWORK]
    site.helper("SharedExpert", **dict.fromkeys(network, True))
    return {f"shared_{name}": True for name in network}


def function_code(act: Any, emitters: Emitters, site: Site) -> str:
    """Code of an activation as a function: its name, or a lambda where it takes settings."""
    inner = Site(
        ("h",), (site.type,), (site.type,), "act", '"act"', site.code, site.code, site.helper
    )
    emission = emitters.emit(act, inner)
    if emission.module is not None:
        return emission.module
    name, _, rest = emission.call.partition("(h")
    return name if rest == ")" else f"lambda h: {emission.call}"
