"""Response normalisation: numbers by hand, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from dsl.layers.base import LayerError
from dsl.layers.response import GRN, LocalResponseNorm
from dsl.shapes.types import SIGNAL, TensorType
from tests.layers.harness import Case, cases, pairwise, reference

IMAGE_TYPE = TensorType((5, 3, 4))
SIGNAL_TYPE = TensorType((5, 4), axes=SIGNAL)
SEQUENCE_TYPE = TensorType((4, 5))
LAST_TYPE = TensorType((3, 4, 5), axes=("height", "width", "channels"))
TYPES = (IMAGE_TYPE, SIGNAL_TYPE, SEQUENCE_TYPE, LAST_TYPE)
SETTINGS = pairwise(size=[1, 2, 3, 4, 9], alpha=[1e-4, 0.5], beta=[0.75, 0.5], k=[1.0, 2.0])


def with_a_dead_channel(random):
    x = random.normal(size=(2, 5, 3, 4))
    x[:, 1] = 0
    return [x]


CASES = [
    Case(GRN, {}, (IMAGE_TYPE,), inputs=with_a_dead_channel),
    *(Case(GRN, {}, (x,)) for x in (*TYPES, TensorType((3, 2, 2, 2)))),
    Case(GRN, {"eps": 0.1}, (IMAGE_TYPE,)),
    *cases(LocalResponseNorm, SETTINGS, IMAGE_TYPE),
    *(Case(LocalResponseNorm, {"size": 3, "alpha": 0.5}, (x,)) for x in TYPES),
]


def test_global_response_by_hand():
    x = np.array([[[3.0, 4.0], [0.0, 15.0]]])  # norms 5 and 15, mean 10
    weights = {"weight": np.array([2.0, 2.0]), "bias": np.array([0.0, 1.0])}
    run = reference(GRN.make(eps=1e-12), [x], weights, [TensorType((2, 2), axes=SIGNAL)])
    np.testing.assert_allclose(run.outputs[0], [[[6, 8], [1, 61]]])


def test_local_response_by_hand():
    x = np.array([[[1.0], [2.0], [3.0]]])
    layer = LocalResponseNorm.make(2, alpha=2.0, beta=1.0, k=1.0)
    run = reference(layer, [x], {}, [TensorType((3, 1), axes=SIGNAL)])
    np.testing.assert_allclose(run.outputs[0][0, :, 0], [1 / 2, 2 / 6, 3 / 14])


@pytest.mark.parametrize("kind", [GRN.make(), LocalResponseNorm.make(3)], ids=str)
@pytest.mark.parametrize(
    ("type", "code"),
    [
        (TensorType((4,)), "MSL302"),
        (TensorType((4, 3, 3), "int64"), "MSL303"),
        (TensorType((4, 3, 3), batched=False), "MSL321"),
    ],
)
def test_refuses(kind, type, code):
    with pytest.raises(LayerError) as caught:
        kind.infer(type)
    assert caught.value.code == code
