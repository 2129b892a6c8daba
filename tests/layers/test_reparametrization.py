"""Reparametrised weights: what is learned, how it starts, numbers by hand, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import backends.tensorflow.layers.families
import backends.torch.layers.families  # noqa: F401
import dsl
from dsl.kinds.kind import KindError
from dsl.layers.conv import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from dsl.layers.linear import Linear
from dsl.layers.reparametrization import (
    ScaledWeightStandardization,
    WeightNorm,
    WeightStandardization,
)
from dsl.shapes.types import SIGNAL, TensorType
from tests.layers.harness import Case, cases, initial_weights, reference

SIGNAL_TYPE = TensorType((4, 7), axes=SIGNAL)
IMAGE_TYPE = TensorType((4, 6, 5))
VOLUME_TYPE = TensorType((2, 4, 3, 5))
NORMS = [WeightNorm.make(dim=dim) for dim in (0, 1, 2)]
STANDARD = [
    WeightStandardization.make(),
    WeightStandardization.make(eps=0.1),
    ScaledWeightStandardization.make(),
    ScaledWeightStandardization.make(gamma=1.7, eps=0.1),
]
WINDOW = {"out_channels": 6, "kernel_size": 3, "padding": 1}

CASES = [
    *cases(Conv1d, [WINDOW | {"weight": form} for form in NORMS + STANDARD], SIGNAL_TYPE),
    *cases(Conv2d, [WINDOW | {"weight": form} for form in NORMS + STANDARD], IMAGE_TYPE),
    *cases(Conv3d, [WINDOW | {"weight": form} for form in (NORMS[0], *STANDARD[1:3])], VOLUME_TYPE),
    *cases(Conv2d, [
        {"out_channels": 4, "kernel_size": 3, "stride": 2, "padding": "same", "groups": 2,
         "bias": False, "weight": form} for form in (NORMS[0], STANDARD[0], STANDARD[2])
    ], IMAGE_TYPE),
    Case(Conv2d, WINDOW | {"out_channels": 4, "groups": 4, "weight": NORMS[0]}, (IMAGE_TYPE,)),
    *cases(ConvTranspose1d, [WINDOW | {"stride": 2, "weight": form} for form in NORMS],
        SIGNAL_TYPE),
    Case(ConvTranspose2d, WINDOW | {"groups": 2, "weight": NORMS[0]}, (IMAGE_TYPE,)),
    Case(ConvTranspose3d, WINDOW | {"bias": False, "weight": NORMS[1]}, (VOLUME_TYPE,)),
    *cases(Linear, [{"out_features": 3, "weight": form} for form in NORMS[:2]], TensorType((5, 4))),
    Case(Linear, {"out_features": 3, "bias": False, "weight": NORMS[0]}, (TensorType((4,)),)),
]  # fmt: skip


def test_lengths_are_those_of_one_dimension():
    layer = Conv1d.make(6, 3, groups=2, weight=WeightNorm.make(dim=2))
    shapes = {weight.role: weight.shape for weight in layer.weights(SIGNAL_TYPE)}
    assert shapes == {"weight_g": (1, 1, 3), "weight_v": (6, 2, 3), "bias": (6,)}


def test_a_gain_for_each_output_channel():
    layer = Conv2d.make(6, 3, weight=ScaledWeightStandardization.make())
    shapes = {weight.role: weight.shape for weight in layer.weights(IMAGE_TYPE)}
    assert shapes == {"weight": (6, 4, 3, 3), "gain": (6, 1, 1, 1), "bias": (6,)}


def test_by_hand():
    x, types = [np.array([[1.0, 1.0]])], [TensorType((2,))]
    weights = {"weight_g": np.array([[10.0]]), "weight_v": np.array([[3.0, 4.0]])}
    norm = Linear.make(1, bias=False, weight=WeightNorm.make())
    np.testing.assert_allclose(reference(norm, x, weights, types).outputs[0], [[14.0]])
    image, types = [np.array([[[1.0, 2.0]]])], [TensorType((1, 2), axes=SIGNAL)]
    standard = Conv1d.make(1, 2, bias=False, weight=WeightStandardization.make(eps=1e-12))
    given = {"weight": np.array([[[3.0, 7.0]]])}  # becomes -1, 1
    np.testing.assert_allclose(reference(standard, image, given, types).outputs[0], [[[1.0]]])
    scaled = Conv1d.make(
        1, 2, bias=False, weight=ScaledWeightStandardization.make(gamma=2**0.5, eps=1e-12)
    )
    given |= {"gain": np.array([[[3.0]]])}
    np.testing.assert_allclose(reference(scaled, image, given, types).outputs[0], [[[3.0]]])


@pytest.mark.torch
@pytest.mark.tensorflow
@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
def test_a_normalised_weight_starts_at_its_direction(backend):
    layer = Conv2d.make(6, 3, weight=WeightNorm.make(dim=1))
    held = initial_weights(layer, (IMAGE_TYPE,), backend)
    lengths = np.sqrt((held["weight_v"] ** 2).sum((0, 2, 3), keepdims=True))
    np.testing.assert_allclose(held["weight_g"], lengths, rtol=1e-5)


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (Conv1d, {"weight": WeightNorm.make(dim=3)}),
        (ConvTranspose2d, {"weight": WeightStandardization.make()}),
    ],
)
def test_refuses(kind, arguments):
    with pytest.raises(KindError):
        kind.make(4, 3, **arguments)


def test_linear_refuses():
    with pytest.raises(KindError):
        Linear.make(4, weight=ScaledWeightStandardization.make())


def test_in_a_spec():
    source = """
    block Unit(out: int, form: layer = WeightStandardization(eps=1e-5)) {
      Conv2d(out, 3, weight=form) -> ReLU
    }
    model M {
      input x: float32[3, 16, 16]
      Unit(4) -> Unit(4, form=ScaledWeightStandardization(gamma=1.7)) -> ToSequence
      output y = Linear(2, weight=WeightNorm)
    }
    """
    spec = dsl.loads(source)
    assert [item.message for item in spec.diagnostics] == []
    assert spec.cost().params == (4 * 27 + 4) + (4 * 36 + 4 + 4) + (8 + 2 + 2)


@pytest.mark.parametrize(
    ("layer", "cure"),
    [
        ("SeparableConv2D(8, 3)", "two layers here"),
        ("DeformConv2d(8, 3)", "no kernel"),
        ("DepthwiseConv2D(3)", "groups=input.channels"),
        ("Conv2d(8, 3, weight=SpectralNorm)", "WeightNorm"),
        ("Conv2d(8, 3, weight=StdConv2d)", "`WeightStandardization`"),
    ],
)
def test_words_of_other_frameworks_are_told_what_to_write(layer, cure):
    source = f"model M {{ input x: float32[3, 8, 8]; output y = {layer} }}"
    (finding,) = dsl.loads(source).diagnostics
    assert finding.rule.code == "MSL104"
    assert cure in " ".join(finding.helps)


@pytest.mark.parametrize(
    ("backend", "name"),
    [("torch", "conv.parametrizations.weight.original1"), ("tensorflow", "conv.weight")],
)
def test_scripts_find_a_direction_by_its_key(backend, name):
    source = """
    model M {
      input x: float32[3, 8, 8]
      conv = Conv2d(4, 3, weight=WeightNorm)
      Conv2d(4, 3, weight=ScaledWeightStandardization) -> GlobalAvgPool
      output y = Linear(2)
    }
    loss CrossEntropy
    regularization { L2(1e-4) on "*.weight_v" }
    """
    assert f'"{name}"' in dsl.loads(source).compile(backend)
