"""What is drawn by name, and in which order layers are met."""

from __future__ import annotations

import numpy as np
import pytest

import dsl
from backends.verifying.compare import distance, distances
from backends.verifying.draws import Draws, Masks
from backends.verifying.oracle import consult
from backends.verifying.walk import Walk
from backends.verifying.weights import draw_weights
from dsl.ir import expand, walk, weight_keys
from tests.conftest import SPECS

NET = """\
block Unit(width: int) {
  residual { Linear(width) -> Tanh }
}
model Net {
  input x: float32[4]
  repeat 3 { Unit(4) }
  scale = LayerScale
  a = Linear(4)
  shared twice = Unit(4)
  twice -> twice
  output y = Linear(4, tie=a)
}
"""


def model_of(text: str):
    spec = dsl.loads(text)
    assert spec.ok, [item.message for item in spec.diagnostics]
    return spec.compilation.model


def test_a_name_gives_the_same_numbers_on_every_machine():
    drawn = Draws(7).uniform((3,), "draw", 0, "conv", 0)
    np.testing.assert_array_equal(drawn, PINNED)
    assert not np.array_equal(drawn, Draws(8).uniform((3,), "draw", 0, "conv", 0))
    assert not np.array_equal(drawn, Draws(7).uniform((3,), "draw", 0, "conv", 1))


PINNED = [0.8784843346869639, 0.3431334159826275, 0.27360928775284377]


def test_numbers_are_distributed_as_they_say():
    draws = Draws()
    normal = draws.normal((40_000,), "n")
    assert abs(normal.mean()) < 0.02
    assert abs(normal.std() - 1) < 0.02
    assert set(draws.below(3, (200,), "i")) == {0, 1, 2}


def test_draws_do_not_depend_on_the_order_of_layers():
    one, other = Masks(Draws(), 0), Masks(Draws(), 0)
    a, b = one.uniform("a", (2,)), one.uniform("b", (2,))
    np.testing.assert_array_equal(other.uniform("b", [2]), b)
    np.testing.assert_array_equal(other.uniform("a", [2]), a)
    assert not np.array_equal(other.uniform("a", [2]), a)  # the next draw of the same layer
    assert Masks(Draws(), 0, {"a"}).uniform("a", (2,)).tolist() == [1, 1]


def test_every_weight_shows():
    model = model_of(NET)
    weights = draw_weights(model, Draws())
    assert list(weights) == [item.key for item in weight_keys(model.body.nodes)]
    for key, values in weights.items():
        assert values.std() > 0.01, key
        assert np.abs(values).max() > 0.05, key
    assert abs(weights["scale.weight"].mean()) > 0.1  # it starts at 1e-5


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.msl")), ids=lambda path: path.stem)
def test_a_run_meets_every_layer(path):
    model = dsl.load(str(path)).compilation.model
    met = [step.path for step in Walk(model, dict(model.symbols)).steps() if step.is_layer]
    wanted = [path for visit in walk(model.body.nodes) for path in expand(visit.path)]
    assert sorted(met) == sorted(wanted)


def test_the_reference_runs_a_whole_model():
    model = model_of(NET)
    weights = draw_weights(model, Draws())
    x = Draws().normal((2, 4), "x")
    found = consult(model, {}, {"x": x}, weights)
    assert not found.unknown

    def unit(x, path):
        return x + np.tanh(x @ weights[f"{path}.linear.weight"].T + weights[f"{path}.linear.bias"])

    y = x
    for number in range(3):
        y = unit(y, f"unit.{number}")
    y = y * weights["scale.weight"]
    y = y @ weights["a.weight"].T + weights["a.bias"]
    y = unit(unit(y, "twice"), "twice")
    y = y @ weights["a.weight"].T + weights["y.bias"]
    np.testing.assert_allclose(found.outputs["y"].array, y, rtol=1e-12)


def test_ties_are_meant_within_a_round_and_a_block():
    text = """\
block Pair { encoder = Linear(4); repeat 2 { Linear(4, tie=encoder) -> Tanh } }
model Net {
  input x: float32[4]
  encoder = Linear(4)
  repeat 2 {
    inner = Linear(4) -> Tanh
    Linear(4, tie=inner)
    Pair
  }
  output y = Linear(4, tie=encoder)
}
"""
    steps = list(Walk(model_of(text), {}).steps())
    ties = {step.path: step.tied for step in steps if step.tied is not None}
    assert ties == {
        "repeat.0.linear": "repeat.0.inner", "repeat.1.linear": "repeat.1.inner",
        "repeat.0.pair.repeat.0.linear": "repeat.0.pair.encoder",
        "repeat.0.pair.repeat.1.linear": "repeat.0.pair.encoder",
        "repeat.1.pair.repeat.0.linear": "repeat.1.pair.encoder",
        "repeat.1.pair.repeat.1.linear": "repeat.1.pair.encoder",
        "y": "encoder",
    }  # fmt: skip


def test_distances():
    assert distance([1.0, 2.0], [1.0, 2.0]) == 0
    assert distance([1.0, 2.0], [1.0, 2.2]) == pytest.approx(0.2 / 2.2)
    assert distance([0.0], [0.0]) == 0
    assert distance([np.nan, 1.0], [np.nan, 1.0]) == 0
    assert distance([np.nan, 1.0], [0.0, 1.0]) == np.inf
    assert distance([1.0], [1.0, 2.0]) == np.inf
    assert distances({"a": [1.0]}, {"b": [1.0]}) == {"a": np.inf, "b": np.inf}
    # what is zero but for rounding, beside what is not
    assert distances({"a": [1e-17], "b": [1.0]}, {"a": [-1e-17], "b": [1.0]})["a"] < 1e-10
