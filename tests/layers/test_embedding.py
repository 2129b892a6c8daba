"""`Embedding` and positions: shapes, weights, costs and numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

import backends.reference.families  # noqa: F401
from dsl.kinds.kind import KindError
from dsl.kinds.values import LayerPath
from dsl.layers.base import LayerError
from dsl.layers.embedding import Embedding, PositionEmbedding, SinusoidalPosition
from dsl.shapes.dim import symbol
from dsl.shapes.types import TensorType
from dsl.training.initializers import Normal, Uniform
from tests.layers.harness import cases, pairwise, reference

TOKENS = TensorType((5,), "int64")
SYMBOLIC = TensorType((symbol("time"),), "int64")
SEQUENCE = TensorType((5, 3))
FOLDED = TensorType((2, 5, 4), axes=("channels", "time", "features"))
LENGTHS = TensorType((symbol("time"), 5))

EMBEDDING_ROWS = pairwise(num_embeddings=[3, 7], embedding_dim=[1, 4], padding_idx=[None, 0, 2])
CASES = cases(Embedding, EMBEDDING_ROWS, TOKENS)
CASES += cases(
    Embedding,
    [
        {"num_embeddings": 3, "embedding_dim": 4, "init": Normal.make(0.02), **padding}
        for padding in ({}, {"padding_idx": 1})
    ],
    TOKENS,
)
for _type in (
    SYMBOLIC,
    TensorType((), "int32"),
    TensorType((2, 3), "int32"),
    TensorType((2, 3), "int64", axes=("channels", "time")),
):
    CASES += cases(Embedding, [{"num_embeddings": 3, "embedding_dim": 4}], _type, sizes={"time": 6})
for _type in (SEQUENCE, FOLDED, LENGTHS, TensorType((5, 3), batched=False)):
    CASES += cases(PositionEmbedding, [{"length": 5}, {"length": 9}], _type, sizes={"time": 4})
    CASES += cases(SinusoidalPosition, [{}, {"base": 100.0}], _type, sizes={"time": 4})


def test_shapes():
    assert Embedding.make(9, 4).infer(SYMBOLIC) == TensorType((symbol("time"), 4))
    assert Embedding.make(9, 4).infer(SYMBOLIC).axes == ("time", "features")
    assert Embedding.make(9, 4).infer(TensorType((), "int32")) == TensorType((4,))
    for layer in (PositionEmbedding.make(7), SinusoidalPosition.make()):
        assert layer.infer(SEQUENCE) == SEQUENCE
        assert layer.infer(LENGTHS) == LENGTHS


def test_weights_and_costs():
    layer = Embedding.make(9, 4)
    (weight,) = layer.weights(TOKENS)
    assert (weight.role, weight.shape, weight.init.scheme) == ("weight", (9, 4), "normal")
    assert layer.macs((TOKENS,), (layer.infer(TOKENS),)) == 0
    assert layer.elementwise((TOKENS,), (layer.infer(TOKENS),)) == 0
    (weight,) = PositionEmbedding.make(7).weights(SEQUENCE)
    assert (weight.role, weight.shape, weight.init.value) == ("weight", (7, 3), 0.02)
    assert PositionEmbedding.make(7).elementwise((SEQUENCE,), (SEQUENCE,)) == 15
    assert SinusoidalPosition.make().weights(SEQUENCE) == ()
    assert SinusoidalPosition.make().elementwise((FOLDED,), (FOLDED,)) == 40 + 2 * 20


def test_a_tied_table_owns_nothing():
    layer = Embedding.make(9, 4, tie=LayerPath("head"))
    assert layer.weights(TOKENS) == ()
    assert layer.tied_shape(TOKENS) == (9, 4)


@pytest.mark.parametrize(
    ("layer", "type", "code"),
    [
        (Embedding.make(9, 4), SEQUENCE, "MSL303"),
        (Embedding.make(9, 4), TensorType((5,), "bool"), "MSL303"),
        (PositionEmbedding.make(4), SEQUENCE, "MSL340"),
        (PositionEmbedding.make(4), TOKENS, "MSL303"),
        (SinusoidalPosition.make(), TensorType((5,)), "MSL302"),
        (SinusoidalPosition.make(), TensorType((3, 8, 8)), "MSL302"),
    ],
)
def test_refuses(layer, type, code):
    with pytest.raises(LayerError) as caught:
        layer.infer(type)
    assert caught.value.code == code


def test_a_table_starts_as_it_is_told():
    (weight,) = Embedding.make(3, 4, init=Uniform.make(-0.1, 0.1)).weights(TOKENS)
    assert (weight.init.scheme, weight.init.value) == ("uniform", 0.1)
    with pytest.raises(KindError) as caught:
        Embedding.make(3, 4, tie=LayerPath("head"), init=Normal.make(0.02))
    assert caught.value.arg == "init"


def test_the_row_for_padding_must_be_there():
    with pytest.raises(KindError) as caught:
        Embedding.make(3, 4, padding_idx=3)
    assert (caught.value.arg, caught.value.code) == ("padding_idx", "MSL311")


def test_numbers_by_hand():
    table = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    run = reference(Embedding.make(3, 2), [np.array([[2, 0]])], {"weight": table}, [TOKENS])
    np.testing.assert_array_equal(run.outputs[0], [[[5, 6], [1, 2]]])
    x = np.array([[[10.0, 20.0], [30.0, 40.0]]])
    run = reference(PositionEmbedding.make(3), [x], {"weight": table}, [TensorType((2, 2))])
    np.testing.assert_array_equal(run.outputs[0], [[[11, 22], [33, 44]]])


def test_waves_by_hand():
    x = np.ones((1, 3, 3))
    run = reference(SinusoidalPosition.make(8.0), [x], {}, [TensorType((3, 3))])
    # rates 8^(-0/3) = 1, the same for the cosine, and 8^(-2/3) = 1/4
    waves = [[math.sin(t), math.cos(t), math.sin(t / 4)] for t in range(3)]
    np.testing.assert_allclose(run.outputs[0], 1 + np.array([waves]))
