"""Recurrent layers in PyTorch: the native ones, which run on cuDNN."""

from __future__ import annotations

from typing import Any

from backends.base import Emission, Raw, Site
from backends.torch.layers import TORCH
from dsl.layers.recurrent import GRU, LSTM, Recurrent, SimpleRNN


@TORCH.emits(SimpleRNN, LSTM, GRU)
def recurrent(layer: Recurrent, site: Site) -> Emission:
    """`nn.RNN`, `nn.LSTM` or `nn.GRU`; where the layer has one bias a gate, `single_bias` of it."""
    module = site.call(
        "nn.RNN" if isinstance(layer, SimpleRNN) else f"nn.{layer.name}",
        site.type.shape[-1],
        layer.hidden_size,
        num_layers=_unless(1, layer.layers),
        nonlinearity=_unless("tanh", getattr(layer, "activation", "tanh")),
        bias=None if layer.bias == "double" else _unless(True, layer.bias),
        batch_first=True,
        dropout=_unless(0.0, layer.dropout),
        bidirectional=_unless(False, layer.bidirectional),
    )
    if layer.biases == ("bias_ih",):
        module = f"{site.helper('single_bias')}({module})"
    is_plain = site.type.rank == 2 and site.type.batched and not any(site.x[1:])
    if is_plain and not layer.return_state:
        return Emission(_plain_call(layer, site), module)
    return Emission(_general_call(layer, site), module)


def _plain_call(layer: Recurrent, site: Site) -> str:
    """One result of a batch of sequences."""
    results = f"{site.self}({site.x[0]})"
    if layer.return_sequences:
        return f"{results}[0]"
    if not layer.bidirectional:
        return f"{results}[0][:, -1]"
    h = f"{results}[1][0]" if isinstance(layer, LSTM) else f"{results}[1]"
    return f"{h}[-2:].transpose(0, 1).flatten(1)"


def _general_call(layer: Recurrent, site: Site) -> str:
    """States in or out, a mask, or further dimensions in front of time."""
    states, mask = _rest(layer, site)
    if mask:
        site.helper("packed")
    if any(states):
        given = next(state for state in states if state)
        states = [state or f"torch.zeros_like({given})" for state in states]
    parts = [Raw(state) for state in (site.self, site.x[0], *states) if state]
    last = None if layer.return_sequences else True
    recur = site.helper("recur", mask=bool(mask))
    call = site.call_forward(recur, *parts, mask=Raw(mask) if mask else None, last=last)
    return call if layer.return_state else f"{call}[0]"


def _rest(layer: Recurrent, site: Site) -> tuple[list[str | None], str | None]:
    """The states given, and the mask."""
    count = 1 + len(layer.state)
    return list(site.x[1:count]), next(iter(site.x[count:]), None)


def _unless(default: Any, value: Any) -> Any:
    """None for the default itself; a value that carries a formula is always written."""
    return None if type(value) is type(default) and value == default else value
