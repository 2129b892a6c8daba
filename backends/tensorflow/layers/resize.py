"""Other sizes in Keras, on values stored channels last."""

from __future__ import annotations

from typing import Any

from backends.base import Emission, Raw, Site, Unsupported, is_traced, short, unless
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.layers.reshape import stored_axes
from dsl.layers import resize as kinds
from dsl.layers.reshape import quotient
from dsl.shapes.dim import Dim, Poly


@TENSORFLOW.emits(kinds.Pad)
def pad(layer: kinds.Pad, site: Site) -> Emission:
    """`keras.ops.pad`; edges are repeated by a helper, which Keras lacks for TensorFlow."""
    pads = layer.pads(site.type)
    cells = [(0, 0)] * site.type.batched
    cells += [pads.get(axis, (0, 0)) for axis in stored_axes(site.type)]
    x = Raw(site.x[0])
    if layer.mode == "replicate":
        return Emission(site.call_forward(site.helper("pad_edges"), x, tuple(cells)))
    value = None if layer.mode != "constant" else unless(0.0, layer.value)
    if value is not None and not site.type.is_float:
        value = bool(value) if site.type.dtype == "bool" else int(value)
    mode = "reflect" if layer.mode == "reflect" else None
    call = site.call_forward("keras.ops.pad", x, tuple(cells), mode=mode, constant_values=value)
    return Emission(call)


@TENSORFLOW.emits(kinds.Upsample)
def upsample(layer: kinds.Upsample, site: Site) -> Emission:
    """`layers.UpSampling2D` and its like where cells are repeated, else a helper layer."""
    factors = _factors(layer, site)
    name = Raw(site.name)
    if not layer.smooth and factors is not None:
        module = site.call(f"layers.UpSampling{len(factors)}D", short(factors), name=name)
        return _batched(module, site)
    corners = unless(False, layer.align_corners)
    kind = "Nearest" if not layer.smooth else "Cubic" if layer.mode == "bicubic" else "Linear"
    helper = site.helper(f"Resize{kind}", align_corners=corners is not None)
    size = {"scale": factors} if factors is not None else {"size": _target(site)}
    return _batched(site.call(helper, **size, align_corners=corners, name=name), site)


@TENSORFLOW.emits(kinds.PixelShuffle)
def pixel_shuffle(layer: kinds.PixelShuffle, site: Site) -> Emission:
    """A helper layer, for TensorFlow's `depth_to_space` has another order of channels."""
    helper = site.helper("PixelShuffle")
    return _batched(site.call(helper, layer.upscale_factor, name=Raw(site.name)), site)


@TENSORFLOW.emits(kinds.PixelUnshuffle)
def pixel_unshuffle(layer: kinds.PixelUnshuffle, site: Site) -> Emission:
    """A helper layer, for TensorFlow's `space_to_depth` has another order of channels."""
    helper = site.helper("PixelUnshuffle")
    return _batched(site.call(helper, layer.downscale_factor, name=Raw(site.name)), site)


@TENSORFLOW.emits(kinds.ChannelShuffle)
def channel_shuffle(layer: kinds.ChannelShuffle, site: Site) -> Emission:
    """A helper layer, on the last axis."""
    helper = site.helper("ChannelShuffle")
    return _batched(site.call(helper, layer.groups, name=Raw(site.name)), site)


def _batched(module: str, site: Site) -> Emission:
    """A layer at work on a value, which for the time gets a batch if it has none."""
    if site.type.batched:
        return Emission(f"{site.self}({site.x[0]})", module)
    return Emission(f"{site.self}({site.x[0]}[None, ...])[0]", module)


def _factors(layer: kinds.Upsample, site: Site) -> tuple[Any, ...] | None:
    """How many times as large each dimension becomes; None where a number of cells is asked."""
    sizes, targets = site.type.shape[1:], site.outputs[0].shape[1:]
    if layer.scale_factor is not None:
        given = layer.scale_factor
        return given if isinstance(given, tuple) else (given,) * len(sizes)
    if any(is_traced(dim) for dim in (*sizes, *targets)):
        return None
    found = tuple(_times(size, target) for size, target in zip(sizes, targets, strict=True))
    return None if None in found else found


def _times(size: Dim, target: Dim) -> int | None:
    factor = quotient(target, size)
    return None if isinstance(factor, Poly) else factor


def _target(site: Site) -> tuple[Dim, ...]:
    """The new sizes, which must be numbers here.

    Raises:
        Unsupported: One is known only when the model runs.
    """
    targets = site.outputs[0].shape[1:]
    if any(isinstance(target, Poly) for target in targets):
        raise Unsupported(
            "Keras can resize to numbers or by whole factors, not to a size that is known only "
            "when the model runs",
            "write `scale_factor`, or give the dimension a fixed size",
        )
    return targets
