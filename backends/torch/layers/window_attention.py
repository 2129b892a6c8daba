"""Windows of images in PyTorch: views, and constants that are buffers."""

from __future__ import annotations

from backends.base import Emission, Raw, Site, unless
from backends.torch.layers import TORCH
from dsl.layers import window_attention as kinds


@TORCH.emits(kinds.WindowPartition)
def window_partition(layer: kinds.WindowPartition, site: Site) -> Emission:
    """A function, on channels-last pixels."""
    helper = site.helper("window_partition")
    x = f"{site.x[0]}.permute(0, 2, 3, 1)" if site.type.is_image_like else str(site.x[0])
    return Emission(site.call_forward(helper, Raw(x), layer.window))


@TORCH.emits(kinds.WindowMerge)
def window_merge(layer: kinds.WindowMerge, site: Site) -> Emission:
    """A function."""
    helper = site.helper("window_merge")
    return Emission(site.call_forward(helper, Raw(site.x[0]), layer.height, layer.width))


@TORCH.emits(kinds.ShiftedWindowMask)
def shifted_window_mask(layer: kinds.ShiftedWindowMask, site: Site) -> Emission:
    """A buffer."""
    site.helper("window_partition")
    height, width, _ = kinds.pixels(layer.name, site.type)
    mask = site.call(site.helper("shifted_window_mask"), height, width, layer.window, layer.shift)
    return _constant(site, mask)


@TORCH.emits(kinds.RelativePositionBias2d)
def relative_position_bias2d(layer: kinds.RelativePositionBias2d, site: Site) -> Emission:
    """A module that looks its table up."""
    site.helper("relative_position_index2d")
    token = unless(False, layer.class_token)
    helper = site.helper("RelativePositionBias2d", class_token=token is not None)
    module = site.call(helper, layer.heads, layer.window, class_token=token)
    return Emission(f"{site.self}()", module)


@TORCH.emits(kinds.RelativePositionIndex2d)
def relative_position_index2d(layer: kinds.RelativePositionIndex2d, site: Site) -> Emission:
    """A buffer."""
    return _constant(site, site.call(site.helper("relative_position_index2d"), layer.window))


@TORCH.emits(kinds.LogRelativePosition2d)
def log_relative_position2d(layer: kinds.LogRelativePosition2d, site: Site) -> Emission:
    """A buffer."""
    return _constant(site, site.call(site.helper("log_relative_position2d"), layer.window))


def _constant(site: Site, value: str) -> Emission:
    """A constant that moves with the module and is not saved."""
    return Emission(site.self, f"nn.Buffer({value}, persistent=False)")
