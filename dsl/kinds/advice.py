"""What to write for layers of other frameworks that are several layers here, or none."""

from __future__ import annotations

_SEPARABLE = (
    "two layers here, one channel at a time and then all: `Conv{0}d(input.channels, 3, "
    "padding=1, groups=input.channels, bias=false) -> Conv{0}d(64, 1)`"
)
_DEPTHWISE = "`Conv{0}d(input.channels, 3, groups=input.channels)` takes each channel by itself"
_SPECTRAL = (
    "frameworks estimate the norm at different times, so it is not offered; `weight=WeightNorm` "
    "is another bound on a weight"
)
_DEFORMABLE = (
    "TensorFlow has no kernel that samples at learned offsets, so both backends could not compute "
    "the same; an `extern` layer can use torchvision's `DeformConv2d`"
)

ADVICE = {
    "SeparableConv1D": _SEPARABLE.format(1),
    "SeparableConv2D": _SEPARABLE.format(2),
    "SeparableConvolution1D": _SEPARABLE.format(1),
    "SeparableConvolution2D": _SEPARABLE.format(2),
    "SeparableConv2d": _SEPARABLE.format(2),
    "DepthwiseConv1D": _DEPTHWISE.format(1),
    "DepthwiseConv2D": _DEPTHWISE.format(2),
    "DepthwiseConv2d": _DEPTHWISE.format(2),
    "DeformConv2d": _DEFORMABLE,
    "DeformableConv2d": _DEFORMABLE,
    "DropPath": "timm's word; here, as in its paper, it is `StochasticDepth`",
    "SpectralNorm": _SPECTRAL,
    "SpectralNormalization": _SPECTRAL,
    "spectral_norm": _SPECTRAL,
}
"""A sentence of help by the word of another framework."""
