"""Linear maps in Keras."""

from __future__ import annotations

from backends.base import Emission, KerasWeight, Raw, Site
from backends.tensorflow.layers import TENSORFLOW
from dsl.layers.linear import Linear
from dsl.shapes.dim import Dim


def uniform(site: Site, fan_in: Dim) -> Raw:
    """Code of the initializer uniform in ``+-1/sqrt(fan_in)``, a new one at each use."""
    return Raw(site.call(site.helper("uniform"), fan_in))


@TENSORFLOW.emits(Linear)
def linear(layer: Linear, site: Site) -> Emission:
    """`layers.Dense`, whose kernel is ``[in, out]``; a tied one takes the other layer's weight."""
    if layer.tie:
        return _tied(layer, site)
    fan_in = site.type.shape[-1]
    module = site.call(
        "layers.Dense",
        layer.out_features,
        use_bias=None if layer.bias is True else layer.bias,
        kernel_initializer=uniform(site, fan_in),
        bias_initializer=uniform(site, fan_in) if layer.bias else None,
        name=Raw(site.name),
    )
    weights = (KerasWeight("kernel", ("weight",), (1, 0)), KerasWeight("bias", ("bias",)))
    return Emission(f"{site.self}({site.x[0]})", module, weights[: 2 if layer.bias else 1])


def _tied(layer: Linear, site: Site) -> Emission:
    """A product with ``site.tied``, a weight ``[out, in]`` of another layer."""
    if not layer.bias:
        return Emission(f"keras.ops.matmul({site.x[0]}, keras.ops.transpose({site.tied}))")
    module = site.call(
        site.helper("TiedDense"),
        layer.out_features,
        bias_initializer=uniform(site, site.type.shape[-1]),
        name=Raw(site.name),
    )
    call = f"{site.self}({site.x[0]}, {site.tied})"
    return Emission(call, module, (KerasWeight("bias", ("bias",)),))
