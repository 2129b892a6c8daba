"""Attention in PyTorch: `F.scaled_dot_product_attention`, which picks the fastest kernel."""

from __future__ import annotations

from typing import Any

from backends.base import Emission, Raw, Site, is_traced
from backends.layers.attention import bias_forms, shown_settings, shown_widths
from backends.torch.layers import TORCH
from dsl.layers.attention import Attention, CrossAttention, DotProductAttention, SelfAttention


@TORCH.emits(SelfAttention, CrossAttention, Attention)
def attention(layer: Any, site: Site) -> Emission:
    """The helper class `Attention`, which takes as many operands as the file's uses need."""
    settings = shown_settings(layer)
    operands = dict.fromkeys(layer.slots[:3])
    mask = _mask(site, layer.slots[3])
    widths = shown_widths(layer, site)
    flags = dict.fromkeys((*settings, *widths), True)
    if "rope" in settings:
        site.helper("rotate", part="rope_dim" in settings)
    combine = _ask_visible(site, settings, mask)
    helper = site.helper(
        "Attention",
        **flags,
        memory=len(operands) == 2,
        value=len(operands) == 3,
        mask=mask is not None,
        combine=combine,
        plain="rope" not in settings,
        **bias_forms(layer),
    )
    width = site.types[layer.slots[0]].shape[-1]
    module = site.call(helper, width, layer.heads, **widths, **settings)
    values = [_operand(site, slot) for slot in operands]
    return Emission(site.call_forward(site.self, *values, mask=mask), module)


@TORCH.emits(DotProductAttention)
def dot_product_attention(layer: DotProductAttention, site: Site) -> Emission:
    """PyTorch's function where one head needs no more, else the helper class."""
    settings = shown_settings(layer)
    mask = _mask(site, 3)
    values = [_operand(site, slot) for slot in range(3)]
    alone = (
        is_traced(layer.heads)
        or layer.heads > 1
        or settings.keys()
        & {
            "dropout",
            "window",
        }
    )
    if alone or ("causal" in settings and mask is not None):
        combine = _ask_visible(site, settings, mask)
        flags = dict.fromkeys(settings, True)
        helper = site.helper("DotProductAttention", **flags, mask=mask is not None, combine=combine)
        module = site.call(helper, layer.heads, **settings)
        return Emission(site.call_forward(site.self, *values, mask=mask), module)
    call = site.call_forward(
        "F.scaled_dot_product_attention",
        *values,
        attn_mask=_mask(site, 3, heads=False),
        is_causal=settings.get("causal"),
        scale=layer.scale,
    )
    return Emission(call)


def _ask_visible(site: Site, settings: dict[str, Any], mask: str | None) -> bool:
    """Whether masks must be put together, with the helper that does it."""
    combine = "window" in settings or ("causal" in settings and mask is not None)
    if combine:
        site.helper("visible")
    return combine


def _operand(site: Site, slot: int) -> Raw:
    """Code of an operand; a learned one is repeated for each sample."""
    x, type = site.x[slot], site.types[slot]
    batch = next((i for i, other in enumerate(site.types) if other and other.batched), None)
    if type.batched or batch is None:
        return Raw(x)
    return Raw(f"{x}.expand({site.x[batch]}.shape[0]{', -1' * type.rank})")


def _mask(site: Site, slot: int, heads: bool = True) -> Raw | None:
    """Code of the mask with dimensions for those in front of the positions, and the heads."""
    mask = site.types[slot] if slot < len(site.types) else None
    if mask is None:
        return None
    missing = site.types[0].rank - 2 + heads + (mask.rank == 1)
    index = ", ".join([":"] + ["None"] * missing)
    return Raw(f"{site.x[slot]}[{index}]" if missing else site.x[slot])
