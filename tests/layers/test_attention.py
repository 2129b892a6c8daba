"""Attention: shapes, weights, costs and numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backends.reference.attention import alibi_bias
from dsl.kinds.kind import KindError
from dsl.layers.attention import Attention, CrossAttention, DotProductAttention, SelfAttention
from dsl.layers.base import LayerError
from dsl.shapes.dim import symbol
from dsl.shapes.types import TensorType
from tests.layers.harness import cases, pairwise, reference, run_keras, run_torch

ROLES = ("query", "key", "value", "out")
SEQUENCE = TensorType((5, 12))
MEMORY = TensorType((3, 7))
OPEN = TensorType((symbol("time"), 12))
DEEP = TensorType((2, 5, 12), axes=(None, "time", "features"))
LATENTS = TensorType((3, 12), batched=False)


def mask(*shape: int) -> TensorType:
    """A mask of a shape."""
    return TensorType(shape, "bool")


def bias(*shape: int, batched: bool = False) -> TensorType:
    """A bias of a shape."""
    return TensorType(shape, batched=batched)


OPTIONS = {
    "heads": [2, 6],
    "kv_heads": [None, 2],
    "head_dim": [None, 4],
    "causal": [False, True],
    "rope": [None, 100.0],
    "bias": [True, False, ("query", "key", "value"), ("query", "value", "out")],
    "window": [None, 2],
    "scale": [None, 0.3],
}
SELF = pairwise(**OPTIONS)
CROSS = pairwise(**{key: OPTIONS[key] for key in ("heads", "kv_heads", "head_dim", "rope", "bias")})
PARTLY = [
    {"heads": 2, "rope": 100.0, "rope_dim": 4},
    {"heads": 2, "kv_heads": 1, "head_dim": 8, "rope": 10.0, "rope_dim": 2, "bias": ("query",)},
    {"heads": 2, "rope": 100.0, "rope_dim": 6, "causal": True},
    {"heads": 1, "rope": 100.0, "rope_scaling": (3.0, 0.5, 1.5, 9.0)},
    {"heads": 1, "rope": 50.0, "rope_scaling": (2.0, 0.1, 0.6, 4.0), "rope_interleaved": True},
]
NEWER = pairwise(
    lambda row: row["qk_norm_whole"] and row["qk_norm"] is None,
    heads=[2, 6],
    kv_heads=[None, 2],
    causal=[False, True],
    window=[None, 3],
    rope_interleaved=[False, True],
    alibi=[False, True],
    qk_norm=[None, 0.1],
    qk_norm_whole=[False, True],
    softcap=[None, 1.5],
    sinks=[False, True],
    scale=[None, 0.9],
    bias=[True, False],
)
NEWER = [{**row, "rope": 100.0, "head_dim": 4} for row in NEWER]
NEWER[1]["rope_dim"] = NEWER[2]["rope_dim"] = 2
APART = [
    {"heads": 2, "alibi": True},
    {"heads": 3, "alibi": True, "causal": True},
    {"heads": 2, "qk_norm": 1e-6, "qk_norm_whole": True, "kv_heads": 1},
    {"heads": 3, "qk_norm": 1e-6, "dropout": 0.5},
    {"heads": 2, "softcap": 0.5, "dropout": 0.5},
    {"heads": 2, "sinks": True},
]
VARIED = [
    {"heads": 2, "dropout": 0.5, "rope": 9.0, "rope_dim": 4, "scale": 0.2},
    {"heads": 2, "rope": 9.0, "rope_interleaved": True, "alibi": True},
    {"heads": 3, "causal": True, "window": 3, "bias": ("value", "key")},
    {"heads": 1, "rope": 100.0, "rope_scaling": (3.0, 0.5, 1.5, 9.0)},
]
BIASED = [
    {"heads": 2, "scale": 1.0},
    {"heads": 2, "causal": True, "kv_heads": 1},
    {"heads": 2, "causal": True, "window": 2, "rope": 100.0},
]
TWO = [{"heads": 2}, {"heads": 2, "causal": True}, {"heads": 2, "window": 2}]
SEEN = TensorType((2, 5, 5), "bool", batched=False)
"""A mask that is the same for each sample, with a row of its own for each window."""
PLAIN = pairwise(heads=[1, 3], causal=[False, True], window=[None, 2], scale=[None, 0.3])

CASES = [
    *cases(SelfAttention, SELF, SEQUENCE, None),
    *cases(SelfAttention, SELF[::2], SEQUENCE, mask(5, 5), training=False),
    *cases(SelfAttention, SELF[1::3], SEQUENCE, mask(5), training=False),
    *cases(SelfAttention, SELF[::3], OPEN, None, sizes={"time": 6}, training=False),
    *cases(SelfAttention, SELF[1::4], DEEP, mask(5), training=False),
    *cases(SelfAttention, BIASED, SEQUENCE, None, bias(2, 5, 5)),
    *cases(SelfAttention, BIASED, SEQUENCE, mask(5), bias(2, 5, 5, batched=True), training=False),
    *cases(SelfAttention, BIASED[:2], DEEP, mask(2, 5, 5), bias(2, 5, 5), training=False),
    *cases(SelfAttention, BIASED[1:], DEEP, None, bias(2, 2, 5, 5), training=False),
    *cases(
        SelfAttention, BIASED[:1], DEEP, mask(5, 5), bias(2, 5, 5, batched=True), training=False
    ),
    *cases(SelfAttention, BIASED[:1], DEEP, SEEN, bias(2, 2, 5, 5, batched=True), training=False),
    *cases(SelfAttention, BIASED[:2], DEEP, SEEN, None, training=False),
    *cases(CrossAttention, BIASED[:1], SEQUENCE, MEMORY, None, bias(2, 5, 3), training=False),
    *cases(CrossAttention, BIASED[:1], LATENTS, MEMORY, mask(3), bias(2, 3, 3), training=False),
    *cases(Attention, BIASED, *(SEQUENCE,) * 3, mask(5, 5), bias(2, 5, 5), training=False),
    *cases(SelfAttention, NEWER, SEQUENCE, None),
    *cases(SelfAttention, NEWER[::2], DEEP, mask(5), training=False),
    *cases(SelfAttention, APART, SEQUENCE, None, training=False),
    *cases(SelfAttention, APART[::2], SEQUENCE, mask(5, 5), bias(2, 5, 5), training=False),
    *cases(SelfAttention, APART[::2], OPEN, None, sizes={"time": 6}, training=False),
    *cases(CrossAttention, APART[2:], SEQUENCE, MEMORY, None, training=False),
    *cases(Attention, APART[2:], SEQUENCE, MEMORY, MEMORY, mask(3), training=False),
    *cases(SelfAttention, PARTLY, SEQUENCE, None),
    *cases(SelfAttention, PARTLY[:1], OPEN, None, sizes={"time": 6}, training=False),
    *cases(CrossAttention, VARIED, SEQUENCE, SEQUENCE, None, training=False),
    *cases(Attention, VARIED, SEQUENCE, SEQUENCE, SEQUENCE, None, training=False),
    *cases(SelfAttention, VARIED[:1], SEQUENCE, None, training=False),
    *cases(CrossAttention, CROSS, SEQUENCE, MEMORY, None),
    *cases(CrossAttention, CROSS[::3], SEQUENCE, MEMORY, mask(5, 3), training=False),
    *cases(CrossAttention, CROSS[1::3], LATENTS, MEMORY, mask(3), training=False),
    *cases(Attention, SELF[::2], SEQUENCE, SEQUENCE, TensorType((5, 3)), None, training=False),
    *cases(Attention, CROSS[::2], SEQUENCE, MEMORY, TensorType((3, 4)), mask(3), training=False),
    *cases(DotProductAttention, PLAIN, SEQUENCE, SEQUENCE, TensorType((5, 6)), None),
    *cases(DotProductAttention, PLAIN, SEQUENCE, SEQUENCE, SEQUENCE, mask(5), training=False),
    *cases(DotProductAttention, PLAIN[::2], DEEP, DEEP, DEEP, mask(5, 5), training=False),
    *cases(DotProductAttention, PLAIN, DEEP, DEEP, DEEP, mask(2, 5, 5), training=False),
    *cases(DotProductAttention, TWO, *(SEQUENCE,) * 3, None, bias(2, 5, 5), training=False),
    *cases(DotProductAttention, TWO, *(SEQUENCE,) * 3, mask(5), bias(2, 5, 5), training=False),
    *cases(DotProductAttention, [{}], *(SEQUENCE,) * 3, None, bias(1, 5, 5), training=False),
    *cases(
        DotProductAttention,
        [{}, {"heads": 2, "dropout": 0.5}],
        LATENTS,
        OPEN,
        OPEN,
        None,
        sizes={"time": 4},
        training=False,
    ),
]


def test_shape_weights_and_macs_of_gpt2():
    layer, x = SelfAttention.make(12, causal=True), TensorType((1024, 768))
    assert layer.infer(x, None) == x
    weights = {weight.role: weight for weight in layer.weights(x, None)}
    assert list(weights)[:2] == ["query.weight", "query.bias"]
    assert all(weights[f"{role}.weight"].shape == (768, 768) for role in ROLES)
    assert sum(weight.count for weight in weights.values()) == 4 * (768 * 768 + 768)
    attention = 4 * 1024 * 768 * 768 + 2 * 1024 * 1024 * 768
    assert layer.macs((x, None), (x,)) == attention
    mlp, head = 2 * 1024 * 768 * 4 * 768, 1024 * 768 * 50257
    assert 2 * (12 * (attention + mlp) + head) == 291_648_307_200


def test_grouped_heads_and_other_sizes():
    layer = CrossAttention.make(6, 2, 5, bias=False)
    x, memory = TensorType((4, 12)), TensorType((3, 7))
    assert layer.infer(x, memory, None) == x
    assert {w.role: w.shape for w in layer.weights(x, memory, None)} == {
        "query.weight": (30, 12),
        "key.weight": (10, 7),
        "value.weight": (10, 7),
        "out.weight": (12, 30),
    }
    macs = 4 * 12 * 30 + 2 * (3 * 7 * 10) + 4 * 30 * 12 + 2 * 4 * 3 * 30
    assert layer.macs((x, memory, None), (x,)) == macs
    # five for each of 6 * 4 * 3 scores; no offsets, no rotation
    assert layer.elementwise((x, memory, None), (x,)) == 5 * 6 * 4 * 3


def test_costs_keep_the_symbol():
    layer, time = SelfAttention.make(2, rope=100.0), symbol("time")
    assert layer.macs((OPEN,), (OPEN,)) == 4 * 12 * 12 * time + 2 * 12 * time * time
    rotated, offsets = 3 * 2 * 12 * time, 4 * 12 * time
    assert layer.elementwise((OPEN,), (OPEN,)) == 5 * 2 * time * time + rotated + offsets


def test_offsets_of_some_projections_and_rotation_of_some_features():
    layer = SelfAttention.make(2, 1, rope=100.0, rope_dim=4, bias=("query", "value"))
    x = TensorType((5, 12))
    assert {w.role: w.shape for w in layer.weights(x, None) if w.role.endswith("bias")} == {
        "query.bias": (12,),
        "value.bias": (6,),
    }
    # five for each of 2 * 5 * 5 scores, three for 4 features of three heads, offsets of 12 and 6
    assert layer.elementwise((x, None), (x,)) == 250 + 3 * 5 * 3 * 4 + 5 * (12 + 6)


def test_gradients_cost_their_products():
    x, y = TensorType((4, 6)), TensorType((5, 8))
    layer = CrossAttention.make(2, bias=False)
    types = (x, y, None)
    forward = layer.macs(types, (x,))
    attention = 2 * 4 * 5 * 6
    # trained and wanted by both inputs, every product costs twice its forward MACs
    assert layer.backward_macs(types, (x,), (True, True, False), True) == 2 * forward
    # without gradients of the inputs, the three projections of inputs need only their weights'
    first = 2 * attention + (4 * 6 * 6 + 2 * 5 * 8 * 6) + 2 * 4 * 6 * 6
    assert layer.backward_macs(types, (x,), (False, False, False), True) == first
    plain = DotProductAttention.make()
    # keys alone: once for the scores, once through the average
    assert plain.backward_macs((x, x, x), (x,), (False, True, False), False) == 2 * 4 * 4 * 6


def test_a_learned_query_meets_a_batch():
    assert CrossAttention.make(2).infer(LATENTS, MEMORY, None).batched
    assert not SelfAttention.make(2).infer(LATENTS).batched


def by_hand(layer, *arrays, types):
    """The result of a layer without weights on one sample."""
    inputs = [
        None if array is None else np.array([array] if type.batched else array)
        for array, type in zip(arrays, types)
    ]
    return reference(layer, inputs, {}, types).outputs[0][0]


def test_scores_by_hand():
    # scores 0 and log(3) after the scale 1/2: weights 1/4 and 3/4
    query, key = [[1.0, 0, 0, 0]], [[0.0, 0, 0, 0], [2 * math.log(3), 0, 0, 0]]
    value = [[4.0], [8.0]]
    types = [TensorType((1, 4)), TensorType((2, 4)), TensorType((2, 1))]
    y = by_hand(DotProductAttention.make(), query, key, value, None, types=[*types, None])
    np.testing.assert_allclose(y, [[0.25 * 4 + 0.75 * 8]])
    # one more for the first key triples its weight: both are 1/2
    evened = by_hand(
        DotProductAttention.make(), query, key, value, None, [[[math.log(3), 0]]],
        types=[*types, None, bias(1, 1, 2)],
    )  # fmt: skip
    np.testing.assert_allclose(evened, [[6]])
    allowed = by_hand(
        DotProductAttention.make(), query, key, value, [True, False], types=[*types, mask(2)]
    )
    np.testing.assert_allclose(allowed, [[4]])
    nothing = by_hand(
        DotProductAttention.make(), query, key, value, [False, False], types=[*types, mask(2)]
    )
    np.testing.assert_array_equal(nothing, [[0]])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, [[3], [3], [3]]),
        ({"causal": True}, [[1], [2], [3]]),
        ({"window": 2}, [[2], [3], [4]]),
        ({"causal": True, "window": 2}, [[1], [2], [4]]),
        ({"causal": True, "window": 1}, [[1], [3], [5]]),
    ],
)
def test_who_sees_whom_by_hand(arguments, expected):
    # equal scores: each result is the plain average of the values 1, 3, 5 that are seen
    zeros, value = [[0.0, 0]] * 3, [[1.0], [3], [5]]
    types = [TensorType((3, 2)), TensorType((3, 2)), TensorType((3, 1)), None]
    layer = DotProductAttention.make(**arguments)
    np.testing.assert_allclose(by_hand(layer, zeros, zeros, value, None, types=types), expected)


def test_rotation_by_hand():
    """A quarter turn at position 1: the base makes the only angle ``1 * base ** 0 = 1`` radian."""
    x = TensorType((2, 2))
    weights = {f"{role}.weight": np.eye(2) for role in ROLES}
    layer = SelfAttention.make(1, rope=10.0, bias=False, scale=1.0)
    y = reference(layer, [np.array([[[1.0, 0.0], [1.0, 0.0]]]), None], weights, [x, None])
    # both values are [1, 0], so their average is too, whatever the weights
    np.testing.assert_allclose(y.outputs[0], [[[1, 0], [1, 0]]])
    y = reference(layer, [np.array([[[1.0, 0.0], [0.0, 1.0]]]), None], weights, [x, None])
    # keys [1, 0] and, turned by 1 radian, [-sin 1, cos 1]; the query at 0 is [1, 0]
    first = math.e / (math.e + math.exp(-math.sin(1)))
    np.testing.assert_allclose(y.outputs[0][0, 0], [first, 1 - first])


def test_weights_and_costs_of_newer_settings():
    x, types = TensorType((5, 12)), (TensorType((5, 12)), None, None)
    by_head = SelfAttention.make(3, 1, qk_norm=1e-6, sinks=True, bias=False)
    assert [(w.role, w.shape, w.group) for w in by_head.weights(*types)[4:]] == [
        ("query_norm.weight", (4,), "norm"),
        ("key_norm.weight", (4,), "norm"),
        ("sinks", (3,), "bias"),
    ]
    # five for each of 3 * 5 * 5 scores and 3 * 5 sinks, four for each of 5 * (12 + 4) features
    assert by_head.elementwise(types, (x,)) == 5 * (75 + 15) + 4 * 80
    whole = SelfAttention.make(3, 1, qk_norm=1e-6, qk_norm_whole=True, bias=False)
    assert [w.shape for w in whole.weights(*types)[4:]] == [(12,), (4,)]
    capped = SelfAttention.make(3, bias=False, softcap=5.0, alibi=True)
    biased = (x, None, bias(3, 5, 5))
    assert capped.elementwise(biased, (x,)) == (5 + 1 + 1 + 3) * 75
    assert capped.macs(biased, (x,)) == SelfAttention.make(3).macs(types, (x,))


def equal_scores(**arguments) -> np.ndarray:
    """Results of one head for values 0, 1 and 2 that all have the score 0, but for the settings."""
    x, eye = TensorType((3, 2)), np.eye(2)
    layer = Attention.make(1, bias=False, **arguments)
    weights = {f"{role}.weight": eye for role in ROLES}
    if layer.sinks:
        weights["sinks"] = np.array([math.log(3)])
    zeros, value = np.zeros((1, 3, 2)), np.array([[[0.0, 0], [1, 0], [2, 0]]])
    types = [x, x, x, None, None]
    return reference(layer, [zeros, zeros, value, None, None], weights, types).outputs[0][0, :, 0]


def test_sinks_and_rates_by_hand():
    # three weights of 1 beside a sink of 3: each is a sixth
    np.testing.assert_allclose(equal_scores(sinks=True), [0.5, 0.5, 0.5])
    # one head falls by 2 ** -8 for each position between
    near, far = math.exp(-(2**-8)), math.exp(-(2**-7))
    first = (near + 2 * far) / (1 + near + far)
    np.testing.assert_allclose(equal_scores(alibi=True), [first, 1, 2 - first])
    # of six heads four fall as four would, two at rates between those of eight
    rates = -alibi_bias(6, 2)[:, 1, 0]
    np.testing.assert_allclose(rates, [2**-2, 2**-4, 2**-6, 2**-8, 2**-1, 2**-3])


def test_caps_norms_and_neighbours_by_hand():
    x, eye = TensorType((2, 2)), np.eye(2)
    ones = dict.fromkeys(("query_norm.weight", "key_norm.weight"), np.ones(2))
    weights = {f"{role}.weight": eye for role in ROLES} | ones
    given = [np.array([[[10.0, 0.0], [0.0, 10.0]]]), None, None]

    def first(**arguments) -> float:
        layer = SelfAttention.make(1, bias=False, scale=1.0, **arguments)
        return reference(layer, given, weights, [x, None, None]).outputs[0][0, 0, 0] / 10

    # scores 100 and 0: bounded by 1 they are tanh(100) = 1 and 0
    np.testing.assert_allclose(first(softcap=1.0), math.e / (math.e + 1))
    # heads of root mean square 1 are [sqrt(2), 0] and [0, sqrt(2)]: scores 2 and 0
    np.testing.assert_allclose(first(qk_norm=0.0), math.e**2 / (math.e**2 + 1))
    # with one pair neighbours and halves are the same
    turned = first(rope=3.0, qk_norm=0.0, rope_interleaved=True)
    np.testing.assert_allclose(turned, first(rope=3.0, qk_norm=0.0))


def test_dropped_weights_by_hand():
    zeros, value = np.zeros((1, 2, 1)), np.array([[[2.0], [6.0]]])
    types = [TensorType((2, 1))] * 3
    layer = DotProductAttention.make(dropout=0.75)
    draws = np.array([[[[0.8, 0.1], [0.7, 0.9]]]])  # kept where at least 0.75
    run = reference(layer, [zeros, zeros, value], {}, types, True, lambda shape: draws)
    # each weight 1/2 grows to 2 where kept
    np.testing.assert_allclose(run.outputs[0], [[[4], [12]]])


@pytest.mark.torch
@pytest.mark.tensorflow
def test_dropout_in_the_frameworks():
    """With one key a result is 0 or value / (1 - p), about as often as p says."""
    import backends.tensorflow.layers.families
    import backends.torch.layers.families  # noqa: F401

    kind, types = DotProductAttention, [
        TensorType((400, 2)),
        TensorType((1, 2)),
        TensorType((1, 1)),
    ]
    layer = kind.make(dropout=0.75)
    inputs = [np.zeros((1, 400, 2)), np.zeros((1, 1, 2)), np.full((1, 1, 1), 3.0)]
    for run in (run_torch, run_keras):
        y = run(layer, inputs, {}, types, training=True).outputs[0]
        assert set(np.round(np.unique(y), 6)) == {0.0, 12.0}
        assert 0.15 < np.mean(y > 0) < 0.35
        np.testing.assert_allclose(run(layer, inputs, {}, types).outputs[0], 3.0)


@pytest.mark.parametrize(
    ("layer", "types", "code", "at"),
    [
        (SelfAttention.make(5), (SEQUENCE,), "MSL313", "heads"),
        (SelfAttention.make(4, rope=10.0), (SEQUENCE,), "MSL313", "rope"),
        (SelfAttention.make(2, rope=10.0, rope_dim=3), (SEQUENCE,), "MSL313", "rope_dim"),
        (SelfAttention.make(2, rope=10.0, rope_dim=8), (SEQUENCE,), "MSL313", "rope_dim"),
        (SelfAttention.make(2), (TensorType((5,)),), "MSL302", 0),
        (SelfAttention.make(2), (TensorType((5, 4), "int64"),), "MSL303", 0),
        (SelfAttention.make(2), (TensorType((4, 8, 8)),), "MSL350", 0),
        (SelfAttention.make(2), (SEQUENCE, TensorType((5,))), "MSL303", 1),
        (SelfAttention.make(2), (SEQUENCE, mask(4)), "MSL306", 1),
        (SelfAttention.make(2), (SEQUENCE, mask(5, 5, 5)), "MSL302", 1),
        (SelfAttention.make(2), (DEEP, mask(3, 5, 5)), "MSL306", 1),
        (SelfAttention.make(2), (SEQUENCE, None, mask(2, 5, 5)), "MSL303", 2),
        (SelfAttention.make(2), (SEQUENCE, None, bias(3, 5, 5)), "MSL306", 2),
        (SelfAttention.make(2), (SEQUENCE, None, bias(5, 5)), "MSL302", 2),
        (SelfAttention.make(2), (DEEP, None, bias(3, 2, 5, 5)), "MSL306", 2),
        (CrossAttention.make(2), (SEQUENCE, MEMORY, None, bias(2, 5, 5)), "MSL306", 3),
        (SelfAttention.make(2), (TensorType((5, symbol("d"))),), "MSL309", ""),
        (CrossAttention.make(2, causal=True), (SEQUENCE, MEMORY), "MSL314", "causal"),
        (CrossAttention.make(2, window=2), (SEQUENCE, MEMORY), "MSL314", "window"),
        (CrossAttention.make(2, alibi=True), (SEQUENCE, MEMORY), "MSL314", "alibi"),
        (CrossAttention.make(2), (DEEP, SEQUENCE), "MSL306", 1),
        (Attention.make(2), (SEQUENCE, MEMORY, SEQUENCE), "MSL306", 2),
        (DotProductAttention.make(), (SEQUENCE, MEMORY, MEMORY), "MSL306", 1),
        (DotProductAttention.make(2), (SEQUENCE, SEQUENCE, TensorType((5, 7))), "MSL313", "heads"),
    ],
)
def test_refuses(layer, types, code, at):
    with pytest.raises(LayerError) as caught:
        layer.infer(*types)
    assert caught.value.code == code
    assert at in (caught.value.arg, caught.value.input)


def test_refuses_groups_of_unequal_size():
    with pytest.raises(KindError) as caught:
        SelfAttention.make(6, kv_heads=4)
    assert (caught.value.code, caught.value.arg) == ("MSL313", "kv_heads")


@pytest.mark.parametrize(
    ("arguments", "at"),
    [
        ({"rope_dim": 4}, "rope_dim"),
        ({"bias": ("key", "key")}, "bias"),
        ({"rope_interleaved": True}, "rope_interleaved"),
        ({"rope_scaling": (8.0, 1.0, 4.0, 8192.0)}, "rope_scaling"),
        ({"rope": 100.0, "rope_scaling": (8.0, 4.0, 1.0, 8192.0)}, "rope_scaling"),
        ({"qk_norm_whole": True}, "qk_norm_whole"),
    ],
)
def test_arguments_that_disagree(arguments, at):
    with pytest.raises(KindError) as caught:
        SelfAttention.make(2, **arguments)
    assert caught.value.arg == at
