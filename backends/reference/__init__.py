"""The meaning of every layer in NumPy float64: the oracle that both backends are held to.

Each function computes a kind's documented formula and cites the formula's source, not a framework.
Arrays carry the batch first, except those of a learned `Parameter`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dsl.kinds.kind import Kind

REFERENCE: dict[type[Kind], Callable[..., Any]] = {}


@dataclass
class Mode:
    """How a layer runs.

    Attributes:
        training: Whether dropout draws and normalisation uses the batch's statistics.
        draw: Gives uniform numbers in [0, 1) of a shape, for stochastic kinds in training.
        updates: Receives new values of buffers by role.
        penalties: Receives what a layer adds to the loss of a training step.
    """

    training: bool = False
    draw: Callable[[tuple[int, ...]], Any] | None = None
    updates: dict[str, Any] = field(default_factory=dict)
    penalties: list[Any] = field(default_factory=list)


def reference(*kinds: type[Kind]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers a function ``(layer, inputs, weights, mode, types) -> array or tuple``.

    Args of the function: the kind with plain arguments; an array per port (None where absent);
    arrays by role; the `Mode`; the inputs' types.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        for kind in kinds:
            REFERENCE[kind] = function
        return function

    return register
