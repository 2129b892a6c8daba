"""Normalisation in Keras."""

from __future__ import annotations

from backends.base import Emission, KerasWeight, Raw, Site, unless
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.layout import keras_axis, to_meaning, to_storage
from dsl.layers.axes import channel_axis
from dsl.layers.base import resolve_axis
from dsl.layers.normalization import (
    BatchNorm,
    GroupNorm,
    InstanceNorm,
    L2Normalize,
    LayerNorm,
    RMSNorm,
)
from dsl.shapes.trace import Traced

_GAMMA = KerasWeight("gamma", ("weight",))
_BETA = KerasWeight("beta", ("bias",))
_RUNNING = (
    KerasWeight("moving_mean", ("running_mean",)),
    KerasWeight("moving_variance", ("running_var",)),
)


@TENSORFLOW.emits(BatchNorm)
def batch_norm(layer: BatchNorm, site: Site) -> Emission:
    """A layer of its own, which acts on the last axis: Keras' running variance is biased."""
    settings = {
        "momentum": unless(0.1, layer.momentum),
        "epsilon": unless(1e-5, layer.eps),
        "affine": unless(True, layer.affine),
        "scale": unless(True, layer.scale),
    }
    shown = {name: value is not None for name, value in settings.items()}
    module = site.call(site.helper("BatchNorm", **shown), **settings, name=Raw(site.name))
    learned = (_GAMMA, _BETA)[not layer.scale :] if layer.affine else ()
    axis = _axis(layer, site)
    x = site.x[0] if axis is None else f"keras.ops.moveaxis({site.x[0]}, {axis}, -1)"
    call = f"{site.self}({x})"
    call = call if axis is None else f"keras.ops.moveaxis({call}, -1, {axis})"
    return Emission(call, module, (*learned, *_RUNNING))


@TENSORFLOW.emits(GroupNorm, InstanceNorm)
def group_norm(layer: GroupNorm | InstanceNorm, site: Site) -> Emission:
    """`layers.GroupNormalization`, for `InstanceNorm` with groups of one channel."""
    affine = unless(True, layer.affine)
    module = site.call(
        "layers.GroupNormalization",
        layer.num_groups if isinstance(layer, GroupNorm) else -1,
        axis=_axis(layer, site),
        epsilon=layer.eps,
        center=affine,
        scale=affine,
        name=Raw(site.name),
    )
    weights = (_GAMMA, _BETA) if layer.affine else ()
    return Emission(f"{site.self}({site.x[0]})", module, weights)


@TENSORFLOW.emits(LayerNorm)
def layer_norm(layer: LayerNorm, site: Site) -> Emission:
    """`layers.LayerNormalization`."""
    module = site.call(
        "layers.LayerNormalization",
        axis=_last(layer),
        epsilon=layer.eps,
        center=_both(layer.elementwise_affine, layer.bias, site),
        scale=unless(True, layer.elementwise_affine),
        name=Raw(site.name),
    )
    weights = (_GAMMA, _BETA)[: (2 if layer.bias else 1) if layer.elementwise_affine else 0]
    return Emission(_in_meaning(site), module, weights)


@TENSORFLOW.emits(RMSNorm)
def rms_norm(layer: RMSNorm, site: Site) -> Emission:
    """`layers.RMSNormalization`, or the function where there is no weight."""
    axis = _last(layer)
    if not layer.elementwise_affine:
        x = Raw(to_meaning(str(site.x[0]), site.type))
        call = site.call_forward("keras.ops.rms_normalization", x, axis=axis, epsilon=layer.eps)
        return Emission(to_storage(call, site.type))
    module = site.call("layers.RMSNormalization", axis=axis, epsilon=layer.eps, name=Raw(site.name))
    return Emission(_in_meaning(site), module, (KerasWeight("scale", ("weight",)),))


def _axis(layer: BatchNorm | GroupNorm | InstanceNorm, site: Site) -> int | None:
    """Where Keras finds the channels; None for the last axis, the default."""
    return unless(-1, keras_axis(site.type, channel_axis(layer.name, site.type)))


def _last(layer: LayerNorm | RMSNorm) -> tuple[int, ...] | None:
    """The last axes; None for the last one, the default."""
    return None if layer.dims == 1 else tuple(range(-layer.dims, 0))


def _both(scale: bool, offset: bool, site: Site) -> Raw | bool | None:
    """Whether there is an offset: only beside a scale."""
    if not isinstance(scale, Traced):
        return unless(True, offset) if scale else False
    return Raw(f"{site.code(scale)} and {site.code(offset)}") if offset is not True else scale


def _in_meaning(site: Site) -> str:
    """The module's call on axes in the order of the meaning."""
    x = to_meaning(str(site.x[0]), site.type)
    return to_storage(f"{site.self}({x})", site.type)


@TENSORFLOW.emits(L2Normalize)
def l2_normalize(layer: L2Normalize, site: Site) -> Emission:
    """`keras.ops.normalize`."""
    axis = unless(-1, keras_axis(site.type, resolve_axis(layer.dim, site.type)))
    x = Raw(str(site.x[0]))
    return Emission(site.call_forward("keras.ops.normalize", x, axis=axis, epsilon=layer.eps))
