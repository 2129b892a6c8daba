"""Attention in PyTorch: `F.scaled_dot_product_attention`, which picks the fastest kernel."""

from __future__ import annotations

from typing import Any

from backends.base import Emission, Raw, Site, is_traced
from backends.layers.attention import (
    ask_rotation,
    forms,
    given,
    open_switches,
    over_scores,
    shown_settings,
    shown_widths,
    written_settings,
)
from backends.torch.layers import TORCH
from dsl.layers.attention import Attention, CrossAttention, DotProductAttention, SelfAttention

_BY_HAND = {"softcap", "sinks"}
"""The settings that PyTorch's function does not know."""


@TORCH.emits(SelfAttention, CrossAttention, Attention)
def attention(layer: Any, site: Site) -> Emission:
    """The helper class `Attention`, which takes as many operands as the file's uses need."""
    settings = shown_settings(layer)
    operands = dict.fromkeys(layer.slots[:3])
    mask, bias = (_scored(site, layer, slot) for slot in (3, 4))
    widths = shown_widths(layer, site)
    flags = dict.fromkeys((*settings, *widths), True)
    switches = open_switches(site, "Attention")
    _ask_functions(layer, site, settings, switches)
    ways = _ask_visible(site, settings, mask, bias)
    helper = site.helper(
        "Attention",
        **flags,
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
    module = site.call(helper, width, layer.heads, **widths, **written)
    values = [_operand(site, slot) for slot in operands]
    return Emission(site.call_forward(site.self, *values, mask=mask, bias=bias), module)


@TORCH.emits(DotProductAttention)
def dot_product_attention(layer: DotProductAttention, site: Site) -> Emission:
    """PyTorch's function where one head needs no more, else the helper class."""
    settings = shown_settings(layer)
    mask, bias = (_scored(site, layer, slot) for slot in (3, 4))
    values = [_operand(site, slot) for slot in range(3)]
    several = is_traced(layer.heads) or layer.heads > 1 or bias is not None
    ways = _ask_visible(site, settings, mask, bias)
    if several or ways["combine"] or "dropout" in settings:
        helper = site.helper(
            "DotProductAttention",
            **dict.fromkeys(settings, True),
            mask=mask is not None,
            added=bias is not None,
            **ways,
        )
        module = site.call(helper, layer.heads, **settings)
        return Emission(site.call_forward(site.self, *values, mask=mask, bias=bias), module)
    call = site.call_forward(
        "F.scaled_dot_product_attention",
        *values,
        attn_mask=_scored(site, layer, 3, heads=False),
        is_causal=settings.get("causal"),
        scale=layer.scale,
    )
    return Emission(call)


def _ask_functions(
    layer: Any, site: Site, settings: dict[str, Any], switches: dict[str, bool]
) -> None:
    """Asks for the functions that some settings need."""
    ask_rotation(layer, site, settings, switches)
    if "alibi" in settings:
        site.helper("alibi_bias")


def _biased(settings: dict[str, Any], bias: str | None) -> bool:
    """Whether something is added to the scores."""
    return bias is not None or "alibi" in settings


def _ask_visible(
    site: Site, settings: dict[str, Any], mask: str | None, bias: str | None
) -> dict[str, bool]:
    """What must be put together: masks of several origins, and a bias with what is behind."""
    causal = "causal" in settings
    combine = "window" in settings or (mask is not None and causal)
    if combine:
        site.helper("visible", mask=mask is not None)
    added = _biased(settings, bias) and not settings.keys() & _BY_HAND
    return {"combine": combine, "behind": causal and added}


def _operand(site: Site, slot: int) -> Raw:
    """Code of an operand; a learned one is repeated for each sample."""
    x, type = site.x[slot], site.types[slot]
    batch = next((i for i, other in enumerate(site.types) if other and other.batched), None)
    if type.batched or batch is None:
        return Raw(x)
    return Raw(f"{x}.expand({site.x[batch]}.shape[0]{', -1' * type.rank})")


def _scored(site: Site, layer: Any, which: int, heads: bool = True) -> Raw | None:
    """Code of the mask (3) or bias (4), broadcasting over the scores; None where not given."""
    slot = layer.slots[which]
    type = given(site, slot)
    if type is None:
        return None
    own, missing = (2, heads) if which == 3 else (3, 0)
    return Raw(over_scores(site.x[slot], type, site.type.rank - 2, own, missing))
