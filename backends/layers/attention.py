"""What the backends' emitters of attention share: arguments that code shows, masks, biases."""

from __future__ import annotations

from typing import Any

from backends.base import Site, asked, is_traced, unless
from dsl.shapes.trace import formula
from dsl.shapes.types import TensorType

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
    "rope_interleaved": False,
    "alibi": False,
    "qk_norm": None,
    "qk_norm_whole": False,
    "softcap": None,
    "sinks": False,
    "rope_scaling": None,
}

_DETAILS = {"rope_interleaved": "rope", "rope_scaling": "rope", "qk_norm_whole": "qk_norm"}
"""Settings that say more about another one."""


_SWITCHES = ("causal", "bias", "rope_interleaved", "alibi", "qk_norm_whole", "sinks")
"""Settings that are on or off; one that all uses in a file turn from the default is no argument."""


def left_switches(layer: Any) -> dict[str, bool]:
    """Which of the settings that are on or off this use leaves at the default, or may do so."""
    values = {**layer.values, **layer.left_out}
    found = {}
    for name in _SWITCHES:
        value = values.get(name, _DEFAULTS[name])
        other = _DETAILS.get(name, name)
        idle = getattr(layer, other, False) is None and other not in layer.left_out
        turned = idle or value is (not _DEFAULTS[name])
        found[f"{name}_left"] = is_traced(value) or not turned
    return found


def open_switches(site: Site, helper: str) -> dict[str, bool]:
    """Which settings that are on or off a helper takes; all uses turn the others on or off."""
    known = asked(site, helper)
    own = {name for name in _SWITCHES if known.get(name) and not known.get(f"{name}_left")}
    return {f"{name}_open": name not in own for name in _SWITCHES}


def written_settings(settings: dict[str, Any], switches: dict[str, bool]) -> dict[str, Any]:
    """The settings that a use writes: without those that the helper has of its own."""
    return {name: value for name, value in settings.items() if switches.get(f"{name}_open", True)}


def shown_settings(layer: Any) -> dict[str, Any]:
    """The arguments that differ from the default, or that may do so elsewhere."""
    idle = {name for name, other in _DETAILS.items() if getattr(layer, other, None) is None}
    values = {**layer.values, **layer.left_out}
    return {
        name: value
        for name, value in values.items()
        if name in _DEFAULTS and name not in idle and unless(_DEFAULTS[name], value) is not None
    }


def forms(layer: Any) -> dict[str, bool]:
    """Which values of some settings code must be ready for, besides those that are shown."""
    return {
        "plain": layer.rope is None,
        "unnormed": layer.qk_norm is None,
        "by_head": layer.qk_norm is not None and not layer.qk_norm_whole,
        **bias_forms(layer),
        **left_switches(layer),
    }


def ask_rotation(
    layer: Any, site: Site, settings: dict[str, Any], switches: dict[str, bool]
) -> None:
    """Asks for the function that turns pairs of features, as a use needs it."""
    if "rope" not in settings:
        return
    if "rope_scaling" in settings:
        site.helper("stretched")
    flags = {"part": "rope_dim", "interleaved": "rope_interleaved", "scaling": "rope_scaling"}
    site.helper(
        "rotate",
        halves=switches["rope_interleaved_open"],
        unscaled=layer.rope_scaling is None,
        **{flag: name in settings for flag, name in flags.items()},
    )


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


def over_scores(x: str, type: TensorType, front: int, own: int, missing: int) -> str:
    """Code of a mask or bias with the axes that let it broadcast over the scores.

    Args:
        x: Code of the value.
        type: Its type; without the dimensions in front of the sequences, or with all of them.
        front: Number of those dimensions.
        own: Axes of its own at the end: 2 for a mask, with one for the heads 3 for a bias.
        missing: Axes to be put in front of its own: 1 where a mask meets heads.
    """
    if type.rank > own:
        return f"{x}[..., None, :, :]" if missing else x
    count = front + missing + (own - type.rank)
    return f"{x}[{', '.join([':'] + ['None'] * count)}]" if type.batched and count else x


def given(site: Site, slot: int) -> TensorType | None:
    """The type of an optional input, None where it is not given."""
    return site.types[slot] if slot < len(site.types) else None
