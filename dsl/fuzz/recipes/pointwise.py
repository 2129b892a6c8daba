"""Recipes of kinds that act on each value, or along one axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dsl.fuzz.machine import Refused
from dsl.fuzz.program import literal
from dsl.fuzz.recipes.arguments import axis
from dsl.fuzz.recipes.registry import RECIPES, any_float, fixed, recipe, simple

if TYPE_CHECKING:
    from dsl.fuzz.bodies import Writer

for _kind in (
    "ReLU", "Identity", "GELU", "Tanh", "Sigmoid", "SiLU", "ReLU6", "Abs", "Hardsigmoid",
    "Hardswish", "LogSigmoid", "Mish", "SELU", "Softsign", "Tanhshrink", "Softplus", "Dropout",
    "StochasticDepth", "AlphaDropout",
):  # fmt: skip
    simple(any_float, _kind, lambda w: ([], {}))

simple(any_float, "CELU", lambda w: ([w.d.pick([1.0, 0.5])], {}))
simple(any_float, "ELU", lambda w: ([w.d.pick([1.0, 0.5])], {}))
simple(any_float, "Clamp", lambda w: ([w.d.pick([-1.0, 0]), 1.5], {}))
simple(any_float, "Hardshrink", lambda w: ([w.d.pick([0.5, 0.1])], {}))
simple(any_float, "Softshrink", lambda w: ([w.d.pick([0.5, 0.1])], {}))
simple(any_float, "Hardtanh", lambda w: ([-2.0, w.d.pick([1.0, 2.0])], {}))
simple(any_float, "LeakyReLU", lambda w: ([w.d.pick([0.01, 0.2])], {}))
simple(any_float, "Threshold", lambda w: ([0.1, w.d.pick([0.0, 2.0])], {}))
simple(any_float, "Power", lambda w: ([w.d.pick([2, 3.0])], {}))
simple(any_float, "Scale", lambda w: ([w.d.pick([0.5, -1])], {"offset": w.d.pick([0.0, 1])}))
simple(any_float, "StochasticDepth", lambda w: ([0.1], {"mode": w.d.pick(["row", "batch"])}))
simple(any_float, "Dropout", lambda w: ([w.d.pick([0.1, 0.0])], {}))
simple(any_float, "GELU", lambda w: ([], {"approximate": w.d.pick(["none", "tanh"])}))
simple(any_float, "Softplus", lambda w: ([], {"beta": w.d.pick([1.0, 2.0])}))


@recipe(any_float, "Log", "Sqrt", "Rsqrt")
def _of_positive(w: Writer) -> None:
    w.link("Softplus")
    w.link("Scale", 1.0, offset=0.5)
    w.link(w.d.pick(["Sqrt", "Log", "Rsqrt"]))


@recipe(any_float, "Exp")
def _exponential(w: Writer) -> None:
    w.link("Tanh")
    w.link("Exp")


def along(w: Writer, kind: str) -> None:
    """Passes the value through a kind that acts along an axis."""
    w.link(kind, dim=axis(w, w.x))


for _kind in ("Softmax", "LogSoftmax", "Softmin", "L2Normalize"):
    RECIPES[_kind] = any_float, lambda w, kind=_kind: along(w, kind)


@recipe(fixed, "GLU")
def _gated(w: Writer) -> None:
    even = [place for place, size in enumerate(w.x.shape) if size % 2 == 0]
    if not even:
        raise Refused("no even dimension")
    w.link("GLU", dim=literal(w.d.pick(even)))
