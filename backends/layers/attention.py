"""What the backends' emitters of attention share: which arguments code must show."""

from __future__ import annotations

from typing import Any

from backends.base import Site, unless
from dsl.shapes.trace import formula

_DEFAULTS = {
    "kv_heads": None,
    "head_dim": None,
    "causal": False,
    "rope": None,
    "dropout": 0.0,
    "bias": True,
    "window": None,
    "scale": None,
    "rope_dim": None,
}


def shown_settings(layer: Any) -> dict[str, Any]:
    """The arguments that differ from the default, or that may do so elsewhere."""
    return {
        name: value
        for name, value in layer.values.items()
        if name in _DEFAULTS and unless(_DEFAULTS[name], value) is not None
    }


def bias_forms(layer: Any) -> dict[str, bool]:
    """Whether code must read `bias` as a truth value, as names of projections, or as both."""
    named = isinstance(layer.bias, tuple)
    return {"named_bias": named, "plain_bias": not named}


def shown_widths(layer: Any, site: Site) -> dict[str, Any]:
    """Sizes of keys and values where they need not be the query's."""
    width, key, value = (site.types[slot].shape[-1] for slot in layer.slots[:3])
    found = {}
    if formula(key) != formula(width):
        found["key_width"] = key
    if formula(value) != formula(key):
        found["value_width"] = value
    return found
