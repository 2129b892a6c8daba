"""The backward pass: which products it does, by hand."""

from __future__ import annotations

import pytest

from tests.cost.test_report import cost


def backward(body: str) -> int:
    """MACs of the backward pass of a model with this body."""
    return int(cost(f"model M {{\n{body}\n}}").backward)


def test_first_layer_hands_no_gradient_to_the_input() -> None:
    assert backward("input x: float32[8]\noutput y = Linear(4)") == 8 * 4
    assert backward("input x: float32[8]\nLinear(4)\noutput y = Linear(2)") == 8 * 4 + 2 * 4 * 2


def test_embeddings_have_no_products_but_pass_gradients_on() -> None:
    body = "input x: int64[6]\nEmbedding(10, 8)\noutput y = Linear(4)"
    assert backward(body) == 2 * 6 * 8 * 4


def test_a_tied_weight_gets_its_gradient_from_both_places() -> None:
    body = "input x: int64[6]\ne = Embedding(10, 8)\noutput y = Linear(10, bias=false, tie=e)"
    assert backward(body) == 2 * 6 * 8 * 10


@pytest.mark.parametrize(
    ("a", "b", "products"), [("x", "z", 0), ("x", "p", 1), ("p", "x", 1), ("p", "q", 2)]
)
def test_a_product_of_values_costs_one_for_each_that_learns(a: str, b: str, products: int) -> None:
    body = f"""
    input x: float32[4, 4]
    input z: float32[4, 4]
    p = x -> Scale
    q = z -> Scale
    output y = ({a}, {b}) -> MatMul
    output rest = (x, z, p, q) -> Add
    """
    scale = "block Scale { w = Parameter([4]); (input, w) -> Multiply }\n"
    found = cost(f"{scale}model M {{\n{body}\n}}")
    assert int(found.backward) == products * 4 * 4 * 4


def test_projected_attention_doubles_but_for_its_inputs() -> None:
    projections, scores = 4 * 5 * 8 * 8, 2 * 5 * 5 * 8
    first = backward("input x: float32[5, 8]\noutput y = SelfAttention(2)")
    assert first == 2 * (projections + scores) - 3 * 5 * 8 * 8
    later = backward("input x: float32[5, 8]\nLayerNorm\noutput y = SelfAttention(2)")
    assert later == 2 * (projections + scores)


def test_cross_attention_to_an_input_saves_the_gradient_of_the_memory() -> None:
    body = """
    input x: float32[5, 8]
    input memory: float32[7, 6]
    x -> LayerNorm
    q = Identity
    output y = (q, memory) -> CrossAttention(2)
    """
    products = 2 * 5 * 8 * 8 + 2 * 7 * 6 * 8 + 2 * 5 * 7 * 8
    assert backward(body) == 2 * products - 2 * 7 * 6 * 8


def test_bare_attention_costs_what_learns() -> None:
    body = """
    input x: float32[5, 8]
    input z: float32[7, 8]
    k = z -> LayerNorm
    output y = (x, {key}, {value}) -> DotProductAttention
    output rest = (k, z) -> Add
    """
    product = 5 * 7 * 8
    assert backward(body.format(key="z", value="k")) == product
    assert backward(body.format(key="k", value="z")) == 2 * product
    assert backward(body.format(key="k", value="k")) == 3 * product


def test_recurrent_layers_save_the_first_step_of_the_state() -> None:
    inside, state = 6 * 3 * 4 * 5, 6 * 3 * 4 * 4
    step = 3 * 4 * 4
    body = "input x: float32[6, 5]\n{front}output y = GRU(4)"
    assert backward(body.format(front="")) == inside + 2 * state - step
    assert backward(body.format(front="LayerNorm\n")) == 2 * (inside + state) - step


def test_rounds_with_several_values_settle_one_after_the_other() -> None:
    """A gradient reaches the first value in round 1 and the second in round 2."""
    block = """
    block Step {
      input a
      input b
      x = a -> Linear(4)
      y = b -> Hold
      output left = x
      output right = (x, y) -> Add
    }
    block Hold { Identity }
    """
    body = "input p: float32[4]\ninput q: float32[4]\n(p, q) -> repeat 5 { Step }\noutput y = Add"
    found = cost(f"{block}\nmodel M {{\n{body}\n}}")
    assert int(found.backward) == (2 * 5 - 1) * 16


def test_integers_carry_no_gradient() -> None:
    body = "input x: int64[3]\nEmbedding(9, 4)\noutput y = Flatten -> Linear(2)"
    assert backward(body) == 2 * 12 * 2
