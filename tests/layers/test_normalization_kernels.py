"""Batch normalisation in float32, where Keras' code runs a fused kernel: gradients too."""

from __future__ import annotations

import pytest

import backends.tensorflow.layers.families
import backends.torch.layers.families  # noqa: F401
from tests.layers.harness import assert_close, random_weights, run_keras, run_torch
from tests.layers.test_normalization import CASES, BatchNorm

pytestmark = [pytest.mark.torch, pytest.mark.tensorflow]
BATCH = [case for case in CASES if case.kind is BatchNorm]


@pytest.mark.parametrize("case", BATCH, ids=str)
def test_gradients_in_float32(case):
    weights = random_weights(case.layer, case.types)
    given = case.layer, case.arrays(), weights, case.types, True
    expected, run = run_torch(*given), run_keras(*given, dtype="float32")
    assert_close(run.inputs[0], expected.inputs[0], 1e-3, "gradient of the input")
    assert run.weights.keys() == expected.weights.keys()
    for role, gradient in expected.weights.items():
        assert_close(run.weights[role], gradient, 1e-3, f"gradient of {role}")
