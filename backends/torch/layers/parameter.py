"""Learned values in PyTorch."""

from __future__ import annotations

from typing import Any

from backends.base import Emission, Raw, Site, unless
from backends.torch.layers import TORCH
from dsl.layers.parameter import Parameter
from dsl.training import initializers as kinds

FUNCTIONS = {
    kinds.Normal: "nn.init.normal_",
    kinds.XavierUniform: "nn.init.xavier_uniform_",
    kinds.XavierNormal: "nn.init.xavier_normal_",
    kinds.KaimingUniform: "nn.init.kaiming_uniform_",
    kinds.KaimingNormal: "nn.init.kaiming_normal_",
    kinds.Orthogonal: "nn.init.orthogonal_",
}


@TORCH.emits(Parameter)
def parameter(layer: Parameter, site: Site) -> Emission:
    """`nn.Parameter`, which is the value."""
    return Emission(site.self, f"nn.Parameter({initial(site, layer.init, layer.shape)})")


def initial(site: Site, init: Any, shape: tuple[int, ...]) -> str:
    """Code of a tensor of this shape, started by an initializer; zeros where that is None."""
    sizes = shape or ((),)
    if init is None or isinstance(init, kinds.Zeros):
        return site.call("torch.zeros", *sizes)
    if isinstance(init, kinds.Ones):
        return site.call("torch.ones", *sizes)
    if isinstance(init, kinds.Constant):
        return site.call("torch.full", shape, init.value)
    empty = Raw(site.call("torch.empty", *sizes))
    if isinstance(init, kinds.Uniform):
        return site.call("nn.init.uniform_", empty, init.low, init.high)
    if isinstance(init, kinds.TruncatedNormal):
        low, high = init.mean - 2 * init.std, init.mean + 2 * init.std
        return site.call("nn.init.trunc_normal_", empty, init.mean, init.std, low, high)
    named = {
        key: unless(argument.default, getattr(init, key))
        for key, argument in init.arguments.items()
    }
    return site.call(FUNCTIONS[type(init)], empty, **named)
