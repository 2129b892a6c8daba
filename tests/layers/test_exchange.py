"""Weights of every kind go into Keras' variables and back without a bit of them changing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest

import backends.tensorflow.layers.families  # noqa: F401  (registers the emitters)
from backends.tensorflow.exchange import pack, unpack
from backends.tensorflow.layers import TENSORFLOW
from tests.layers.harness import Case, family_cases, keras_model

pytestmark = [pytest.mark.tensorflow]


def chosen() -> Iterator[Case]:
    """Of each kind with weights, a case of each number of weights and of axes."""
    seen = set()
    for _, case in family_cases():
        weights = case.layer.weights(*case.types)
        if not weights or case.kind not in TENSORFLOW.native:
            continue
        mark = (case.kind, len(weights), max(len(weight.shape) for weight in weights))
        if mark not in seen:
            seen.add(mark)
            yield case


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Keras forgets the models of a test."""
    yield
    keras.backend.clear_session()


def bits(array: Any) -> tuple[tuple[int, ...], bytes]:
    """A shape and all bits, so that -0, NaN and what it carries count."""
    return array.shape, np.ascontiguousarray(array).tobytes()


def drawn(random: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Any bits at all as float32."""
    count = int(np.prod(shape, dtype=int))
    return np.frombuffer(random.bytes(4 * count), "<f4").reshape(shape)


def test_every_kind_with_weights_is_tried():
    tried = {case.kind for case in chosen()}
    weighted = {case.kind for _, case in family_cases() if case.layer.weights(*case.types)}
    assert weighted <= tried | TENSORFLOW.reasons.keys()
    assert {kind.name for kind in tried} > {"Linear", "LSTM", "Conv2d", "MixtureOfExperts"}


@pytest.mark.parametrize("case", list(chosen()), ids=str)
def test_there_and_back(case: Case):
    random = np.random.default_rng(0)
    weights = case.layer.weights(*case.types)
    shapes = {weight.role: tuple(map(int, weight.shape)) for weight in weights}
    model, emission = keras_model(case.layer, case.types)
    front = f"{model.layer.path}/"
    found = {variable.path.removeprefix(front): variable for variable in model.layer.variables}
    given = {role: drawn(random, shape) for role, shape in shapes.items()}
    back: dict[str, Any] = {}
    for rule in emission.weights:
        variable = found[rule.variable]
        arrays = {role: given[role] for role in rule.roles}
        packed = pack(rule, arrays, tuple(variable.shape), np)
        assert sorted(packed.view("<u4").flat) == sorted(
            word for array in arrays.values() for word in array.view("<u4").flat
        )
        back |= unpack(rule, packed, shapes, np)
        own = drawn(random, tuple(variable.shape))
        parts = unpack(rule, own, shapes, np)
        assert bits(pack(rule, parts, own.shape, np)) == bits(own)
    assert {role: bits(array) for role, array in back.items()} == {
        role: bits(array) for role, array in given.items()
    }
