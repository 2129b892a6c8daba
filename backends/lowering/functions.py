"""``layer`` arguments as functions, which the constructors of classes are handed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backends.base import Emission, Unsupported
from backends.lowering.align import Conflict
from backends.lowering.scribe import HOLE
from dsl.diagnostics.model import Reporter
from dsl.kinds.kind import find
from dsl.layers.base import Layer, LayerError
from dsl.passes.arguments import Evaluator
from dsl.passes.evaluate import Reported
from dsl.passes.scope import LayerClosure
from dsl.shapes.types import TensorType

SAMPLES = (TensorType((8,)), TensorType((8, 8, 8)))
"""Types on which a layer must come out as the same function to be one."""


def function_text(
    closure: LayerClosure, emit: Callable[[Layer, TensorType], Emission], identity: str
) -> str:
    """Code of a function that does what a layer does to one value.

    Args:
        closure: The layer as the spec has it.
        emit: Gives the code of a layer on a value.
        identity: The framework's function that hands its value on.

    Raises:
        Conflict: It is no function: it has weights, or its code depends on the value's rank.
    """
    layer = _layer_of(closure)
    texts = {_as_function(layer, emit, type_, identity) for type_ in SAMPLES}
    if len(texts) != 1:
        raise Conflict
    return texts.pop()


def _layer_of(closure: LayerClosure) -> Any:
    """The layer with its arguments; blocks are no functions."""
    kind = find("layer", closure.call.kind)
    if kind is None or closure.call.kind in closure.scope.module.blocks:
        raise Conflict
    try:
        return Evaluator(Reporter()).instance(kind, closure.call, closure.scope)
    except Reported:
        raise Conflict from None


def _as_function(
    layer: Any, emit: Callable[[Layer, TensorType], Emission], type_: TensorType, identity: str
) -> str:
    try:
        is_map = layer.infer(type_) == type_ and not layer.weights(type_)
        emission = emit(layer, type_) if is_map else None
    except (LayerError, Unsupported, TypeError):
        raise Conflict from None
    if emission is None:
        raise Conflict
    if emission.module is not None:
        return emission.module
    hole = HOLE.format(0)
    name, bracket, rest = emission.call.partition("(")
    if bracket and rest == f"{hole})":
        return name
    return identity if emission.call == hole else f"lambda x: {emission.call.replace(hole, 'x')}"
