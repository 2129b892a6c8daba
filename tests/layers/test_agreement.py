"""Every case of every family: reference, PyTorch and Keras agree, forward and backward."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import backends.reference.families
import backends.tensorflow.layers.families
import backends.torch.layers.families  # noqa: F401
from backends.base import Emitters, Unsupported
from backends.tensorflow.layers import TENSORFLOW
from backends.torch.layers import TORCH
from tests.layers.harness import (
    Case,
    Run,
    assert_close,
    family_cases,
    initial_weights,
    random_weights,
    reference,
    run_keras,
    run_torch,
    with_formulas,
)

pytestmark = [pytest.mark.torch, pytest.mark.tensorflow]

RTOL = {"float64": 1e-6, "float32": 1e-4}


def runs() -> Iterator[Any]:
    """Each case in evaluation mode, and in training mode where that differs."""
    for number, (family, case) in enumerate(family_cases()):
        modal = case.training and (case.kind.stateful or case.kind.stochastic)
        for training in (False, True) if modal else (False,):
            mode = "train" if training else "eval"
            yield pytest.param(case, training, id=f"{family}-{case.kind.name}-{number}-{mode}")


@pytest.mark.parametrize(("case", "training"), list(runs()))
def test_backends_compute_the_meaning(case: Case, training: bool) -> None:
    """Outputs against the reference, in float64 and float32; gradients between the backends."""
    layer, types, inputs = case.layer, case.types, case.arrays()
    weights = random_weights(layer, types)
    given = (layer, inputs, weights, types, training)
    meant = reference(*given)
    assert case.kind in TORCH.native.keys() | TORCH.reasons.keys()
    assert case.kind in TENSORFLOW.native.keys() | TENSORFLOW.reasons.keys()
    on_torch = on_keras = None
    if case.kind in TORCH.native:
        on_torch = run_torch(*given)
        compare_outputs(f"{case} in PyTorch", on_torch, meant, RTOL["float64"])
        run = run_torch(*given, dtype="float32")
        compare_outputs(f"{case} in PyTorch, float32", run, meant, RTOL["float32"])
    if case.kind in TENSORFLOW.native:
        on_keras = run_keras(*given, dtype=case.keras_dtype)
        compare_outputs(f"{case} in Keras", on_keras, meant, RTOL[case.keras_dtype])
        run = run_keras(*given, dtype="float32", graph=True)
        compare_outputs(f"{case} in Keras, a graph in float32", run, meant, RTOL["float32"])
    if on_torch and on_keras:
        compare_gradients(str(case), on_keras, on_torch, RTOL[case.keras_dtype])


@pytest.mark.parametrize("case", [case for _, case in family_cases() if case.arguments], ids=str)
@pytest.mark.parametrize("emitters", [TORCH, TENSORFLOW], ids=lambda emitters: emitters.backend)
def test_arguments_of_a_block_compute_the_same(case: Case, emitters: Emitters) -> None:
    """Code that writes names of parameters for numbers, as in a class for a block, is right too."""
    layer, types, inputs = case.layer, case.types, case.arrays()
    weights = random_weights(layer, types)
    run = run_torch if emitters is TORCH else functools.partial(run_keras, graph=True)
    try:
        actual = run(with_formulas(layer), inputs, weights, types, dtype="float32")
    except Unsupported as refusal:
        assert refusal.help
        return
    compare_outputs(str(case), actual, reference(layer, inputs, weights, types), RTOL["float32"])


def owners() -> list[Case]:
    """A case with weights for each kind that has such."""
    first: dict[Any, Case] = {}
    for _, case in family_cases():
        if case.layer.weights(*case.types):
            first.setdefault(case.kind, case)
    return list(first.values())


@pytest.mark.parametrize("case", owners(), ids=lambda case: case.kind.name)
@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
def test_weights_start_as_declared(case: Case, backend: str) -> None:
    """Constants are exact; of random ones the spread is near what the distribution has."""
    layer = case.layer
    held = initial_weights(layer, case.types, backend)
    for weight in layer.weights(*case.types):
        values, init = held[weight.role], weight.init
        if init.scheme in ("zeros", "ones", "constant"):
            wanted = {"zeros": 0.0, "ones": 1.0}.get(init.scheme, init.value)
            assert_close(values, np.full(weight.shape, wanted), 1e-6, weight.role)
        elif init.scheme == "uniform":
            assert np.abs(values).max() <= init.value * (1 + 1e-6), weight.role
            assert values.size < 8 or np.abs(values).max() > init.value / 2, weight.role
            assert values.size < 2 or np.ptp(values) > 0, weight.role
        elif init.scheme == "normal" and values.size >= 16:
            assert 0.4 < np.std(values) / init.value < 1.8, weight.role


def compare_outputs(what: str, run: Run, meant: Run, rtol: float) -> None:
    """Outputs and running statistics agree."""
    assert len(run.outputs) == len(meant.outputs), what
    for number, (actual, expected) in enumerate(zip(run.outputs, meant.outputs)):
        assert_close(actual, expected, rtol, f"{what}: output {number}")
    assert run.buffers.keys() == meant.buffers.keys(), what
    for role, expected in meant.buffers.items():
        assert_close(run.buffers[role], expected, rtol, f"{what}: {role} after the run")


def compare_gradients(what: str, run: Run, other: Run, rtol: float) -> None:
    """Gradients of inputs and weights agree."""
    for number, (actual, expected) in enumerate(zip(run.inputs, other.inputs)):
        if expected is not None:
            assert_close(actual, expected, rtol, f"{what}: gradient of input {number}")
    assert run.weights.keys() == other.weights.keys(), what
    for role, expected in other.weights.items():
        assert_close(run.weights[role], expected, rtol, f"{what}: gradient of {role}")
