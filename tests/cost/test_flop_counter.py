"""FLOPs of the generated PyTorch models as PyTorch itself counts them, on tensors without data."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import dsl
from tests.conftest import SPECS

SMALL = {
    "transposed and dilated convolutions": """
        model M {
          input image: float32[4, 12, 10]
          Conv2d(8, 3, stride=2, padding=1) -> ReLU
          ConvTranspose2d(6, 2, stride=2) -> ReLU
          Conv2d(6, 3, dilation=2, bias=false)
          output y = GlobalAvgPool -> Linear(3)
        }""",
    "recurrent, two directions, two layers": """
        model M {
          input x: float32[time=7, 5]
          LSTM(6, layers=2, bidirectional=true, bias="double", return_sequences=true)
          output y = Linear(3)
        }""",
    "recurrent behind an embedding": """
        model M {
          input tokens: int64[time=9]
          output y = Embedding(11, 8) -> GRU(6) -> Linear(2)
        }""",
    "attention to another sequence": """
        model M {
          input x: float32[6, 8]
          input memory: float32[9, 4]
          h = x -> Linear(8)
          output y = (h, memory) -> CrossAttention(2)
        }""",
    "a scan, steered by the sequence": """
        model M {
          input x: float32[time=7, 6]
          h = x -> Linear(6)
          delta = h -> Linear(6) -> Softplus
          b, c = x -> Linear(8) -> Split(2, dim=features)
          output y = (h, delta, b, c) -> SelectiveScan -> Linear(2)
        }""",
    "products of values": """
        model M {
          input x: float32[4, 6]
          h = x -> Linear(6)
          output y = (h, x) -> MatMul(transpose_b=true)
        }""",
    "shared layers and repeats": """
        model M {
          input a: float32[8]
          input b: float32[8]
          shared map = Linear(8)
          u = a -> map -> ReLU -> map
          v = b -> map
          (u, v) -> Add
          repeat 3 { residual { Linear(8) -> GELU } }
          output y = Linear(1)
        }""",
}


@pytest.mark.parametrize("name", SMALL)
def test_small_models(name: str) -> None:
    agrees(dsl.loads(SMALL[name]))


@pytest.mark.parametrize(
    "name",
    [path.stem for path in sorted(SPECS.glob("*.msl"))],
)
def test_specs(name: str) -> None:
    agrees(dsl.load(SPECS / f"{name}.msl"))


GROUPED = """
model M {
  input image: float32[4, 12, 10]
  output y = Conv2d(8, 3, padding=1, groups=4)
}
"""


def test_the_counter_forgets_the_groups_of_a_convolution_in_its_weight_gradient() -> None:
    """The one stated difference: the counter multiplies that product by the number of groups."""
    cost = dsl.loads(GROUPED).cost()
    forward, step = counted(dsl.loads(GROUPED))
    assert forward == cost.flops
    assert cost.train_step == 2 * cost.flops
    assert step == cost.train_step + 3 * cost.flops


def agrees(spec: dsl.Spec) -> None:
    """Holds forward FLOPs, and those of forward and backward, against PyTorch's counter."""
    cost = spec.cost()
    assert counted(spec) == (cost.flops, cost.train_step)


def counted(spec: dsl.Spec) -> tuple[int, int]:
    """FLOPs of a forward pass, and of a forward and a backward pass, of the generated model."""
    cost = spec.cost()
    space: dict[str, Any] = {"__name__": "generated", "__file__": "generated.py"}
    exec(compile(spec.compile("torch"), "generated", "exec"), space)
    with torch.device("meta"):
        model = space["build_model"]().train()
        values = [
            torch.zeros(1, *(cost.at(dim) for dim in kind.shape), dtype=getattr(torch, kind.dtype))
            for kind in cost.inputs.values()
        ]
        forward = FlopCounterMode(display=False)
        with forward:
            model(*values)
        step = FlopCounterMode(display=False)
        with step:
            results = model(*values)
            results = results.values() if isinstance(results, dict) else [results]
            sum(value.sum() for value in results).backward()
    assert sum(weight.numel() for weight in model.parameters()) == cost.params
    return forward.get_total_flops(), step.get_total_flops()
