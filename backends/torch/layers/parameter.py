"""Learned values in PyTorch."""

from __future__ import annotations

from typing import Any

from backends.base import Emission, Raw, Site, unless
from backends.torch.layers import TORCH
from dsl.layers.parameter import Parameter
from dsl.training import initializers as kinds

FUNCTIONS = {
    kinds.Zeros: "nn.init.zeros_",
    kinds.Ones: "nn.init.ones_",
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
    function, args, named = filling(init)
    return site.call(function, Raw(site.call("torch.empty", *sizes)), *args, **named)


def initialized(site: Site, module: str, init: Any) -> str:
    """Code of a module whose weight starts as an initializer has it; its own way for None."""
    if init is None:
        return module
    function, args, named = filling(init)
    padded = "padding_idx" in module
    helper = site.helper("initialized", padding=padded)
    return site.call(helper, Raw(module), Raw(function), *args, **named)


def filling(init: Any) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """The function that fills a tensor as an initializer has it, with its further arguments."""
    if isinstance(init, kinds.Constant):
        return "nn.init.constant_", (init.value,), {}
    if isinstance(init, kinds.Uniform):
        return "nn.init.uniform_", (init.low, init.high), {}
    if isinstance(init, kinds.TruncatedNormal):
        low, high = init.mean - 2 * init.std, init.mean + 2 * init.std
        named = {"mean": unless(0.0, init.mean), "std": init.std, "a": low, "b": high}
        return "nn.init.trunc_normal_", (), named
    named = {
        key: unless(argument.default, getattr(init, key))
        for key, argument in init.arguments.items()
    }
    return FUNCTIONS[type(init)], (), named
