"""Activations in PyTorch: functions, and a module for the one that has weights."""

from __future__ import annotations

from backends.base import Emission, Raw, Site, unless
from backends.torch.channels import on_channels, torch_axis
from backends.torch.layers import TORCH
from dsl.layers import activation as kinds
from dsl.layers.axes import channel_axis, class_axis

FUNCTIONS = {
    kinds.ReLU: "F.relu",
    kinds.ReLU6: "F.relu6",
    kinds.LeakyReLU: "F.leaky_relu",
    kinds.ELU: "F.elu",
    kinds.SELU: "F.selu",
    kinds.CELU: "F.celu",
    kinds.GELU: "F.gelu",
    kinds.SiLU: "F.silu",
    kinds.Mish: "F.mish",
    kinds.Sigmoid: "torch.sigmoid",
    kinds.Tanh: "torch.tanh",
    kinds.Softplus: "F.softplus",
    kinds.Softsign: "F.softsign",
    kinds.Softshrink: "F.softshrink",
    kinds.Hardshrink: "F.hardshrink",
    kinds.Tanhshrink: "F.tanhshrink",
    kinds.Threshold: "F.threshold",
    kinds.LogSigmoid: "F.logsigmoid",
    kinds.Hardsigmoid: "F.hardsigmoid",
    kinds.Hardswish: "F.hardswish",
    kinds.Hardtanh: "F.hardtanh",
    kinds.Clamp: "torch.clamp",
}

ALONG_AXIS = {
    kinds.Softmax: "F.softmax",
    kinds.LogSoftmax: "F.log_softmax",
    kinds.Softmin: "F.softmin",
    kinds.GLU: "F.glu",
}


@TORCH.emits(*FUNCTIONS)
def function(layer: kinds.Activation, site: Site) -> Emission:
    """A function whose arguments have the kind's names and defaults."""
    named = {
        key: unless(argument.default, getattr(layer, key))
        for key, argument in layer.arguments.items()
    }
    return Emission(site.call_forward(FUNCTIONS[type(layer)], Raw(site.x[0]), **named))


@TORCH.emits(*ALONG_AXIS)
def along_axis(layer: kinds.AlongAxis, site: Site) -> Emission:
    """A function of the elements along an axis."""
    dim = torch_axis(site.type, class_axis(layer.dim, site.type))
    return Emission(site.call_forward(ALONG_AXIS[type(layer)], Raw(site.x[0]), dim=dim))


@TORCH.emits(kinds.PReLU)
def prelu(layer: kinds.PReLU, site: Site) -> Emission:
    """`nn.PReLU`, with several slopes on channels behind the batch."""
    module = site.call(
        "nn.PReLU",
        num_parameters=unless(1, layer.num_parameters),
        init=unless(0.25, layer.init),
    )
    if layer.num_parameters == 1:
        return Emission(f"{site.self}({site.x[0]})", module)
    return Emission(on_channels(site, channel_axis(layer.name, site.type)), module)
