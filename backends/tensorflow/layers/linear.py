"""Linear maps in Keras."""

from __future__ import annotations

from backends.base import Emission, KerasWeight, Raw, Site, unless
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.layers.parameter import initializer
from backends.tensorflow.layers.reparametrization import construct
from backends.tensorflow.layout import to_meaning, to_storage
from dsl.layers.linear import Linear
from dsl.shapes.dim import Dim

_LETTERS = "bthwxyzacefgijklmnopqrsu"


def uniform(site: Site, fan_in: Dim) -> Raw:
    """Code of the initializer uniform in ``+-1/sqrt(fan_in)``, a new one at each use."""
    return Raw(site.call(site.helper("uniform"), fan_in))


@TENSORFLOW.emits(Linear)
def linear(layer: Linear, site: Site) -> Emission:
    """`layers.Dense`, whose kernel is ``[in, out]``; a tied one takes the other layer's weight."""
    if layer.tie:
        return _tied(layer, site)
    use_bias, name = unless(True, layer.bias), Raw(site.name)
    kernels: tuple[KerasWeight, ...] = (KerasWeight("kernel", ("weight",), (1, 0)),)
    if layer.init is not None:
        module = site.call(
            "layers.Dense",
            layer.out_features,
            use_bias=use_bias,
            kernel_initializer=initializer(site, layer.weights(site.type)[0].init),
            bias_initializer=uniform(site, site.type.shape[-1]) if layer.bias else None,
            name=name,
        )
    elif layer.weight is None:
        sizes = site.type.shape[-1], layer.out_features
        module = site.call(site.helper("dense"), *sizes, use_bias=use_bias, name=name)
    else:
        start = uniform(site, site.type.shape[-1])
        module, kernels = construct(
            layer,
            site,
            "layers.Dense",
            (1, 0),
            layer.out_features,
            use_bias=use_bias,
            kernel_initializer=start,
            bias_initializer=start if layer.bias else None,
            name=name,
        )
    return Emission(
        _call(site), module, kernels + (KerasWeight("bias", ("bias",)),) * bool(layer.bias)
    )


def _call(site: Site) -> str:
    """Code of the call, on the last dimension of the meaning wherever it is stored."""
    x = to_meaning(site.x[0] or "", site.type)
    return to_storage(f"{site.self}({x})", site.outputs[0])


def _tied(layer: Linear, site: Site) -> Emission:
    """A product with the other layer's weight, so that both uses train it."""
    source, _, variable = site.tied.rpartition(".")
    if not layer.bias:
        return Emission(to_storage(_product(site, variable), site.outputs[0]))
    site.helper("uniform")
    helper = site.helper("TiedDense", **{variable: True})
    module = site.call(helper, Raw(source), layer.out_features, name=Raw(site.name))
    return Emission(_call(site), module, (KerasWeight("bias", ("bias",)),))


def _product(site: Site, variable: str) -> str:
    """Code of ``x W^T``: an operation that takes the variable itself, so that it stays live.

    Letters stand for dimensions in front; an ellipsis would make each position a product apart.
    """
    x = to_meaning(site.x[0] or "", site.type)
    if variable == "kernel":
        return f"keras.ops.matmul({x}, {site.tied})"
    front = _LETTERS[not site.type.batched :][: site.type.rank + site.type.batched - 1]
    return f'keras.ops.einsum("{front}d,vd->{front}v", {x}, {site.tied})'
