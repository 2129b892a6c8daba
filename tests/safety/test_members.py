"""Layers that bear the names of a module's own members work in PyTorch, each with its weights."""

from __future__ import annotations

from typing import Any

import torch

from backends.torch.model import TAKEN
from tests.safety.naming import MEMBERS, generated


def test_members_as_layers() -> None:
    layers = "\n".join(f"  {name} = Linear(3)" for name in MEMBERS)
    text = f"model Net {{\n  input x: float32[8]\n{layers}\n  output last = Linear(2)\n}}\n"
    space: dict[str, Any] = {"__name__": "net"}
    exec(generated(text, "torch"), space)
    module = space["build_model"]()
    assert module(torch.zeros(2, 8)).shape == (2, 2)
    assert len(list(module.parameters())) == 2 * (len(MEMBERS) + 1)


def test_all_members_are_known() -> None:
    public = {name for name in dir(torch.nn.Module()) if name[0] != "_"}
    assert public - TAKEN <= {"T_destination"}  # a type, which no instance needs
