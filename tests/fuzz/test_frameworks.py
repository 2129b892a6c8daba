"""Random specs in both frameworks: they run, agree, and are as large as the cost says."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import dsl
from backends.tensorflow.runtime.precision import computing_in
from backends.tensorflow.weights import load
from dsl.fuzz.choices import Seeded
from dsl.fuzz.laws import draw
from dsl.fuzz.program import Program
from dsl.fuzz.specs import flattened, followed
from dsl.ir import Model, weight_keys
from tests.backends.harness_models import (
    Run,
    arrays,
    compare,
    expected_keys,
    module,
    run_keras,
    run_torch,
    scramble,
    source,
    torch_keys,
    torch_state,
    traced,
)

FIRST = int(os.environ.get("MSL_FUZZ_SEED", "0"))
COUNT = int(os.environ.get("MSL_FUZZ_N", "10"))
"""Where to begin and how many specs to run; `make fuzz` asks for more."""

PROGRAMS = {seed: found for seed in range(FIRST, FIRST + COUNT) if (found := draw(Seeded(seed)))}
WITHOUT_DOUBLE = {"AvgPool3d", "AdaptiveAvgPool3d", "MaxPool3d", "AdaptiveMaxPool3d"}
"""Kinds for which TensorFlow has no kernel in float64 on a CPU."""
NOT_ON_META = {"MixtureOfExperts", "LSTM", "GRU", "SimpleRNN"}
"""Kinds that read values as they run, some of them where a mask is given."""


@pytest.fixture(autouse=True)
def in_double() -> Iterator[None]:
    """Keras computes in float64."""
    with computing_in("float64"):
        yield
    keras.backend.clear_session()


@pytest.mark.parametrize("seed", PROGRAMS)
def test_a_random_spec(seed: int, tmp_path: Path) -> None:
    program = PROGRAMS[seed]
    spec = dsl.loads(str(program))
    model = traced(spec)
    built = module(source(model, "torch"), tmp_path, tmp_path).build_model().double().eval()
    scramble(built)
    assert sum(item.numel() for item in built.parameters()) == spec.cost().params
    state = torch_state(model, built)
    assert sorted(state) == sorted(expected_keys(model))
    run = run_torch(model, built, arrays(model))
    kinds = set(followed(program)[0].kinds)
    if not kinds & NOT_ON_META:
        hold_flops(spec, model, tmp_path)
    hold_flat(program, model, state, run, tmp_path)
    if not kinds & WITHOUT_DOUBLE:
        hold_keras(spec, model, state, run, tmp_path)


def hold_flops(spec: dsl.Spec, model: Model, folder: Path) -> None:
    """FLOPs are those that PyTorch counts, on tensors without data."""
    with torch.device("meta"), torch.no_grad():
        built = module(source(model, "torch"), folder, folder).build_model().eval()
        values = [
            torch.zeros(
                1, *value.type.sized(model.symbols).shape, dtype=getattr(torch, value.type.dtype)
            )
            for value in model.body.inputs
        ]
        with FlopCounterMode(display=False) as counter:
            built(*values)
    assert counter.get_total_flops() == spec.cost().flops


def hold_flat(program: Program, model: Model, state: Any, run: Run, folder: Path) -> None:
    """The same model without blocks and loops computes the same from the same weights."""
    flat = traced(dsl.loads(flattened(program)))
    keys = [item.key for item in weight_keys(model.body.nodes)]
    others = [item.key for item in weight_keys(flat.body.nodes)]
    assert len(keys) == len(others)
    spelled = {key: name for name, key in torch_keys(flat).items()}
    built = module(source(flat, "torch"), folder, folder).build_model().double().eval()
    weights = {
        spelled.get(other, other): torch.from_numpy(np.array(state[key]))
        for key, other in zip(keys, others)
    }
    missing, unexpected = built.load_state_dict(weights, strict=False)
    assert not unexpected
    assert all(key.endswith("num_batches_tracked") for key in missing)
    wanted = run_torch(flat, built, arrays(flat))
    compare("outputs without blocks", run.outputs, wanted.outputs)
    compare("gradients of inputs without blocks", run.inputs, wanted.inputs)


def hold_keras(spec: dsl.Spec, model: Model, state: Any, run: Run, folder: Path) -> None:
    """Keras computes the same outputs and gradients, as declared and at another length."""
    built = module(source(model, "tensorflow"), folder, folder).build_model()
    count = sum(int(np.prod(item.shape)) for item in built.trainable_weights)
    assert count == spec.cost().params
    load(model, built, state, np)
    got = run_keras(model, built, arrays(model))
    compare("outputs", got.outputs, run.outputs)
    compare("inputs", got.inputs, run.inputs)
    trained = sorted(key for key, trainable in expected_keys(model).items() if trainable)
    compare(
        "weights",
        {key: got.weights[key] for key in trained},
        {key: run.weights[key] for key in trained},
    )


def test_a_difference_is_found() -> None:
    text = """
    model Net {
      input x: float32[4]
      output y = Tanh
    }
    """
    model = traced(dsl.loads(textwrap.dedent(text)))
    given = arrays(model)
    right = run_torch(model, torch.nn.Tanh(), given)
    wrong = run_torch(model, torch.nn.Sigmoid(), given)
    with pytest.raises(AssertionError):
        compare("outputs", wrong.outputs, right.outputs)
