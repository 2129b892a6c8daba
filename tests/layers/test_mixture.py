"""Mixtures of experts: routing, ties, the penalty for uneven use, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import backends.tensorflow.layers.families
import backends.torch.layers.families  # noqa: F401
import dsl
from backends.reference import REFERENCE, Mode
from dsl.kinds.kind import KindError
from dsl.kinds.values import BadValue
from dsl.layers.activation import GELU, GLU, Mish, PReLU, ReLU, SiLU, Softplus
from dsl.layers.base import LayerError
from dsl.layers.linear import Linear
from dsl.layers.mixture import MixtureOfExperts
from dsl.shapes.dim import symbol
from dsl.shapes.types import TensorType
from tests.layers.harness import (
    Case,
    cases,
    keras_model,
    pairwise,
    random_weights,
    reference,
    run_keras,
    run_torch,
    torch_module,
)

TIME = symbol("time")
TEXT = TensorType((TIME, 4))
SIZES = {"time": 5}
BASE = {"experts": 5, "top_k": 2, "hidden": 3}


def with_ties(random: np.random.Generator) -> list[np.ndarray]:
    """Positions of zeros, to which all experts are the same, among others."""
    x = random.normal(size=(2, 5, 4))
    x[:, ::2] = 0
    return [x]


FORMS = pairwise(
    exclude=lambda row: row["shared_gate"] and not row["shared_hidden"],
    gated=[True, False],
    bias=[False, True],
    normalize=[True, False],
    score=["softmax", "sigmoid"],
    scale=[1.0, 2.5],
    shared_hidden=[0, 6],
    shared_gate=[False, True],
    act=[SiLU(), ReLU()],
    balance=[0.0, 0.01],
)
ACTS = [GELU(approximate="tanh"), Mish(), Softplus(beta=2.0)]

CASES = [
    *cases(MixtureOfExperts, [BASE | row for row in FORMS], TEXT, sizes=SIZES),
    *cases(MixtureOfExperts, [BASE | {"act": act} for act in ACTS], TEXT, sizes=SIZES),
    *cases(MixtureOfExperts, [
        {"experts": 4, "top_k": 1, "hidden": 7, "normalize": False},
        {"experts": 3, "top_k": 3, "hidden": 2},
        {"experts": 1, "top_k": 1, "hidden": 2, "normalize": False},
    ], TensorType((6,)), batch=3),
    Case(MixtureOfExperts, BASE, (TensorType((2, 3, 4), axes=(None, "time", "features")),)),
    Case(MixtureOfExperts, BASE, (TensorType((3, 4), batched=False),)),
    Case(MixtureOfExperts, BASE | {"bias": True}, (TEXT,), sizes=SIZES, inputs=with_ties),
    Case(MixtureOfExperts, BASE | {"bias": True, "score": "sigmoid", "normalize": False}, (TEXT,),
        sizes=SIZES, inputs=with_ties),
]  # fmt: skip
"""Pairs with the other values of sizes say nothing new: each is a loop over experts."""

BALANCED = [
    BASE | {"balance": 0.5},
    BASE | {"balance": 0.25, "score": "sigmoid", "normalize": False},
    {"experts": 4, "top_k": 1, "hidden": 3, "normalize": False, "balance": 2.0},
]


def test_equal_scores_go_to_the_first_experts():
    layer, x = MixtureOfExperts.make(4, 2, 1, gated=False, bias=True), np.zeros((1, 1, 2))
    weights = random_weights(layer, [TensorType((1, 2))])
    weights["up.bias"], weights["down.bias"] = np.zeros((4, 1)), np.arange(8.0).reshape(4, 2)
    run = reference(layer, [x], weights, [TensorType((1, 2))])
    np.testing.assert_allclose(run.outputs[0], [[[(0 + 2) / 2, (1 + 3) / 2]]])


def test_routing_by_hand():
    """Two experts of one unit each; the router prefers the second by log 3."""
    layer = MixtureOfExperts.make(2, 2, 1, act=ReLU(), gated=False)
    weights = {
        "router.weight": np.array([[0.0], [np.log(3)]]),
        "up.weight": np.array([[[1.0]], [[2.0]]]),
        "down.weight": np.array([[[10.0]], [[10.0]]]),
    }
    run = reference(layer, [np.array([[1.0]])], weights, [TensorType((1,))])
    np.testing.assert_allclose(run.outputs[0], [[0.25 * 10 + 0.75 * 20]])


def test_even_use_costs_balance_times_top_k():
    layer = MixtureOfExperts.make(4, 1, 3, normalize=False, balance=0.5)
    mode, x = Mode(training=True), np.eye(4)
    weights = random_weights(layer, [TensorType((4,))]) | {"router.weight": np.eye(4)}
    REFERENCE[MixtureOfExperts](layer, [x], weights, mode, [TensorType((4,))])
    np.testing.assert_allclose(mode.penalties, [0.5])


def test_costs_count_what_runs():
    layer = MixtureOfExperts.make(8, 2, 16, shared_hidden=32, shared_gate=True)
    x = TensorType((10, 4))
    assert layer.macs((x,), (x,)) == 10 * (8 * 4 + 2 * 3 * 4 * 16 + 3 * 4 * 32 + 4)
    weights = layer.weights(x)
    assert sum(w.count for w in weights) == 8 * 4 + 8 * 3 * 4 * 16 + 3 * 4 * 32 + 4
    assert layer.active_params(weights) == 8 * 4 + 2 * 3 * 4 * 16 + 3 * 4 * 32 + 4
    plain = MixtureOfExperts.make(8, 2, 16, gated=False, bias=True)
    assert plain.macs((x,), (x,)) == 10 * (8 * 4 + 2 * 2 * 4 * 16)
    assert plain.active_params(plain.weights(x)) == 8 * 4 + 2 * (2 * 4 * 16 + 16 + 4)
    assert Linear.make(3).active_params(Linear.make(3).weights(x)) == 15


def test_a_budget_may_limit_what_is_at_work():
    text = "model M { input x: float32[4]; output y = MixtureOfExperts(8, 2, 16) }\nbudget { %s }"
    assert not dsl.loads(text % "active_params <= 416; params <= 1568").diagnostics
    (finding,) = dsl.loads(text % "active_params <= 400").diagnostics
    assert finding.rule.code == "MSL432"
    assert "416 trainable parameters that one position meets" in finding.message


@pytest.mark.torch
@pytest.mark.parametrize("form", [{}, {"gated": False, "bias": True}, {"shared_hidden": 6,
    "shared_gate": True}], ids=str)  # fmt: skip
def test_products_are_those_that_pytorch_counts(form):
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    layer, x = MixtureOfExperts.make(**BASE | form), TensorType((7, 4))
    holder, _ = torch_module(layer, [x])
    with FlopCounterMode(display=False) as forward:
        y = holder(torch.randn(3, 7, 4, requires_grad=True))
    with FlopCounterMode(display=False) as backward:
        y.sum().backward()
    assert forward.get_total_flops() == 2 * 3 * layer.macs((x,), (x,))
    counted = layer.backward_macs((x,), (x,), (True,), True)
    assert backward.get_total_flops() == 2 * 3 * counted


@pytest.mark.torch
@pytest.mark.parametrize("values", BALANCED, ids=str)
def test_penalty_in_pytorch(values):
    import torch

    layer, types, x = _balanced(values)
    weights = random_weights(layer, types)
    holder, _ = torch_module(layer, types)
    holder.double().load_state_dict({f"layer.{k}": torch.from_numpy(v) for k, v in weights.items()})
    holder.eval()(torch.from_numpy(x))
    assert holder.layer.penalties == []
    holder.train()(torch.from_numpy(x))
    holder(torch.from_numpy(x))
    once, again = (penalty.item() for penalty in holder.layer.penalties)
    assert once == again == pytest.approx(_penalty(layer, x, weights), rel=1e-12)
    sum(holder.layer.penalties).backward()
    grads = {name: p.grad for name, p in holder.named_parameters() if p.grad is not None}
    assert list(grads) == ["layer.router.weight"]
    assert grads["layer.router.weight"].abs().sum() > 0


@pytest.mark.tensorflow
@pytest.mark.parametrize("graph", [False, True])
@pytest.mark.parametrize("values", BALANCED, ids=str)
def test_penalty_in_keras(values, graph):
    import tensorflow as tf

    layer, types, x = _balanced(values)
    weights = random_weights(layer, types)
    holder, emission = keras_model(layer, types, functional=False)
    owned = {v.path.removeprefix(f"{holder.layer.path}/"): v for v in holder.layer.variables}
    for rule in emission.weights:
        array = weights[rule.roles[0]]
        owned[rule.variable].assign(np.transpose(array, rule.permute) if rule.permute else array)

    def losses(training):
        holder([tf.constant(x, "float32")], training=training)
        return list(holder.losses)

    losses = tf.function(losses) if graph else losses
    assert losses(False) == []
    (penalty,) = losses(True)
    assert float(penalty) == pytest.approx(_penalty(layer, x, weights), rel=1e-5)


def _balanced(values):
    layer, types = MixtureOfExperts.make(**values), [TensorType((7, 4))]
    return layer, types, np.random.default_rng(0).normal(size=(3, 7, 4))


def _penalty(layer, x, weights):
    mode = Mode(training=True)
    REFERENCE[MixtureOfExperts](layer, [x], weights, mode, [None])
    (penalty,) = mode.penalties
    return penalty


@pytest.mark.torch
@pytest.mark.tensorflow
def test_experts_that_nothing_chooses_get_no_gradient():
    layer, types = MixtureOfExperts.make(4, 1, 2, normalize=False), [TensorType((2,))]
    weights = random_weights(layer, types)
    weights["router.weight"] = np.array([[0.0, 0], [0, 0], [5, 0], [0, 0]])
    x = np.array([[1.0, 2], [2, 1]])
    for run in (run_torch, run_keras):
        grads = run(layer, [x], weights, types).weights
        assert np.abs(grads["up.weight"][2]).min() > 0
        assert np.abs(grads["up.weight"][[0, 1, 3]]).max() == 0
        assert np.abs(grads["router.weight"]).max() > 0


@pytest.mark.parametrize(
    ("type", "code"),
    [
        (TensorType(()), "MSL302"),
        (TensorType((4,), "int64"), "MSL303"),
        (TensorType((3, 8, 8)), "MSL350"),
    ],
)
def test_refuses(type, code):
    with pytest.raises(LayerError) as caught:
        MixtureOfExperts.make(4, 2, 8).infer(type)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("values", "argument"),
    [
        ({"experts": 4, "top_k": 5, "hidden": 8}, "top_k"),
        ({"experts": 4, "top_k": 1, "hidden": 8}, "normalize"),
        ({"experts": 4, "top_k": 2, "hidden": 8, "shared_gate": True}, "shared_gate"),
        ({"experts": 4, "top_k": 2, "hidden": 8, "act": PReLU()}, "act"),
        ({"experts": 4, "top_k": 2, "hidden": 8, "act": GLU()}, "act"),
        ({"experts": 4, "top_k": 2, "hidden": 8, "act": Linear(out_features=3)}, "act"),
    ],
)
def test_refuses_together(values, argument):
    with pytest.raises(KindError) as caught:
        MixtureOfExperts.make(**values)
    assert caught.value.arg == argument


@pytest.mark.parametrize(
    ("act", "help"),
    [("relu", "write `ReLU`, without quotes"), ("swiglu", "kinds are named without quotes")],
)
def test_a_string_is_no_activation(act, help):
    with pytest.raises(BadValue) as caught:
        MixtureOfExperts.make(4, 2, 8, act=act)
    assert "takes a layer, not the string" in caught.value.message
    assert caught.value.help == help
