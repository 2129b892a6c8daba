"""Reparametrised weights in Keras: subclasses whose kernel is a function of what they learn."""

from __future__ import annotations

from typing import Any

from backends.base import KerasWeight, Site, unless
from dsl.layers.conv import Convolution
from dsl.layers.linear import Linear
from dsl.layers.reparametrization import (
    ScaledWeightStandardization,
    WeightNorm,
    WeightStandardization,
)


def construct(
    layer: Convolution | Linear,
    site: Site,
    base: str,
    permute: tuple[int, ...],
    *args: Any,
    **named: Any,
) -> tuple[str, tuple[KerasWeight, ...]]:
    """Code of a Keras layer, its kernel reparametrised as `layer` asks, and where it lies.

    Args:
        layer: A convolution or a linear map.
        site: Where it is emitted.
        base: The class of Keras, or of a helper, that it is without a reparametrisation.
        permute: The order of the weight's axes in the kernel.
        args: What the Keras layer is constructed with.
        named: The same, by name.
    """
    form, stem = layer.weight, base.rpartition(".")[2]
    if isinstance(form, WeightNorm):
        axis = unless(-1, _kernel_axis(form, permute))
        module = site.call(site.helper(f"WeightNorm{stem}"), *args, axis=axis, **named)
        return module, (
            KerasWeight("weight_g", ("weight_g",)),
            KerasWeight("kernel", ("weight_v",), permute),
        )
    kernel = KerasWeight("kernel", ("weight",), permute)
    if isinstance(form, WeightStandardization):
        helper = site.helper(f"Standardized{stem}")
        return site.call(helper, *args, epsilon=unless(1e-6, form.eps), **named), (kernel,)
    if isinstance(form, ScaledWeightStandardization):
        helper = site.helper(f"ScaledStandardized{stem}")
        settings = {"gamma": unless(1.0, form.gamma), "epsilon": unless(1e-5, form.eps)}
        module = site.call(helper, *args, **settings, **named)
        return module, (kernel, KerasWeight("gain", ("gain",)))
    return site.call(base, *args, **named), (kernel,)


def _kernel_axis(form: WeightNorm, permute: tuple[int, ...]) -> int:
    """The axis of the kernel that has a length each; -1 for the last."""
    axis = permute.index(form.dim)
    return -1 if axis == len(permute) - 1 else axis
