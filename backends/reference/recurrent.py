"""Recurrent layers, from their formulas."""

from __future__ import annotations

from typing import Any

import numpy as np

from backends.reference import Mode, reference
from dsl.layers.recurrent import GRU, LSTM, Recurrent, SimpleRNN

State = tuple[np.ndarray, ...]


@reference(SimpleRNN, LSTM, GRU)
def recurrent(
    layer: Recurrent, inputs: list[Any], weights: dict[str, Any], mode: Mode, types: Any
) -> np.ndarray | tuple[np.ndarray, ...]:
    """Layers on top of each other over time (Goodfellow et al. 2016, section 10.1-10.3)."""
    x, mask = inputs[0], next(iter(inputs[1 + len(layer.state) :]), None)
    start, final = _start(layer, inputs), []
    for level in range(layer.layers):
        if level:
            x = _dropped(layer, x, mode)
        runs = []
        for direction in range(layer.directions):
            copy = level * layer.directions + direction
            roles = _roles(layer, weights, layer.suffixes[copy])
            first = tuple(s[..., copy, :] for s in start)
            steps, last = _scan(layer, x, first, roles, direction, mask)
            runs.append(steps)
            final.append(last)
        x = np.concatenate(runs, axis=-1)
    if not layer.return_sequences:
        x = np.concatenate([state[0] for state in final[-layer.directions :]], axis=-1)
    if not layer.return_state:
        return x
    states = [np.stack(copies, axis=-2) for copies in zip(*final)]
    return (x, *(s[..., 0, :] if s.shape[-2] == 1 else s for s in states))


def _start(layer: Recurrent, inputs: list[Any]) -> State:
    """Each state as ``[.., copies, hidden]``, zero where none is given."""
    batch, copies = inputs[0].shape[:-2], layer.layers * layer.directions
    own = (layer.hidden_size,) if copies == 1 else (copies, layer.hidden_size)
    count = len(layer.state)
    given = [*inputs[1 : 1 + count], *[None] * count][:count]
    full = (np.broadcast_to(0.0 if s is None else s, batch + own) for s in given)
    return tuple(s.reshape((*batch, copies, layer.hidden_size)) for s in full)


def _roles(layer: Recurrent, weights: dict[str, Any], suffix: str) -> dict[str, Any]:
    """One layer's and direction's weights, offsets that it does not have as zero."""
    none = np.zeros(layer.gates * layer.hidden_size)
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    return {name: weights.get(f"{name}{suffix}", none) for name in names}


def _dropped(layer: Recurrent, x: np.ndarray, mode: Mode) -> np.ndarray:
    """Inverted dropout between layers (Srivastava et al. 2014, section 10)."""
    if not (mode.training and layer.dropout and mode.draw):
        return x
    return np.where(mode.draw(x.shape) >= layer.dropout, x / (1 - layer.dropout), 0.0)


def _scan(
    layer: Recurrent, x: np.ndarray, state: State, w: dict[str, Any], backward: int, mask: Any
) -> tuple[np.ndarray, State]:
    """The result of every step in its place, and the final state; a mask passes over steps."""
    time = x.shape[-2]
    steps: list[Any] = [None] * time
    for t in reversed(range(time)) if backward else range(time):
        new = _STEPS[type(layer)](layer, x[..., t, :], state, w)
        counts = True if mask is None else mask[..., t, None]
        state = tuple(np.where(counts, *pair) for pair in zip(new, state))
        steps[t] = np.where(counts, state[0], 0.0)
    return np.stack(steps, axis=-2), state


def _rnn_step(layer: SimpleRNN, x: np.ndarray, state: State, w: dict[str, Any]) -> State:
    """``h = act(W_ih x + b + W_hh h)`` (Goodfellow et al. 2016, eq. 10.8-10.9)."""
    a = x @ w["weight_ih"].T + w["bias_ih"] + state[0] @ w["weight_hh"].T + w["bias_hh"]
    return (np.maximum(a, 0.0) if layer.activation == "relu" else np.tanh(a),)


def _lstm_step(layer: Recurrent, x: np.ndarray, state: State, w: dict[str, Any]) -> State:
    """Gates i, f, g, o (Goodfellow et al. 2016, eq. 10.40-10.44)."""
    h, c = state
    a = x @ w["weight_ih"].T + w["bias_ih"] + h @ w["weight_hh"].T + w["bias_hh"]
    i, f, g, o = np.split(a, 4, axis=-1)
    c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
    return _sigmoid(o) * np.tanh(c), c


def _gru_step(layer: Recurrent, x: np.ndarray, state: State, w: dict[str, Any]) -> State:
    """Blocks r, z, n; the reset acts behind the recurrent product (Cho et al. 2014, version 1)."""
    (h,) = state
    r, z, n = np.split(x @ w["weight_ih"].T + w["bias_ih"], 3, axis=-1)
    r_h, z_h, n_h = np.split(h @ w["weight_hh"].T + w["bias_hh"], 3, axis=-1)
    z = _sigmoid(z + z_h)
    return ((1 - z) * np.tanh(n + _sigmoid(r + r_h) * n_h) + z * h,)


def _sigmoid(a: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * a))


_STEPS = {SimpleRNN: _rnn_step, LSTM: _lstm_step, GRU: _gru_step}
