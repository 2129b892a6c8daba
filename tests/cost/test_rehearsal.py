"""Every kind's operations: they are declared, and their products are those of the cost report."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import dsl
from dsl.compilation import Compilation
from dsl.cost.memory import Setup, rehearse
from dsl.cost.report import estimate
from dsl.fuzz.choices import Seeded
from dsl.fuzz.laws import draw
from dsl.ir import Model
from dsl.kinds.kind import REGISTRY
from dsl.layers.base import Layer
from dsl.source import Source
from tests.conftest import EXAMPLES, SPECS

pytestmark = pytest.mark.slow

FILES = sorted([*(EXAMPLES / "zoo").glob("*.msl"), *SPECS.glob("*.msl"), *EXAMPLES.glob("*.msl")])


def models(path: Path) -> list[str]:
    """The last model or variant of a file, which is a whole one."""
    return re.findall(r"^(?:model|variant) (\w+)", path.read_text(), re.MULTILINE)[-1:]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_products_are_those_of_the_report(path: Path) -> None:
    for name in models(path):
        model = dsl.load(str(path), model=name).compilation.model
        assert model is not None
        work = rehearse(model, None, Setup(batch=2, fused_attention=False)).work
        report = estimate(model, 2)
        ahead = sum(item.flops for item in work if item.phase == "forward")
        assert ahead == report.flops
        back = sum(item.flops for item in work if item.phase == "backward")
        assert back == report.backward_flops


def model_of(text: str) -> Model:
    found = Compilation(Source("spec.msl", text)).model
    assert found is not None
    return found


def test_products_of_random_specs_are_those_of_the_report() -> None:
    drawn = [program for seed in range(150) if (program := draw(Seeded(seed)))]
    assert len(drawn) > 120
    for program in drawn:
        model = model_of(str(program))
        work = rehearse(model, None, Setup(batch=2, fused_attention=False)).work
        assert sum(item.flops for item in work) == estimate(model, 2).train_step, str(program)


@pytest.mark.parametrize("name", sorted(REGISTRY["layer"]))
def test_each_kind_says_what_it_keeps(name: str) -> None:
    kind = REGISTRY["layer"][name]
    assert kind.keeps or kind.rehearse is not Layer.rehearse  # type: ignore[attr-defined]


NAMED = """
model M {
  input x: float32[1000]
  %s Linear(500, bias=false)
  Linear(2000, bias=false) -> Linear(3000, bias=false)
  output y = Linear(1, bias=false)
}
"""


def test_a_named_value_lives_until_the_function_ends() -> None:
    """Python holds what a variable names, also where nothing needs it any more."""
    setup = Setup(batch=10, training=False)
    plain, named = (rehearse(model_of(NAMED % name), None, setup) for name in ("", "h ="))
    assert named.peak.bytes - plain.peak.bytes == 10 * 4 * 500


BODIES = (
    "repeat 40 { Linear(64) -> ReLU }",
    "repeat 30 { repeat 7 { Linear(64) -> ReLU }\n  Linear(64) }",
    "repeat 25 { residual { LayerNorm -> Linear(64) -> Dropout(0.1) } }",
)


@pytest.mark.parametrize("trains", [True, False])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("body", BODIES)
def test_one_round_stands_for_many(
    body: str, precision: str, trains: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"model N {{\n  input x: float32[64]\n  {body}\n  output y = Linear(3)\n}}\n"
    compilation = dsl.loads(text + "loss CrossEntropy\noptimizer AdamW\n").compilation
    assert compilation.model is not None
    setup = Setup(batch=8, precision=precision, training=trains)
    found = []
    for most in (20_000, 5):
        monkeypatch.setattr("dsl.cost.memory.MOST_LAYERS", most)
        report = rehearse(compilation.model, compilation.training, setup)
        sums = [
            sum(getattr(item, what) * item.times for item in report.work)
            for what in ("flops", "bytes")
        ]
        count = sum(item.times for item in report.work)
        found.append((report.live_peak, report.weights, report.activations, count, *sums))
    assert found[0] == found[1]


def test_a_thousand_million_rounds_in_closed_form() -> None:
    text = "model N {\n  input x: float32[64]\n  repeat 1000000000 { Linear(64) -> ReLU }\n"
    compilation = dsl.loads(text + "  output y = Linear(3)\n}\nloss CrossEntropy\n").compilation
    assert compilation.model is not None
    report = rehearse(compilation.model, compilation.training, Setup(batch=8))
    assert report.weights == 4 * (10**9 * 65 * 64 + 195)
    assert report.gradients == report.weights < report.live_peak
