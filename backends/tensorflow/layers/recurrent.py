"""Recurrent layers in Keras: the native ones, which run on cuDNN where their conditions hold."""

from __future__ import annotations

from typing import Any

from backends.base import Emission, KerasWeight, Raw, Site, is_traced
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.layout import to_meaning
from dsl.layers.recurrent import GRU, LSTM, Recurrent, SimpleRNN

_CELLS = {SimpleRNN: "simple_rnn_cell", LSTM: "lstm_cell", GRU: "gru_cell"}
_Z_R_N = (1, 0, 2)
"""Keras' order of a GRU's blocks, in PyTorch's r, z, n."""


@TENSORFLOW.emits(SimpleRNN, LSTM, GRU)
def recurrent(layer: Recurrent, site: Site) -> Emission:
    """One native layer, alone or in `layers.Bidirectional`; several in a `RecurrentStack`."""
    batched = all(type.batched for type in site.types if type is not None)
    states, mask = _rest(layer, site)
    more = layer.return_state or any(states) or layer.bias == "double"
    if mask and (any(states) or layer.bidirectional):
        return _stack(layer, site)  # the native layers: zeros for no step, masks that spread
    if layer.layers > 1 or site.type.rank > 2 or not batched or (layer.bidirectional and more):
        return _stack(layer, site)
    return _both(layer, site) if layer.bidirectional else _single(layer, site)


def _single(layer: Recurrent, site: Site) -> Emission:
    """The native layer by itself."""
    module = _construct(layer, site, **_returns(layer), name=Raw(site.name))
    return Emission(_call(layer, site), module, _weights(layer, ""))


def _both(layer: Recurrent, site: Site) -> Emission:
    """The native layer and a second one that reads from the end."""
    inner = _construct(layer, site, **_returns(layer), name=Raw('"rnn"'))
    module = site.call("layers.Bidirectional", Raw(inner), name=Raw(site.name))
    weights = _weights(layer, "_l0", "forward_rnn/"), _weights(
        layer, "_l0_reverse", "backward_rnn/"
    )
    return Emission(_call(layer, site), module, weights[0] + weights[1])


def _stack(layer: Recurrent, site: Site) -> Emission:
    """Native layers on top of each other, in both directions, over any number of dimensions."""
    states, mask = _rest(layer, site)
    helper = site.helper(
        "RecurrentStack",
        initial_state=any(states),
        mask=bool(mask),
        return_state=bool(layer.return_state) or is_traced(layer.return_state),
        batch_axes=site.type.rank > 2 or not site.type.batched,
    )
    module = site.call(
        helper,
        Raw(f"lambda **options: {_construct(layer, site, '**options')}"),
        layer.layers,
        bidirectional=_unless(False, layer.bidirectional),
        dropout=_unless(0.0, layer.dropout),
        **_returns(layer),
        name=Raw(site.name),
    )
    weights = (_weights(layer, suffix, f"{suffix[1:]}/") for suffix in layer.suffixes)
    return Emission(_call(layer, site), module, tuple(rule for rules in weights for rule in rules))


def _returns(layer: Recurrent) -> dict[str, Any]:
    return {
        "return_sequences": _unless(False, layer.return_sequences),
        "return_state": _unless(False, layer.return_state),
    }


def _call(layer: Recurrent, site: Site) -> str:
    """The layer applied; a state that is left out where another is given starts at zero."""
    states, mask = _rest(layer, site)
    given = [state for state in states if state]
    states = [state or f"keras.ops.zeros_like({given[0]})" for state in states if given]
    initial = Raw(f"[{', '.join(states)}]") if states else None
    return site.call_forward(
        site.self,
        Raw(to_meaning(site.x[0] or "", site.type)),
        initial_state=initial,
        mask=Raw(mask) if mask else None,
    )


def _construct(layer: Recurrent, site: Site, options: str = "", **named: Any) -> str:
    """Code of one native layer, started as in PyTorch; `options` are written as they stand."""
    kind, (_, mask) = f"layers.{layer.name}", _rest(layer, site)
    if layer.bias == "double":
        kind = site.helper(f"DoubleBias{layer.name}")
    site.helper("uniform")
    call = site.call(
        site.helper("recurrent", lstm=isinstance(layer, LSTM), masked=bool(mask)),
        Raw(kind),
        layer.hidden_size,
        activation=_unless("tanh", getattr(layer, "activation", "tanh")),
        use_bias=None if layer.bias == "double" else _unless(True, layer.bias),
        **(_masked(layer, bool(options)) if mask else {}),
        **named,
    )
    return f"{call[:-1]}, {options})" if options else call


def _masked(layer: Recurrent, stacked: bool) -> dict[str, Any]:
    """What a layer with a mask needs: zeros where it is false, and no cuDNN.

    cuDNN takes masks that are true in front alone, and at least once.
    """
    zeros = None if stacked else _unless(False, layer.return_sequences)
    cudnn = None if isinstance(layer, SimpleRNN) else False
    return {"zero_output_for_mask": zeros, "use_cudnn": cudnn}


def _weights(layer: Recurrent, suffix: str, place: str = "") -> tuple[KerasWeight, ...]:
    """The variables of the native layer at `place`, which hold the roles with that suffix."""
    is_gru = isinstance(layer, GRU)
    suffix, gates = suffix or "_l0", _Z_R_N if is_gru else ()
    cell = f"{place}{_CELLS[type(layer)]}"
    biases = (f"bias_ih{suffix}", f"bias_hh{suffix}")
    weights = [
        KerasWeight(f"{cell}/kernel", (f"weight_ih{suffix}",), (1, 0), gates),
        KerasWeight(f"{cell}/recurrent_kernel", (f"weight_hh{suffix}",), (1, 0), gates),
    ]
    if layer.bias:
        weights.append(KerasWeight(f"{cell}/bias", biases if is_gru else biases[:1], (), gates))
    if layer.bias == "double":
        weights.append(KerasWeight(f"{place}recurrent_bias", biases[1:]))
    return tuple(weights)


def _rest(layer: Recurrent, site: Site) -> tuple[list[str | None], str | None]:
    """The states given, and the mask."""
    count = 1 + len(layer.state)
    return list(site.x[1:count]), next(iter(site.x[count:]), None)


def _unless(default: Any, value: Any) -> Any:
    """None for the default itself; a value that carries a formula is always written."""
    return None if type(value) is type(default) and value == default else value
