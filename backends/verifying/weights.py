"""Weights by key, drawn so that every one of them shows in what the model computes.

A model at its start hides mistakes: offsets are zero, factors one, and the branch behind a scale of
1e-6 is not to be seen. So each weight keeps the scale and the sign of its start, and moves off it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from backends.verifying.draws import Draws
from dsl.ir import Model, weight_keys
from dsl.layers.base import Init, Weight

SPREAD = 0.1
"""How far a weight that starts at one number moves off it, as a deviation."""

FAINT = 0.1
"""A constant below this hides what it scales; it becomes `VISIBLE`."""

VISIBLE = 0.3

DEVIATIONS = {"uniform": 1 / math.sqrt(3), "normal": 1.0, "truncated_normal": 0.88}
"""The deviation of a scheme over its `value`."""


def draw_weights(model: Model, draws: Draws) -> dict[str, np.ndarray]:
    """A value for every weight and running statistic of a model, by key, float64."""
    return {
        item.key: np.asarray(_value(item.key, item.weight, draws))  # one of no axes, too
        for item in weight_keys(model.body.nodes)
    }


def _value(key: str, weight: Weight, draws: Draws) -> np.ndarray:
    shape = tuple(map(int, weight.shape))
    noise = draws.normal(shape, "weight", key)
    start = START.get(weight.init.scheme)
    if start is None:
        return weight.init.mean + _deviation(weight.init, shape) * noise.clip(-2, 2)
    return start(weight.init, shape) * (1 + SPREAD * noise.clip(-3, 3)) + (
        SPREAD * noise if weight.init.scheme == "zeros" else 0
    )


def _constant(init: Init, shape: tuple[int, ...]) -> np.ndarray:
    visible = init.value if abs(init.value) >= FAINT else VISIBLE
    return np.full(shape, visible)


def _log_count(init: Init, shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(np.log(np.arange(1.0, shape[-1] + 1)), shape)


START: dict[str, Callable[[Init, tuple[int, ...]], np.ndarray]] = {
    "zeros": lambda _, shape: np.zeros(shape),
    "ones": lambda _, shape: np.ones(shape),
    "norm": lambda _, shape: np.ones(shape),
    "constant": _constant,
    "log_count": _log_count,
}
"""Where weights start that start at given numbers."""


def _deviation(init: Init, shape: tuple[int, ...]) -> float:
    """The deviation of the start, but enough for activations to keep their scale."""
    fan_in = math.prod(shape[1:]) if len(shape) > 1 else 1
    own = init.value * DEVIATIONS.get(init.scheme, 0.0)
    return max(own, 1 / math.sqrt(fan_in) if fan_in > 1 else own or SPREAD)
