"""Linear maps in Keras."""

from __future__ import annotations

from backends.base import Emission, KerasWeight, Raw, Site
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.layout import to_meaning, to_storage
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
    site.helper("uniform")
    module = site.call(
        site.helper("dense", bias=layer.bias is not True),
        site.type.shape[-1],
        layer.out_features,
        bias=None if layer.bias is True else layer.bias,
        name=Raw(site.name),
    )
    weights = (KerasWeight("kernel", ("weight",), (1, 0)), KerasWeight("bias", ("bias",)))
    return Emission(_call(site), module, weights[: 2 if layer.bias else 1])


def _call(site: Site) -> str:
    """Code of the call, on the last dimension of the meaning wherever it is stored."""
    x = to_meaning(site.x[0] or "", site.type)
    return to_storage(f"{site.self}({x})", site.outputs[0])


def _tied(layer: Linear, site: Site) -> Emission:
    """A layer of its own that keeps the other layer at hand, so that both uses train the weight."""
    source, _, variable = site.tied.rpartition(".")
    site.helper("uniform")
    module = site.call(
        site.helper(
            "TiedDense", bias=bool(layer.bias), unbiased=not layer.bias, **{variable: True}
        ),
        Raw(source),
        layer.out_features if layer.bias else None,
        name=Raw(site.name),
    )
    weights = (KerasWeight("bias", ("bias",)),) if layer.bias else ()
    return Emission(_call(site), module, weights)
