"""Learned values in Keras."""

from __future__ import annotations

from backends.base import Emission, KerasWeight, Raw, Site, unless
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.layout import to_storage
from dsl.layers.base import Init
from dsl.layers.parameter import Parameter


@TENSORFLOW.emits(Parameter)
def parameter(layer: Parameter, site: Site) -> Emission:
    """A layer that owns the value, called with any value that has a batch."""
    start = layer.weights()[0].init
    module = site.call(
        site.helper("Parameter"),
        layer.shape,
        None if start.scheme == "zeros" else initializer(site, start),
        name=Raw(site.name),
    )
    call = to_storage(f"{site.self}({site.anchor})", site.outputs[0])
    return Emission(call, module, (KerasWeight("value", ("",)),))


def initializer(site: Site, init: Init) -> Raw | str:
    """Code of a Keras initializer, or its name; a new one at each use, for one repeats itself."""
    name = "keras.initializers."
    if init.scheme in ("zeros", "ones"):
        return init.scheme
    if init.scheme == "constant":
        return Raw(site.call(f"{name}Constant", init.value))
    if init.scheme == "uniform":
        bounds = init.mean - init.value, init.mean + init.value
        return Raw(site.call(f"{name}RandomUniform", *bounds))
    if init.scheme in ("normal", "truncated_normal"):
        kind = "RandomNormal" if init.scheme == "normal" else "TruncatedNormal"
        return Raw(site.call(name + kind, mean=unless(0.0, init.mean), stddev=init.value))
    return Raw(site.call(f"{name}Orthogonal", gain=unless(1.0, init.value)))
