"""The TensorFlow backend as a value."""

from __future__ import annotations

from backends.tensorflow.model import write_model
from backends.tensorflow.training.script import script_context
from backends.writing import FileWriter
from dsl.ir import Model


def key_names(model: Model) -> dict[str, str]:
    """Keys that the framework spells otherwise: none, since names of layers are free in Keras."""
    return {}


BACKEND = FileWriter("tensorflow", "backends.tensorflow", write_model, key_names, script_context)
