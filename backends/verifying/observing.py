"""Which values of a model show while generated code runs: what its modules are given and give.

A layer's module is watched where its code calls it as it is (``self.conv1(x)``); code that pads or
transposes around the call hides the layer's own values, and functions such as ``F.relu`` show only
in what later modules are given.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import backends.tensorflow.layers.families
import backends.torch.layers.families  # noqa: F401  (registers the emitters)
from backends.base import Emitters, Site, Unsupported
from backends.pycode.literals import python
from backends.tensorflow.layers import TENSORFLOW
from backends.tensorflow.layout import meaning_order
from backends.torch.layers import TORCH
from backends.verifying.walk import Slot, Step
from dsl.ir import CallNode, LayerNode

EMITTERS = {"torch": TORCH, "tensorflow": TENSORFLOW}

Seen = Mapping[str, list[tuple[tuple[Any, ...], tuple[Any, ...]]]]
"""What modules were called with and gave, by path, call by call."""


@dataclass(frozen=True)
class Calling:
    """How code calls a module.

    Attributes:
        inputs: The port behind each positional argument, None where it is something else.
        result: Which of the module's results is the layer's; None where that is not plain.
    """

    inputs: tuple[int | None, ...]
    result: int | None


HIDDEN = Calling((), None)


@dataclass(frozen=True)
class Sight:
    """A value as a module of one backend saw it.

    Attributes:
        slot: The value.
        step: The layer or block whose module it was.
        array: The value, axes as the spec means them.
        given: Whether the module was given it, not made it.
    """

    slot: Slot
    step: Step
    array: Any
    given: bool


def sights(steps: list[Step], seen: Seen, backend: str) -> Iterator[Sight]:
    """Every value that a backend's modules showed, in the order of the steps.

    Args:
        steps: What ran.
        seen: What modules were called with and gave.
        backend: ``torch`` or ``tensorflow``.
    """
    for step in steps:
        calls = seen.get(step.path, [])
        if step.use >= len(calls):
            continue
        args, results = calls[step.use]
        calling = calling_of(step, backend)
        for port, array in zip(calling.inputs, args):
            slot = None if port is None else step.inputs[port]
            yield from _sight(slot, step, array, backend, True)
        if calling.result is not None and calling.result < len(results):
            yield from _sight(step.outputs[0], step, results[calling.result], backend, False)


def calling_of(step: Step, backend: str) -> Calling:
    """How the code of a backend calls the module of a layer or block."""
    if isinstance(step.node, CallNode):
        plain = len(step.outputs) == 1
        return Calling(tuple(range(len(step.inputs))), 0) if plain else HIDDEN
    call = _call(step.node, EMITTERS[backend])
    return HIDDEN if call is None else _calling(ast.parse(call, mode="eval").body)


def _call(node: LayerNode, emitters: Emitters) -> str | None:
    """The code that applies a layer, its ports called ``x0``, ``x1``, ..."""
    ports = tuple(None if v is None else f"x{port}" for port, v in enumerate(node.inputs))

    def code(value: Any) -> str:
        return python(value, str)

    def helper(name: str, **flags: Any) -> str:
        return name

    outputs = tuple(value.type for value in node.outputs)
    site = Site(
        ports, node.types, outputs, "self.layer", '"layer"', code, code, helper,
        "self.source.weight", "anchor",
    )  # fmt: skip
    try:
        emission = emitters.emit(node.layer, site)
    except Unsupported:
        return None
    return emission.call if emission.module else None


def _calling(call: ast.expr) -> Calling:
    """How an expression calls ``self.layer``."""
    result = 0
    if isinstance(call, ast.Subscript) and isinstance(call.slice, ast.Constant):
        call, result = call.value, call.slice.value
    if not isinstance(call, ast.Call) or ast.unparse(call.func) != "self.layer":
        return HIDDEN
    return Calling(tuple(map(_port, call.args)), result if isinstance(result, int) else None)


def _port(argument: ast.expr) -> int | None:
    """The port that an argument is, if it is one."""
    is_port = isinstance(argument, ast.Name) and argument.id.startswith("x")
    return int(argument.id[1:]) if is_port else None  # type: ignore[attr-defined]


def _sight(slot: Slot | None, step: Step, array: Any, backend: str, given: bool) -> Iterator[Sight]:
    """What was seen of a value, unless it has another shape than the value."""
    if slot is None or array is None or not slot.type.is_float:
        return
    order = meaning_order(slot.type) if backend == "tensorflow" else ()
    if len(order) == array.ndim:
        array = np.transpose(array, order)
    if array.shape[int(slot.type.batched) :] == slot.type.shape:
        yield Sight(slot, step, array, given)
