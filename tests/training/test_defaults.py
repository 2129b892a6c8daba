"""Names, order and defaults of training kinds are PyTorch's."""

from __future__ import annotations

import inspect

import pytest
import torch

import dsl.training.families  # noqa: F401
from dsl.kinds.kind import REGISTRY

OURS = {"decay_on", "mask", "target"}
UNUSED = {
    "self", "params", "amsgrad", "maximize", "foreach", "capturable", "differentiable", "fused",
    "decoupled_weight_decay", "size_average", "reduce", "reduction",
}  # fmt: skip
LOSSES = {
    "CrossEntropy": torch.nn.CrossEntropyLoss,
    "BinaryCrossEntropy": torch.nn.BCEWithLogitsLoss,
    "MSE": torch.nn.MSELoss,
    "MAE": torch.nn.L1Loss,
    "SmoothL1": torch.nn.SmoothL1Loss,
    "Huber": torch.nn.HuberLoss,
}
BEYOND = {"BinaryCrossEntropy": {"label_smoothing"}}
"""Arguments that PyTorch's loss does not have."""
LEFT_OUT = {"BinaryCrossEntropy": {"weight"}}


def defaults(function: object) -> dict[str, object]:
    """The parameters of a PyTorch class with their defaults."""
    parameters = inspect.signature(function.__init__).parameters  # type: ignore[misc]
    return {name: p.default for name, p in parameters.items() if name not in UNUSED}


@pytest.mark.parametrize("name", sorted(REGISTRY["optimizer"]))
def test_optimizers(name: str):
    ours = {
        key: argument.default
        for key, argument in REGISTRY["optimizer"][name].arguments.items()
        if key not in OURS
    }
    theirs = defaults(getattr(torch.optim, name))
    assert ours == theirs
    assert list(ours) == list(theirs)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_losses(name: str):
    ours = {
        key: argument.default
        for key, argument in REGISTRY["loss"][name].arguments.items()
        if key not in OURS | BEYOND.get(name, set())
    }
    theirs = defaults(LOSSES[name])
    assert ours == {key: theirs[key] for key in theirs if key not in LEFT_OUT.get(name, set())}
