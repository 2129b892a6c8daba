"""Checkpoints of generated PyTorch scripts, of which only tensors and plain values are read."""

from __future__ import annotations

import io
import pickle
from typing import Any

import torch


def read(data: bytes) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The weights of a checkpoint, or of a module's state, and all else in it.

    None where the file is something else, or holds what would have to be executed.
    """
    try:
        found = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, AttributeError):
        return None
    if not isinstance(found, dict):
        return None
    state = found.get("model", found)
    is_state = isinstance(state, dict) and all(
        isinstance(value, torch.Tensor) and value.dtype != torch.bfloat16
        for value in state.values()
    )
    if not is_state:
        return None
    arrays = {name: tensor.contiguous().numpy() for name, tensor in state.items()}
    return arrays, {} if state is found else found


def write(arrays: dict[str, Any], notes: dict[str, Any]) -> bytes:
    """A checkpoint as generated scripts load it."""
    state = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
    file = io.BytesIO()
    torch.save({"model": state, **notes}, file)
    return file.getvalue()
