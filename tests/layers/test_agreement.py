"""Every case of every family: reference, PyTorch and Keras agree, forward and backward."""

from __future__ import annotations

import functools
import importlib
from pathlib import Path

import pytest

import backends.reference.families
import backends.tensorflow.layers.families
import backends.torch.layers.families  # noqa: F401
from backends.tensorflow.layers import TENSORFLOW
from backends.torch.layers import TORCH
from tests.layers.harness import (
    Case,
    Run,
    assert_close,
    random_weights,
    reference,
    run_keras,
    run_torch,
)

pytestmark = [pytest.mark.torch, pytest.mark.tensorflow]


def family_cases() -> list[tuple[str, Case]]:
    """The cases of all test files of this folder, with the family's name."""
    found = []
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        if path.stem not in ("test_agreement", "test_contract"):
            module = importlib.import_module(f"tests.layers.{path.stem}")
            family = path.stem.removeprefix("test_")
            found += [(family, case) for case in getattr(module, "CASES", [])]
    return found


FOUND = family_cases()
IDS = [f"{family}-{case.kind.name}-{number}" for number, (family, case) in enumerate(FOUND)]
ALL = pytest.mark.parametrize("case", [case for _, case in FOUND], ids=IDS)


def run_all(case: Case, training: bool) -> tuple[Run, Run | None, Run | None, Run | None]:
    """The case in the reference, PyTorch float64, Keras float64 and Keras float32 in a graph."""
    layer, types, inputs = case.layer, case.types, case.arrays()
    weights = random_weights(layer, types)
    run = functools.partial(_run, layer, inputs, weights, types, training)
    on_torch, on_keras = case.kind in TORCH.native, case.kind in TENSORFLOW.native
    return (
        reference(layer, inputs, weights, types, training),
        run(run_torch) if on_torch else None,
        run(run_keras) if on_keras else None,
        run(run_keras, dtype="float32", graph=True) if on_keras else None,
    )


def _run(layer, inputs, weights, types, training, runner, **options):
    return runner(layer, inputs, weights, types, training, **options)


@ALL
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_backends_compute_the_meaning(case: Case, training: bool) -> None:
    if training and not case.training:
        return
    meant, on_torch, on_keras, on_keras32 = run_all(case, training)
    for name, run, rtol in (
        ("torch", on_torch, 1e-6),
        ("keras", on_keras, 1e-6),
        ("keras float32", on_keras32, 1e-4),
    ):
        if run is not None:
            compare_outputs(f"{case}: {name}", run, meant, rtol)
    if on_torch and on_keras:
        compare_gradients(str(case), on_keras, on_torch, 1e-6)


@ALL
def test_float32_in_torch(case: Case) -> None:
    layer, types, inputs = case.layer, case.types, case.arrays()
    if case.kind not in TORCH.native:
        return
    weights = random_weights(layer, types)
    run = run_torch(layer, inputs, weights, types, dtype="float32")
    compare_outputs(f"{case}: torch float32", run, reference(layer, inputs, weights, types), 1e-4)


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
