"""Training kinds: documentation, targets, state, and arguments that go together."""

from __future__ import annotations

import pytest

import dsl.training.families  # noqa: F401
from dsl.kinds.kind import REGISTRY, Kind, KindError
from dsl.kinds.values import AUTO, BadValue
from dsl.shapes.dim import symbol
from dsl.shapes.types import TensorType
from dsl.training.data import CSV, NPZ, Python
from dsl.training.device import SETTINGS, Device, Target
from dsl.training.distributions import Choice, IntUniform, LogUniform
from dsl.training.losses import (
    MSE,
    BinaryCrossEntropy,
    CrossEntropy,
    Hinge,
    KLDivergence,
    class_axis,
)
from dsl.training.metrics import F1, TopK
from dsl.training.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from dsl.training.plan import DeviceSettings, TrainSettings

CATEGORIES = {
    "loss": "CrossEntropy BinaryCrossEntropy MSE MAE SmoothL1 Huber KLDivergence Hinge",
    "optimizer": "SGD Adam AdamW RMSprop Adagrad",
    "schedule": "Constant Step Exponential Cosine Linear",
    "regularizer": "L1 L2 ClipNorm ClipValue EarlyStopping Augment",
    "metric": "Accuracy TopK Perplexity MAE RMSE AUC F1",
    "data": "CSV NPZ ImageFolder Text Synthetic Python",
    "augmentation": "RandomCrop HorizontalFlip",
    "distribution": "LogUniform Uniform Choice IntUniform",
}
KINDS = [kind for category in CATEGORIES for kind in REGISTRY[category].values()]

VECTOR = TensorType((10,))
SEQUENCE = TensorType((symbol("time"), 10))
PIXELS = TensorType((10, 8, 6))


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_kind_of_the_contract_is_there(category: str):
    assert set(CATEGORIES[category].split()) <= set(REGISTRY[category])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.category}-{kind.name}")
def test_the_docstring_is_a_reference_page(kind: type[Kind]):
    doc = kind.__doc__ or ""
    assert "Source:" in doc
    assert kind.category == "data" or "Formula:" in doc
    assert all(argument.doc.endswith(".") for argument in kind.arguments.values())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.category}-{kind.name}")
def test_defaults_are_values_that_could_be_given(kind: type[Kind]):
    for argument in kind.arguments.values():
        if not argument.required and argument.default is not None:
            assert argument.type.coerce(argument.default) == argument.default


def test_settings_have_the_defaults_of_the_plan():
    train = {name: arg.default for name, arg in SETTINGS["train"].arguments.items()}
    plan = TrainSettings()
    assert plan.epochs == 10 and train["epochs"] is None
    for name in ("batch", "accumulate", "seed", "checkpoint"):
        assert train[name] == getattr(plan, name)
    device = {name: arg.default for name, arg in Device.arguments.items()}
    assert device == {name: getattr(DeviceSettings(), name) for name in device}


# --- targets ----------------------------------------------------------------------------


def test_cross_entropy_targets_drop_the_class_axis():
    loss = CrossEntropy.make()
    assert loss.target_type(VECTOR) == TensorType((), "int64")
    assert loss.target_type(SEQUENCE).shape == (symbol("time"),)
    pixels = loss.target_type(PIXELS)
    assert (pixels.shape, pixels.dtype, pixels.axes) == ((8, 6), "int64", ("height", "width"))
    signal = TensorType((10, 7), "float32", ("channels", "time"))
    assert loss.target_type(signal).shape == (7,)


@pytest.mark.parametrize("kind", [MSE, BinaryCrossEntropy, Hinge, KLDivergence])
def test_other_targets_have_the_output_s_shape(kind: type[Kind]):
    target = kind.make().target_type(PIXELS)
    assert (target.shape, target.dtype) == (PIXELS.shape, "float32")


def test_class_axis_is_channels_where_named():
    assert class_axis(PIXELS) == 0
    assert class_axis(SEQUENCE) == 1


@pytest.mark.parametrize(
    ("loss", "output", "word"),
    [
        (CrossEntropy.make(), TensorType((1,)), "the output has 1"),
        (CrossEntropy.make(), TensorType(()), "no axis of classes"),
        (CrossEntropy.make(), TensorType((10,), "int64"), "real numbers"),
        (CrossEntropy.make(weight=(1.0,) * 9), VECTOR, "has 9 values"),
        (BinaryCrossEntropy.make(pos_weight=(1.0,) * 9), VECTOR, "has 9 values"),
        (KLDivergence.make(), TensorType((1,)), "the output has 1"),
        (MSE.make(), TensorType((3,), "bool"), "real numbers"),
    ],
)
def test_outputs_that_a_loss_cannot_take(loss, output: TensorType, word: str):
    with pytest.raises(KindError, match=word) as caught:
        loss.target_type(output)
    assert caught.value.code == "MSL412"


def test_what_predict_applies():
    owned = {kind.name: kind.activation for kind in REGISTRY["loss"].values()}
    assert owned["CrossEntropy"] == owned["KLDivergence"] == "softmax"
    assert owned["BinaryCrossEntropy"] == "sigmoid"
    assert {owned[name] for name in ("MSE", "MAE", "SmoothL1", "Huber", "Hinge")} == {"none"}


# --- optimizers -------------------------------------------------------------------------


def test_values_that_optimizers_keep():
    slots = {
        SGD.make(): 0,
        SGD.make(momentum=0.9): 1,
        Adam.make(): 2,
        AdamW.make(): 2,
        RMSprop.make(): 1,
        RMSprop.make(momentum=0.9, centered=True): 3,
        Adagrad.make(): 1,
    }
    assert {kind: kind.state_slots for kind in slots} == slots


def test_decay_patterns_are_a_tuple():
    assert Adam.make().decay_patterns == ()
    assert Adam.make(decay_on="*").decay_patterns == ("*",)
    assert Adam.make(decay_on=("*", "!*.bias")).decay_patterns == ("*", "!*.bias")


@pytest.mark.parametrize(
    ("kind", "values", "arg"),
    [
        (SGD, {"nesterov": True}, "nesterov"),
        (SGD, {"momentum": 0.9, "dampening": 0.1, "nesterov": True}, "dampening"),
        (SGD, {"dampening": 0.1}, "dampening"),
        (LogUniform, {"low": 1.0, "high": 0.1}, "high"),
        (IntUniform, {"low": 3, "high": 3}, "high"),
        (CSV, {"path": "f", "validation": 0.5, "test": 0.5}, "validation"),
        (NPZ, {"path": "f", "validation": 0.9, "test": 0.1}, "validation"),
        (Python, {"path": "f", "function": "a b"}, "function"),
    ],
)
def test_arguments_that_do_not_go_together(kind: type[Kind], values: dict, arg: str):
    with pytest.raises(KindError) as caught:
        kind.make(**values)
    assert caught.value.arg == arg


# --- values -----------------------------------------------------------------------------


def test_normalize_takes_truth_values():
    assert CSV.make("f", normalize=True).normalize == "standard"
    assert CSV.make("f", normalize=False).normalize == "none"
    assert CSV.make("f").normalize == "standard"
    assert NPZ.make("f").normalize == "none"


@pytest.mark.parametrize("word", ["auto", "cpu", "mps", "cuda", "cuda:3", AUTO])
def test_devices_by_name(word: object):
    assert Target().coerce(word) == ("auto" if word is AUTO else word)


@pytest.mark.parametrize("word", ["gpu", "cuda:", "cuda:x", "CPU", "auto:1", 0, ""])
def test_devices_that_are_none(word: object):
    with pytest.raises(BadValue):
        Target().coerce(word)


def test_choices_take_any_number_of_values():
    assert Choice.make(1, 2, 3).ends == (1, 2, 3)
    with pytest.raises(BadValue):
        Choice.make(1)


def test_names_of_metrics_in_logs():
    assert TopK.make(3).label == "top_3"
    assert F1.make().label == "f1"
    assert F1.make("micro").label == "f1_micro"
    assert F1.make().averaging(BinaryCrossEntropy.make()) == "binary"
    assert F1.make().averaging(CrossEntropy.make()) == "macro"
