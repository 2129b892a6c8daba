"""Runs generated PyTorch code to hold it against other backends; nothing else here imports it."""

from __future__ import annotations

from backends.torch.runtime.twin import TorchTwin

TWIN = TorchTwin
