"""Elementary functions in Keras."""

from __future__ import annotations

from backends.base import Emission, Raw, Site
from backends.tensorflow.layers import TENSORFLOW
from dsl.layers import pointwise as kinds


@TENSORFLOW.emits(kinds.Abs, kinds.Exp, kinds.Log, kinds.Sqrt, kinds.Rsqrt)
def elementary(layer: kinds.Elementary, site: Site) -> Emission:
    """`keras.ops.exp` and the like."""
    return Emission(f"keras.ops.{layer.name.lower()}({site.x[0]})")


@TENSORFLOW.emits(kinds.Power)
def power(layer: kinds.Power, site: Site) -> Emission:
    """`keras.ops.square`, or `keras.ops.power`."""
    code = site.forward(layer.exponent)
    if code == "2.0":
        return Emission(f"keras.ops.square({site.x[0]})")
    return Emission(site.call_forward("keras.ops.power", Raw(site.x[0]), layer.exponent))
