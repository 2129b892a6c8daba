"""A generated TensorFlow file at work: its model, its loss, its steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from inspect import signature
from types import ModuleType
from typing import Any
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

from backends.tensorflow.layout import meaning_order, storage_order
from backends.tensorflow.names import key_path
from backends.tensorflow.runtime.draws import Numbers, replaced
from backends.tensorflow.runtime.precision import computing_in
from backends.tensorflow.weights import load, read
from dsl.ir import Model
from dsl.shapes.types import TensorType

Arrays = dict[str, Any]
Seen = dict[str, list[tuple[tuple[Any, ...], tuple[Any, ...]]]]
"""What layers were called with and gave, by path, call by call."""


class KerasTwin:
    """A generated file at work, on the CPU. All arrays are as the spec means them.

    Args:
        code: The file, imported.
        model: What it was generated from.
        dtype: The type of real numbers: ``float64`` or ``float32``.
        layers: For the path of each layer and block the type that its draws are of; None where a
            mask is drawn in the order in which axes are stored.
    """

    name = "tensorflow"

    def __init__(
        self, code: ModuleType, model: Model, dtype: str, layers: Mapping[str, TensorType | None]
    ) -> None:
        self.code, self.model, self.dtype, self.layers = code, model, dtype, layers
        with computing_in(self.dtype):
            self.built = code.build_model()
        self.optimizer: Any = None
        self._running: list[str] = []
        self._inputs = dict(zip(model.body.names, (value.type for value in model.body.inputs)))

    # --- weights ------------------------------------------------------------------------

    def weights(self) -> Arrays:
        """All weights and running statistics by key."""
        return read(self.model, {v.path: v.numpy() for v in self.built.weights}, np)

    def trained(self) -> int:
        """The number of trainable values."""
        return sum(int(np.prod(v.shape)) for v in self.built.trainable_weights)

    def load(self, weights: Arrays) -> None:
        """Takes weights by key."""
        load(self.model, self.built, weights, np)

    # --- data ---------------------------------------------------------------------------

    def place(self, data: Arrays) -> Any:
        """Arrays of data as the file's own functions hold them."""
        if not hasattr(self.code, "to_tensors"):
            return {name: tf.constant(self._stored(name, x)) for name, x in data.items()}
        fitted = ({},) if "fitted" in signature(self.code.to_tensors).parameters else ()
        return self.code.to_tensors(data, *fitted)

    def _stored(self, name: str, array: Any) -> Any:
        return np.transpose(array, storage_order(self._inputs[name]))

    def order(self, data: Any, seed: int, epoch: int) -> Any:
        """The rows of an epoch in the order that the file takes them in."""
        return self.code.epoch_rows(data, seed, epoch)

    def take(self, data: Any, rows: Any) -> Any:
        """Some rows as a batch."""
        return self.cast(self.code.take(data, tf.constant(rows)))

    def augment(self, batch: Any, numbers: Numbers) -> Any:
        """A batch as the file changes it at random, with given numbers."""
        if not hasattr(self.code, "augment"):
            return batch
        with replaced(numbers, self._order):
            return self.cast(self.code.augment(batch, tf.constant([0, 0], "int64")))

    def cast(self, batch: Any) -> Any:
        """A batch with reals of the twin's type."""
        return {
            name: tf.cast(values, self.dtype) if values.dtype.is_floating else values
            for name, values in batch.items()
        }

    def arrays(self, batch: Any) -> Arrays:
        """A batch as arrays; targets are as they are stored."""
        return {
            name: np.transpose(values.numpy(), meaning_order(self._inputs[name]))
            for name, values in batch.items()
            if name in self._inputs
        }

    # --- running ------------------------------------------------------------------------

    def outputs(self, batch: Any, numbers: Numbers | None = None, seen: Seen | None = None) -> Any:
        """The outputs by name, as tensors in the order of the meaning.

        Args:
            batch: What `take` or `cast` gave.
            numbers: Where draws come from; training mode if given.
            seen: Receives what layers were called with and gave.
        """
        given = [batch[name] for name in self.model.body.names]
        with self._running_with(numbers, seen):
            results = self.built(
                given if len(given) > 1 else given[0], training=numbers is not None
            )
        outputs = self.model.body.outputs
        named = results if len(outputs) > 1 else {outputs[0].name: results}
        types = {output.name: output.value.type for output in outputs}
        return {name: tf.transpose(y, meaning_order(types[name])) for name, y in named.items()}

    def forward(self, batch: Any, numbers: Numbers | None = None, seen: Seen | None = None) -> Any:
        """The outputs by name, as arrays."""
        results = self.outputs(batch, numbers, seen)
        return {name: value.numpy() for name, value in results.items()}

    def slopes(self, batch: Any, numbers: Numbers, mixes: Mapping[str, Any]) -> tuple[Any, Arrays]:
        """A weighted sum of the outputs, and its gradients by key; those of inputs as ``(name)``.

        Args:
            batch: The inputs.
            numbers: Where draws come from.
            mixes: Weights of the entries of each output.
        """
        reals = {name: x for name, x in batch.items() if x.dtype.is_floating}
        variables = self.built.trainable_variables
        with tf.GradientTape() as tape:
            tape.watch(list(reals.values()))
            results = self.outputs(batch, numbers)
            total = tf.constant(0.0, self.dtype)
            for name, mix in mixes.items():
                total += tf.reduce_sum(results[name] * mix)
            total = tf.add_n([total, *self.built.losses])
        sources = [[v.value for v in variables], list(reals.values())]
        found, inputs = tape.gradient(total, sources, unconnected_gradients="zero")
        slopes = {
            f"({name})": np.transpose(_dense(x), meaning_order(self._inputs[name]))
            for name, x in zip(reals, inputs)
        }
        return float(total), self._by_key(variables, found) | slopes

    def _by_key(self, variables: Any, gradients: Any) -> Arrays:
        """Gradients of variables by key, zero for all others."""
        rest = {v.path: np.zeros(tuple(v.shape)) for v in self.built.weights}
        found = {v.path: _dense(g) for v, g in zip(variables, gradients) if g is not None}
        return read(self.model, {**rest, **found}, np)

    def loss(self, batch: Any) -> float:
        """The file's loss of a batch, in evaluation."""
        with computing_in(self.dtype):
            return float(self.code.loss_function(self.code.forward(self.built, batch), batch))

    def figures(self, data: Any, size: int) -> dict[str, float]:
        """The loss and the metrics of some data, in batches of a size, as the file reports them."""
        with computing_in(self.dtype):
            return self.code.make_evaluate(self.built, data, size)()

    def begin(self) -> None:
        """Makes the file's optimizer."""
        with computing_in(self.dtype):
            self.optimizer = self._optimizer_class()(self.built)

    def _optimizer_class(self) -> Any:
        """The file's own optimizer: the one class that takes steps."""
        classes = [item for item in vars(self.code).values() if isinstance(item, type)]
        (found,) = [
            c for c in classes if c.__module__ == self.code.__name__ and hasattr(c, "apply")
        ]
        return found

    def step(self, batch: Any, numbers: Numbers, factors: tuple[int, ...]) -> tuple[float, Arrays]:
        """One step as the file takes it: the loss, and the gradients that the optimizer got.

        Args:
            batch: What to step on.
            numbers: Where draws come from.
            factors: What the file's schedule is asked with.
        """
        found: Arrays = {}
        apply = self.optimizer.apply

        def keep(gradients: Any, *rate: Any) -> Any:
            found.update(self._by_key(self.optimizer.variables, gradients))
            return apply(gradients, *rate)

        rate: tuple[Any, ...] = ()
        if hasattr(self.code, "schedule"):
            rate = (tf.constant(self.code.LEARNING_RATE * self.factor(factors), "float64"),)
        self.optimizer.apply = keep
        try:
            with self._running_with(numbers):
                loss = self.code.train_step(self.built, self.optimizer, batch, *rate)
        finally:
            self.optimizer.apply = apply
        return float(loss), found

    def factor(self, factors: tuple[int, ...]) -> float:
        """The factor of the learning rate that the file's schedule has, asked as much as it takes.

        Args:
            factors: The step, the steps of the run, and those of an epoch.
        """
        if not hasattr(self.code, "schedule"):
            return 1.0
        return self.code.schedule(*factors[: len(signature(self.code.schedule).parameters)])

    # --- watching -----------------------------------------------------------------------

    @contextmanager
    def _running_with(self, numbers: Numbers | None, seen: Seen | None = None) -> Iterator[None]:
        with ExitStack() as stack:
            stack.enter_context(computing_in(self.dtype))
            if numbers is not None or seen is not None:
                watched = self._watching(seen)
                stack.enter_context(mock.patch.object(keras.layers.Layer, "__call__", watched))
            if numbers is not None:
                stack.enter_context(replaced(numbers, self._order))
            yield

    def _watching(self, seen: Seen | None) -> Any:
        """`__call__` of Keras' layers that knows which one is running, and notes what it does."""
        original, self._running = keras.layers.Layer.__call__, [""]

        def call(layer: Any, *args: Any, **options: Any) -> Any:
            self._running.append(self._path(layer))
            try:
                result = original(layer, *args, **options)
            finally:
                path = self._running.pop()
            if seen is not None and path in self.layers:
                seen.setdefault(path, []).append((_arrays(args), _arrays(result)))
            return result

        return call

    def _path(self, layer: Any) -> str:
        """The dotted path of a Keras layer; some have none of their own, only a name."""
        if layer is self.built:
            return ""
        if layer.path:
            return key_path(layer.path).rstrip(".")
        return ".".join(filter(None, (self._running[-1], layer.name))).rstrip(".")

    def _order(self) -> tuple[str, tuple[int, ...] | None]:
        """The layer of the spec that is running, and how it stores what it draws for."""
        name = self._running[-1]
        while name and name not in self.layers:
            name = name.rpartition(".")[0]
        type_ = self.layers.get(name)
        return name, None if type_ is None else meaning_order(type_)


def _arrays(values: Any) -> tuple[Any, ...]:
    """The tensors among some values as arrays, None for whatever else is there."""
    listed = values if isinstance(values, (tuple, list)) else (values,)
    return tuple(x.numpy() if isinstance(x, tf.Tensor) else None for x in listed)


def _dense(gradient: Any) -> Any:
    """A gradient as an array; an embedding's is sparse."""
    return tf.convert_to_tensor(gradient).numpy()
