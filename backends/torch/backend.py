"""The PyTorch backend as a value."""

from __future__ import annotations

from backends.torch.model import key_names, write_model
from backends.torch.training.script import script_context
from backends.writing import FileWriter

BACKEND = FileWriter("torch", "backends.torch", write_model, key_names, script_context)
