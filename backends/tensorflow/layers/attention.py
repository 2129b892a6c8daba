"""Attention in Keras: matrix products and a softmax, which a graph runs faster than Keras' own."""

from __future__ import annotations

from typing import Any

from backends.base import Emission, KerasWeight, Raw, Site, asked, unless
from backends.layers.attention import (
    ask_rotation,
    forms,
    given,
    left_switches,
    open_switches,
    over_scores,
    shown_settings,
    shown_widths,
    written_settings,
)
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.layout import to_meaning, to_storage
from dsl.layers.attention import Attention, CrossAttention, DotProductAttention, SelfAttention

_ROLES = ("query", "key", "value", "out")
_BRIEF = {"causal", "dropout", "bias"}
"""The settings that a class of its own without further functions takes."""


@TENSORFLOW.emits(SelfAttention, CrossAttention, Attention)
def attention(layer: Any, site: Site) -> Emission:
    """The helper layer `Attention`, which takes as many operands as the file's uses need."""
    settings = shown_settings(layer)
    operands = dict.fromkeys(layer.slots[:3])
    mask, bias = (_scored(site, layer, slot) for slot in (3, 4))
    widths = shown_widths(layer, site)
    site.helper("dense")
    plain = mask is None and bias is None
    if plain and len(operands) < 3 and settings.keys() <= _BRIEF:
        return _brief(layer, site, settings, widths)
    switches = open_switches(site, "Attention")
    ask_rotation(layer, site, settings, switches)
    if "alibi" in settings:
        site.helper("alibi_bias")
    if "sinks" in settings:
        site.helper("Parameter")
    ways = _ask_attend(layer, site, settings, mask, bias)
    helper = site.helper(
        "Attention",
        **dict.fromkeys((*settings, *widths), True),
        memory=len(operands) == 2,
        value=len(operands) == 3,
        mask=mask is not None,
        added=bias is not None,
        **ways,
        **switches,
        **forms(layer),
    )
    width = site.types[layer.slots[0]].shape[-1]
    written = written_settings(settings, switches)
    module = site.call(helper, width, layer.heads, **widths, **written, name=Raw(site.name))
    return Emission(_call(site, operands, mask, bias), module, _weights(layer))


def _brief(layer: Any, site: Site, settings: dict[str, Any], widths: dict[str, Any]) -> Emission:
    """The helper layer `MultiHeadAttention`: the usual attention, whole in one class."""
    operands = dict.fromkeys(layer.slots[:3])
    shown = dict.fromkeys((*settings, *widths), True)
    switches = open_switches(site, "MultiHeadAttention")
    helper = site.helper(
        "MultiHeadAttention", **shown, memory=len(operands) == 2, **switches, **forms(layer)
    )
    width = site.types[layer.slots[0]].shape[-1]
    written = written_settings(settings, switches)
    module = site.call(helper, width, layer.heads, **widths, **written, name=Raw(site.name))
    return Emission(_call(site, operands), module, _weights(layer))


@TENSORFLOW.emits(DotProductAttention)
def dot_product_attention(layer: DotProductAttention, site: Site) -> Emission:
    """The helper layer `DotProductAttention`."""
    settings = shown_settings(layer)
    mask, bias = (_scored(site, layer, slot) for slot in (3, 4))
    ways = _ask_attend(layer, site, settings, mask, bias)
    helper = site.helper(
        "DotProductAttention",
        causal_left=True,
        **dict.fromkeys(settings, True),
        mask=mask is not None,
        added=bias is not None,
        **ways,
    )
    size = site.type.shape[-1]
    module = site.call(helper, size, unless(1, layer.heads), **settings, name=Raw(site.name))
    return Emission(_call(site, range(3), mask, bias), module)


def _ask_attend(
    layer: Any, site: Site, settings: dict[str, Any], mask: str | None, bias: str | None
) -> dict[str, bool]:
    """Asks for the functions that attention consists of.

    Gives whether some positions are not seen, whether that is more than a mask says, and whether
    the function that finds it out must be told that positions ahead are not.
    """
    found = {"causal", "window"} & settings.keys()
    seen = bool(found) or mask is not None
    left = left_switches(layer)
    users = [asked(site, helper) for helper in ("Attention", "DotProductAttention")]
    tell = not any(users) or any(u.get("found") and u.get("causal_left") for u in users)
    site.helper("split_heads")
    site.helper("join_heads")
    if found:
        flags = dict.fromkeys(found, True)
        site.helper("visible", mask=mask is not None, causal_open=tell, **flags)
    hides = mask is not None or ("causal" in settings and not left["causal_left"])
    site.helper(
        "attend",
        seen=seen,
        seen_open=not hides,
        mask=mask is not None,
        bias=bias is not None or "alibi" in settings,
        bias_open=bias is None and ("alibi" not in settings or left["alibi_left"]),
        dropout_open="dropout" not in settings,
        **{name: name in settings for name in ("dropout", "softcap", "sinks")},
    )
    return {"seen": seen, "found": bool(found), "tell_causal": tell}


def _call(site: Site, slots: Any, mask: Raw | None = None, bias: Raw | None = None) -> str:
    """Code of the call; operands and result in the order of the meaning in between."""
    values = [Raw(to_meaning(site.x[slot], site.types[slot])) for slot in slots]
    call = site.call_forward(site.self, *values, allowed=mask, bias=bias)
    return to_storage(call, site.outputs[0])


def _scored(site: Site, layer: Any, which: int) -> Raw | None:
    """Code of the mask (3) or bias (4), broadcasting over the scores; None where not given."""
    slot = layer.slots[which]
    type = given(site, slot)
    if type is None:
        return None
    x, own, missing = to_meaning(site.x[slot], type), *((2, 1) if which == 3 else (3, 0))
    return Raw(over_scores(x, type, site.type.rank - 2, own, missing))


def _weights(layer: Any) -> tuple[KerasWeight, ...]:
    rules = []
    for role in _ROLES:
        rules.append(KerasWeight(f"{role}/kernel", (f"{role}.weight",), (1, 0)))
        if role in layer.biased:
            rules.append(KerasWeight(f"{role}/bias", (f"{role}.bias",)))
    if layer.qk_norm is not None:
        for role in ("query_norm", "key_norm"):
            rules.append(KerasWeight(f"{role}/scale", (f"{role}.weight",)))
    if layer.sinks:
        rules.append(KerasWeight("sinks/value", ("sinks",)))
    return tuple(rules)
