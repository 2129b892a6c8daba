"""Names in Keras models that no operation has."""

from __future__ import annotations

from backends.tensorflow.layers.activation import FUNCTIONS
from backends.tensorflow.names import OPERATIONS, input_name, key_path, layer_name


def test_activations_are_operations() -> None:
    assert set(FUNCTIONS.values()) <= OPERATIONS


def test_layers_named_as_operations_get_a_dot() -> None:
    assert [layer_name(key) for key in ("fc1", "mean", "relu_12", "relus", "conv1")] == [
        "fc1", "mean.", "relu_12.", "relus", "conv1",
    ]  # fmt: skip


def test_inputs_give_way_to_layers_and_operations() -> None:
    assert input_name("image", {"linear"}) == "image"
    assert input_name("linear", {"linear"}) == "linear_"
    assert input_name("softmax", {"linear"}) == "softmax_"


def test_keys_know_nothing_of_the_dot() -> None:
    assert key_path("mean./linear/kernel") == "mean.linear.kernel"
