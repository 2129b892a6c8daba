"""Convolutions in PyTorch."""

from __future__ import annotations

from backends.base import Emission, Raw, Site, is_traced, require_fixed, short, unless
from backends.torch.layers import TORCH
from backends.torch.layers.reparametrization import construct
from dsl.layers.conv import (
    Conv,
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)


@TORCH.emits(Conv1d, Conv2d, Conv3d)
def conv(layer: Conv, site: Site) -> Emission:
    """`nn.Conv2d` and its like; PyTorch has no "same" with a stride, so that is padded before."""
    x = site.x[0]
    stride, padding = short(layer.stride), layer.padding
    plain = stride == 1 and not is_traced(layer.stride)
    if isinstance(padding, str) and not plain:
        require_fixed(padding)
    if padding == "same" and not plain:
        x, padding = padded_same(site, layer.kernel_size, layer.stride, layer.dilation), 0
    elif isinstance(padding, tuple):
        padding = short(padding)
    module = construct(
        layer,
        site,
        site.type.shape[0],
        layer.out_channels,
        kernel_size=short(layer.kernel_size),
        stride=unless(1, stride),
        padding=None if padding == "valid" else unless(0, padding),
        dilation=unless(1, short(layer.dilation)),
        groups=unless(1, layer.groups),
        bias=unless(True, layer.bias),
    )
    return Emission(f"{site.self}({x})", module)


def padded_same(
    site: Site,
    kernel_size: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    value: str | None = None,
) -> str:
    """Code of the input with the cells that ``padding="same"`` adds."""
    return site.call_forward(
        site.helper("pad_same"),
        Raw(site.x[0]),
        short(kernel_size),
        short(stride),
        dilation=unless(1, short(dilation)),
        value=value and Raw(value),
    )


@TORCH.emits(ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
def conv_transpose(layer: ConvTranspose, site: Site) -> Emission:
    """`nn.ConvTranspose2d` and its like."""
    module = construct(
        layer,
        site,
        site.type.shape[0],
        layer.out_channels,
        kernel_size=short(layer.kernel_size),
        stride=unless(1, short(layer.stride)),
        padding=unless(0, short(layer.padding)),
        output_padding=unless(0, short(layer.output_padding)),
        groups=unless(1, layer.groups),
        bias=unless(True, layer.bias),
        dilation=unless(1, short(layer.dilation)),
    )
    return Emission(f"{site.self}({site.x[0]})", module)
