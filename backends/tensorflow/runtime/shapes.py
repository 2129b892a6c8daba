"""The variables of a generated Keras model: what its script calls them, and their shapes."""

from __future__ import annotations

from types import ModuleType

import keras

from backends.tensorflow.names import key_path


def variable_shapes(code: ModuleType) -> dict[str, tuple[str, tuple[int, ...]]]:
    """For the dotted path of each variable its name in checkpoints, "" without one, and its shape.

    No memory is taken for the weights.
    """
    with keras.StatelessScope(initialize_variables=False):
        built = code.build_model()
        name = getattr(code, "key_of", lambda variable: "")
        return {key_path(v.path): (name(v), tuple(v.shape)) for v in built.weights}
