"""Weights of a PyTorch module by MSL's keys."""

from __future__ import annotations

from typing import Any

import torch

from backends.torch.model import COUNTER, key_names
from dsl.ir import Model


def spellings(model: Model) -> dict[str, str]:
    """For each key in the module's state that MSL spells otherwise, MSL's spelling."""
    return {spelled: key for key, spelled in key_names(model).items()}


def read_state(model: Model, built: torch.nn.Module) -> dict[str, Any]:
    """The state of a module by MSL's keys, counters of batches left out; arrays of its memory."""
    renamed = spellings(model)
    return {
        renamed.get(key, key): tensor.detach().numpy()
        for key, tensor in built.state_dict().items()
        if not key.endswith(COUNTER)
    }


def load_state(model: Model, built: torch.nn.Module, weights: dict[str, Any]) -> None:
    """Gives a module the weights of MSL's keys, in its own type.

    Raises:
        KeyError: A weight is missing.
        RuntimeError: A weight has another shape.
    """
    renamed = spellings(model)
    with torch.no_grad():
        for key, tensor in built.state_dict().items():
            if not key.endswith(COUNTER):
                tensor.copy_(torch.from_numpy(weights[renamed.get(key, key)]))


def read_gradients(model: Model, built: torch.nn.Module) -> dict[str, Any]:
    """The gradients of a module's parameters by MSL's keys, zero where none flowed."""
    renamed = spellings(model)
    return {renamed.get(key, key): gradient(p) for key, p in built.named_parameters()}


def gradient(tensor: torch.Tensor) -> Any:
    """The gradient of a tensor as an array of its own, zero where none flowed."""
    return torch.zeros_like(tensor).numpy() if tensor.grad is None else tensor.grad.numpy().copy()
