"""The TensorFlow backend as a value."""

from __future__ import annotations

from backends.tensorflow.model import write_model
from backends.tensorflow.training.script import script_context
from backends.writing import FileWriter
from dsl.ir import Model, expand, join, walk


def key_names(model: Model) -> dict[str, str]:
    """For each key that scripts spell otherwise, their spelling.

    Names of layers are free in Keras; a normalised weight's direction is the layer's kernel there.
    """
    return {
        join(path, "weight_v"): join(path, "weight")
        for visit in walk(model.body.nodes)
        if visit.owners and any(weight.role == "weight_v" for weight in visit.node.weights)
        for path in expand(visit.path)
    }


BACKEND = FileWriter(
    "tensorflow",
    "backends.tensorflow",
    write_model,
    key_names,
    script_context,
    {"recompute": "TensorFlow would draw dropout anew when a block runs again"},
)
