"""Costs against published numbers and against counts worked out by hand."""

from __future__ import annotations

import time

import pytest

import dsl
from dsl.cost.report import CostReport, estimate, total
from dsl.ir import Model
from dsl.shapes.dim import symbol
from tests.conftest import SPECS


def report(name: str, batch: int = 1, **options) -> CostReport:
    """The cost of one of the specs."""
    return estimate(whole(dsl.load(str(SPECS / name), **options)), batch)


def cost(text: str, batch: int = 1) -> CostReport:
    """The cost of a spec given as text."""
    return estimate(whole(dsl.loads(text)), batch)


def whole(spec: dsl.Spec) -> Model:
    """The model of a spec without mistakes in it."""
    plain = spec.compilation.plain
    assert [finding.message for finding in plain.diagnostics if finding.is_error] == []
    assert plain.model is not None
    return plain.model


PARAMETERS = {
    ("seed_cnn.msl", ""): 5_037_526,
    ("seed_rnn.msl", ""): 5_834,
    ("resnet50.msl", ""): 25_557_032,
    ("gpt2.msl", ""): 124_439_808,
    ("gpt2.msl", "GPT2Medium"): 354_823_168,
    ("gpt2.msl", "GPT2Large"): 774_030_080,
    ("gpt2.msl", "GPT2XL"): 1_557_611_200,
    ("llama3_8b.msl", ""): 8_030_261_248,
    ("unet.msl", ""): 31_036_481,
    ("densenet121.msl", ""): 7_978_856,
    ("vit_b16.msl", ""): 86_567_656,
    ("two_towers.msl", ""): 384_706,
}


@pytest.mark.parametrize(("name", "model"), PARAMETERS)
def test_parameters_as_published(name: str, model: str) -> None:
    assert report(name, model=model).params == PARAMETERS[name, model]


def test_operations_as_published() -> None:
    resnet, gpt2 = report("resnet50.msl"), report("gpt2.msl")
    assert resnet.macs == 4_089_184_256
    assert gpt2.flops == 291_648_307_200
    # torch.utils.flop_counter.FlopCounterMode on the meta device, forward and backward
    assert resnet.train_step == 24_299_077_632
    assert gpt2.train_step == 874_944_921_600
    # running mean and variance of 26,560 channels
    assert resnet.buffers == 2 * 26_560


LSTM_LM = """
model LM {
  input tokens: int64[time=128]
  Embedding(10_000, 256)
  LSTM(512, layers=2, bias="double", return_sequences=true)
  output logits = Linear(10_000)
}
"""


def test_recurrent_model_as_the_flop_counter_counts_it() -> None:
    found = cost(LSTM_LM)
    assert found.params == 11_368_208
    assert found.flops == 2_250_244_096
    assert found.train_step == 6_746_537_984


def test_batch_scales_operations_and_not_parameters() -> None:
    one, many = report("resnet50.msl"), report("resnet50.msl", batch=64)
    assert many.params == one.params
    assert many.macs == 64 * one.macs
    assert many.train_step == 64 * one.train_step
    assert many.elementwise == 64 * one.elementwise


def test_what_has_no_batch_is_done_once() -> None:
    text = """
    model M {
      input x: float32[4, 8]
      Parameter([8, 16]) -> Linear(8) -> Transpose(0, 1)
      w = Identity
      output y = (x, w) -> MatMul(transpose_b=true)
    }
    """
    one, ten = cost(text), cost(text, batch=10)
    inner = 8 * 16 * 8
    product = 4 * 8 * 8
    assert one.macs == inner + product
    assert ten.macs == inner + 10 * product
    # the Linear: gradients of weight and input; the product: of the parameter's side alone
    assert one.train_step == 2 * (3 * inner + 2 * product)


def test_symbols_stay_in_formulas_and_are_counted_at_their_size() -> None:
    found = report("gpt2.msl")
    assert found.formulas["macs"] == "18432 * time * time + 123532032 * time"
    assert found.macs == 18_432 * 1024**2 + 123_532_032 * 1024
    short = report("gpt2.msl", define={"context": 128})
    assert short.macs == 18_432 * 128**2 + 123_532_032 * 128


def test_record_has_the_agreed_form() -> None:
    record = report("two_towers.msl").record()
    assert record["schema"] == 1
    assert record["model"] == "TwoTowers"
    assert record["params"]["total"] == record["params"]["trainable"] == 384_706
    assert record["flops"]["forward"] == 2 * record["macs"]["forward"]
    assert record["flops"]["train_step"] > 2 * record["flops"]["forward"]
    layers = record["layers"]
    assert all({"path", "kind", "shape", "params", "macs"} <= set(layer) for layer in layers)
    assert sum(layer["params"] for layer in layers) == record["params"]["total"]
    assert sum(layer["macs"] for layer in layers) == record["macs"]["forward"]
    assert all(isinstance(size, int) for layer in layers for size in layer["shape"])


def test_shared_layers_are_one_row_with_several_uses() -> None:
    rows = {row.path: row for row in report("two_towers.msl").layers}
    first = rows["tower.linear"]
    assert (first.uses, first.params, first.macs) == (2, 64 * 128 + 128, 2 * 64 * 128)


def test_equal_rounds_are_one_row() -> None:
    rows = {row.path: row for row in report("gpt2.msl").layers}
    assert rows["decoder_layer.0..11.linear"].params == 12 * (768 * 3072 + 3072)
    assert rows["decoder_layer.0..11.linear"].uses == 12


REPEATED = """
model Deep {{
  input x: float32[64]
  repeat {count} {{ Linear(64) -> ReLU }}
  output y = Linear(1)
}}
"""


def test_a_billion_rounds_cost_what_one_costs_to_count() -> None:
    count = 10**9
    began = time.perf_counter()
    found = cost(REPEATED.format(count=count))
    assert time.perf_counter() - began < 2
    assert found.params == count * (64 * 64 + 64) + 65
    assert found.macs == count * 64 * 64 + 64
    # the first round hands no gradient to the model's input, all others do
    assert found.train_step == 2 * (3 * (count * 64 * 64 + 64) - 64 * 64)


def test_ten_thousand_layers_do_not_recurse() -> None:
    text = "model Long {\n  input x: float32[4]\n" + "  Linear(4)\n" * 10_000
    found = cost(text + "  output y = Linear(1)\n}\n")
    assert found.params == 10_000 * 20 + 5
    assert len(found.layers) == 10_001


def test_blocks_in_blocks_do_not_recurse() -> None:
    text = """
    block Down(n: int) {
      Linear(4)
      when n > 1 { Down(n - 1) }
    }
    model Deep { input x: float32[4]; output y = Down(200) }
    """
    found = cost(text)
    assert found.params == 200 * 20
    assert found.train_step == 2 * (3 * 200 * 16 - 16)


MIXED = """
model Mixed {
  input x: float32[time=10, 4]
  shared both = MixtureOfExperts(8, 2, 16, shared_hidden=32)
  repeat 3 { MixtureOfExperts(8, 2, 16) }
  residual { both }
  residual { both }
  output y = Linear(1)
}
"""


def test_parameters_that_one_position_meets() -> None:
    found = cost(MIXED)
    expert, common, router, last = 3 * 4 * 16, 3 * 4 * 32, 8 * 4, 5
    assert found.params == 4 * (router + 8 * expert) + common + last
    assert found.active == 4 * (router + 2 * expert) + common + last
    assert found.macs == 10 * (5 * (router + 2 * expert) + 2 * common + 4)
    record = found.record()
    assert record["params"]["active"] == found.active
    each = {layer["path"]: layer.get("active_params", "all") for layer in record["layers"]}
    assert each["mixture_of_experts.0..2"] == 3 * (router + 2 * expert)
    assert each["both"] == router + 2 * expert + common
    assert each["y"] == "all"


def test_what_is_all_at_work_has_no_second_count() -> None:
    found = report("gpt2.msl")
    assert found.active == found.params
    assert "active" not in found.record()["params"]


def test_the_whole_record_of_a_small_model() -> None:
    text = """
    model M {
      input x: float32[10, 4]
      BatchNorm
      repeat 2 { Linear(4) -> ReLU }
      output y = Linear(3)
    }
    """
    linear, relu = 10 * 4 * 4, 10 * 4
    record = cost(text, batch=3).record()
    assert record.pop("elementwise")["forward"] == sum(
        layer["elementwise"] for layer in record["layers"]
    )
    norm = record["layers"].pop(0)
    assert (norm["path"], norm["kind"], norm["params"]) == ("batch_norm", "BatchNorm", 8)
    forward = 3 * (2 * linear + 10 * 4 * 3)
    backward = 2 * forward
    rounds = {"shape": [10, 4], "uses": 2}
    assert record == {
        "schema": 1,
        "model": "M",
        "batch": 3,
        "symbols": {},
        "params": {"total": 63, "trainable": 63, "buffers": 8},
        "macs": {"forward": forward},
        "flops": {
            "forward": 2 * forward,
            "backward": 2 * backward,
            "train_step": 2 * (forward + backward),
        },
        "formulas": {},
        "layers": [
            {"path": "repeat.0..1.linear", "kind": "Linear", "params": 40, "macs": 3 * 2 * linear,
             "elementwise": 3 * 2 * relu, **rounds},
            {"path": "repeat.0..1.relu", "kind": "ReLU", "params": 0, "macs": 0,
             "elementwise": 3 * 2 * relu, **rounds},
            {"path": "y", "kind": "Linear", "params": 15, "macs": 3 * 120,
             "elementwise": 3 * 30, "shape": [10, 3], "uses": 1},
        ],
    }  # fmt: skip


def test_sums_of_sizes() -> None:
    time_ = symbol("time")
    assert total([]) == 0
    assert total([2, 3]) == 5
    assert str(total([2, time_, 3, 2 * time_])) == "3 * time + 5"


def test_symbols_of_a_record() -> None:
    found = cost("model M { input t: int64[time=5]; Embedding(9, 4); output y = Linear(2) }", 2)
    assert found.record()["symbols"] == {"time": 5}
    assert found.record()["formulas"] == {"macs": "16 * time", "backward macs": "32 * time"}
    assert [layer.output.shape for layer in found.layers][-1] == (symbol("time"), 2)
    assert found.record()["layers"][-1]["shape"] == [5, 2]
    assert list(found.inputs) == ["t"] and str(found.inputs["t"]) == "int64[time]"
