"""What is known of a model's accuracy: published, measured, or nothing. It is never guessed."""

from __future__ import annotations

import os
from collections.abc import Mapping

from dsl.ir import Model, walk
from dsl.ir_text import value_text
from dsl.record import Record
from dsl.shapes.trace import plain

_PATH = os.path.join(os.path.dirname(__file__), "published.toml")
_PASSIVE = ("Dropout", "DropPath", "Identity", "StochasticDepth")
"""Kinds that training may set otherwise; they are no part of the architecture's identity."""


class Evidence(Record):
    """What is known of an accuracy.

    Attributes:
        level: ``published``, ``measured`` or ``none``.
        value: The figure: in percent where published, else as measured.
        spread: Half the range over seeds, where measured with several.
        figure: What was measured: ``top-1 on ImageNet-1K``.
        source: Who says so.
    """

    level: str = "none"
    value: float | None = None
    spread: float | None = None
    figure: str = ""
    source: str = ""


NONE = Evidence()


def fingerprint(model: Model) -> str:
    """What an architecture is known by, 16 hexadecimal digits.

    Kinds, arguments, weights and sizes of all layers in order, but for the number of classes: the
    last layer with weights counts by its kind and what goes into it.
    """
    from hashlib import sha256

    layers = list(walk(model.body.nodes))
    weighted = [at for at, visit in enumerate(layers) if visit.node.weights]
    head = weighted[-1] if weighted else -1
    words = [str(value.type) for value in model.body.inputs]
    for at, visit in enumerate(layers):
        layer = visit.node.layer
        if layer.name in _PASSIVE:
            continue
        values = layer.values.items() if at != head else ()
        arguments = [f"{name}={value_text(plain(value))}" for name, value in values]
        shapes = [str(weight.shape) for weight in visit.node.weights] if at < head else []
        inputs = [str(kind) for kind in visit.node.types] if at == head else []
        words.append(" ".join([layer.name, str(visit.times), *arguments, *shapes, *inputs]))
    return sha256("\n".join(words).encode("utf-8")).hexdigest()[:16]


def table() -> Mapping[str, Mapping[str, object]]:
    """Published figures by entry of the zoo."""
    import tomllib

    with open(_PATH, "rb") as file:
        return tomllib.load(file)


def published(model: Model) -> Evidence:
    """What was published of an architecture, if its fingerprint is known."""
    wanted = fingerprint(model)
    for name, row in table().items():
        if row["fingerprint"] == wanted:
            return Evidence(
                "published", float(str(row["top1"])), None, "top-1 % on ImageNet-1K",
                f"torchvision, weights {row['weights']}, of the zoo's {name}",
            )  # fmt: skip
    return NONE
