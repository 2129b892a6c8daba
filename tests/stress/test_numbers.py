"""Layers at the ends of what numbers hold: both frameworks give what the formula means."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest

from backends.verifying.compare import distance
from tests.layers.harness import (
    Case,
    family_cases,
    random_weights,
    reference,
    run_keras,
    run_torch,
)

pytestmark = [pytest.mark.torch, pytest.mark.tensorflow]

SCALES = ("0", "1e-30", "1e3", "1e30", "nan")
STEADY = (
    "ReLU ReLU6 LeakyReLU ELU SELU CELU GELU SiLU Mish Sigmoid Tanh Softplus Softsign Softshrink"
    " Hardshrink Threshold LogSigmoid Hardtanh Softmax LogSoftmax Softmin GLU LayerNorm RMSNorm"
    " GroupNorm Linear Conv2d AvgPool2d GlobalAvgPool Mean Sum"
).split()
"""Kinds that are tried at every scale; not among them what follows ties and rounding."""


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Keras forgets the models of a test."""
    yield
    keras.backend.clear_session()


def chosen() -> Iterator[Case]:
    """The first case of each kind."""
    seen = set()
    for _, case in family_cases():
        if case.kind.name in STEADY and case.kind not in seen:
            seen.add(case.kind)
            yield case


def scaled(arrays: list[Any], scale: str) -> list[Any]:
    """Inputs times a number, or with one NaN among them."""
    found = [np.array(array) for array in arrays]
    for array in found:
        if array.dtype != np.float64:
            continue
        if scale == "nan":
            array.flat[array.size // 2] = np.nan
        else:
            array *= float(scale)
    return found


def test_every_kind_named_is_tried():
    assert {case.kind.name for case in chosen()} == set(STEADY)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("case", list(chosen()), ids=lambda case: case.kind.name)
def test_extreme_values(case: Case, scale: str):
    layer, types, inputs = case.layer, case.types, scaled(case.arrays(), scale)
    weights = random_weights(layer, types)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        meant = reference(layer, [np.array(x) for x in inputs], weights, types)
        for run in (run_torch, run_keras):
            found = run(layer, inputs, weights, types)
            for ours, theirs in zip(found.outputs, meant.outputs, strict=True):
                assert distance(ours, theirs, 1e-12) <= 1e-6, run.__name__
    if scale == "nan":
        assert all(np.isnan(y).any() for y in meant.outputs)
    else:
        assert all(np.isfinite(y).all() for y in meant.outputs)
