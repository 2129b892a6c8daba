"""Other sizes in PyTorch: `F.pad`, `F.interpolate`, `F.pixel_shuffle`."""

from __future__ import annotations

from backends.base import Emission, Raw, Site, is_traced, unless
from backends.layers.sizes import size_code
from backends.torch.layers import TORCH
from dsl.layers import resize as kinds
from dsl.layers.reshape import quotient
from dsl.shapes.dim import Dim, Poly


@TORCH.emits(kinds.Pad)
def pad(layer: kinds.Pad, site: Site) -> Emission:
    """`F.pad`, which counts dimensions from the last."""
    pads = layer.pads(site.type)
    mirrored = layer.mode in ("reflect", "replicate")
    first = min(pads, default=0)
    if mirrored:  # PyTorch mirrors the last dimensions behind the batch and one more
        first = min(first, max(site.type.rank - 1, 0), 1)
    cells: list[int] = []
    for position in reversed(range(first, site.type.rank)):
        cells += pads.get(position, (0, 0))
    mode = layer.mode if mirrored else None
    value = None if layer.mode == "zeros" else unless(0.0, layer.value)
    if mirrored and not site.type.batched:
        call = site.call_forward("F.pad", Raw(f"{site.x[0]}[None]"), tuple(cells), mode=mode)
        return Emission(f"{call}[0]")
    return Emission(
        site.call_forward("F.pad", Raw(site.x[0]), tuple(cells), mode=mode, value=value)
    )


@TORCH.emits(kinds.Upsample)
def upsample(layer: kinds.Upsample, site: Site) -> Emission:
    """`F.interpolate`; indices where its `nearest` would round."""
    exact = layer.smooth or layer.scale_factor is not None or all(map(_divides, *_sizes(site)))
    if not exact:
        return Emission(_nearest(site))
    x = site.x[0] if site.type.batched else f"{site.x[0]}[None]"
    size = None if layer.size is None else _size_argument(layer, site)
    call = site.call_forward(
        "F.interpolate",
        Raw(x),
        size=size,
        scale_factor=layer.scale_factor,
        mode=unless("nearest", layer.mode),
        align_corners=unless(False, layer.align_corners),
    )
    return Emission(call if site.type.batched else f"{call}[0]")


@TORCH.emits(kinds.PixelShuffle)
def pixel_shuffle(layer: kinds.PixelShuffle, site: Site) -> Emission:
    """`F.pixel_shuffle`, whose order of channels is ours."""
    return Emission(site.call_forward("F.pixel_shuffle", Raw(site.x[0]), layer.upscale_factor))


@TORCH.emits(kinds.PixelUnshuffle)
def pixel_unshuffle(layer: kinds.PixelUnshuffle, site: Site) -> Emission:
    """`F.pixel_unshuffle`, whose order of channels is ours."""
    return Emission(site.call_forward("F.pixel_unshuffle", Raw(site.x[0]), layer.downscale_factor))


@TORCH.emits(kinds.ChannelShuffle)
def channel_shuffle(layer: kinds.ChannelShuffle, site: Site) -> Emission:
    """`F.channel_shuffle`, on the dimension behind the batch."""
    if site.type.batched:
        return Emission(site.call_forward("F.channel_shuffle", Raw(site.x[0]), layer.groups))
    return Emission(
        site.call_forward("F.channel_shuffle", Raw(f"{site.x[0]}[None]"), layer.groups) + "[0]"
    )


def _sizes(site: Site) -> tuple[tuple[Dim, ...], tuple[Dim, ...]]:
    """Spatial sizes before and after."""
    return site.type.shape[1:], site.outputs[0].shape[1:]


def _divides(size: Dim, target: Dim) -> bool:
    """Whether `nearest` copies or drops whole cells, whatever the block's arguments are."""
    if isinstance(size, Poly) or isinstance(target, Poly):
        return quotient(target, size) is not None
    if is_traced(size) or is_traced(target):
        return False
    return target % size == 0 or size % target == 0


def _size_argument(layer: kinds.Upsample, site: Site) -> int | tuple[int, ...] | Raw:
    sizes = layer.size if isinstance(layer.size, tuple) else (layer.size,)
    if not any(isinstance(size, Poly) for size in sizes):
        return layer.size
    code = [_code(size, site) for size in sizes]
    return Raw(code[0] if len(code) == 1 else f"({', '.join(code)})")


def _code(size: Dim, site: Site) -> str:
    """Code of a size in `forward`."""
    front = site.type.batched
    return size_code(size, site.type, lambda i: f"{site.x[0]}.shape[{i + front}]", site.forward)


def _nearest(site: Site) -> str:
    """Subscripts with the cells ``floor(i * size_in / size_out)``."""
    parts = []
    count = site.type.rank - 1
    for number, (size, target) in enumerate(zip(*_sizes(site), strict=True)):
        cells = f"torch.arange({_code(target, site)}, device={site.x[0]}.device)"
        spread = f"[:{', None' * (count - 1 - number)}]" if number < count - 1 else ""
        factor, divisor = (_factor(_code(dim, site)) for dim in (size, target))
        parts.append(f"{cells}{spread} * {factor} // {divisor}")
    return f"{site.x[0]}[..., {', '.join(parts)}]"


def _factor(code: str) -> str:
    """Code as an operand: in parentheses unless it is one name or number."""
    return f"({code})" if " " in code else code
