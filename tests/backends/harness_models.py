"""Whole models in both frameworks: written, built, and held against the spec and each other.

A spec under ``specs/`` may say in comments what else to hold it to:

* ``# also: depth=2 width=8`` gives other arguments: the spec elaborated with them must agree, and
  so must the class that was written with the defaults, constructed with these, as far as it
  takes them;
* ``# only: depth=0`` the same, where other arguments give other keys, so that no class can;
* ``# model: Name`` names the model or variant meant.

Everything is compared in float64. Frameworks are imported when first used.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import dsl
from backends.lowering.modelcode import ModelCode
from backends.pycode.render import import_lines, tidy
from backends.tensorflow.layout import meaning_order, storage_order
from backends.verifying.importing import beside, imported
from dsl.ir import Model, weight_keys
from dsl.shapes.types import TensorType

SPECS = Path(__file__).parent / "specs"
TOLERANCE = {"rtol": 1e-6, "atol": 1e-9}

Arrays = dict[str, Any]


@dataclass(frozen=True)
class Subject:
    """A spec with parameters.

    Attributes:
        path: The file.
        define: Values of parameters as text.
        also: Other arguments of the model that its comments name.
        only: Other arguments that are for the spec alone.
        model: The model or variant meant.
    """

    path: Path
    define: Mapping[str, str]
    also: tuple[Mapping[str, str], ...] = ()
    only: tuple[Mapping[str, str], ...] = ()
    model: str = ""

    @property
    def name(self) -> str:
        """What the test is called."""
        given = ",".join(f"{key}={value}" for key, value in self.define.items())
        return f"{self.path.stem}[{given}]" if given else self.path.stem

    def elaborated(self, define: Mapping[str, str] | None = None) -> dsl.Spec:
        """The spec, free of mistakes."""
        spec = dsl.load(str(self.path), model=self.model, define=define or self.define)
        assert spec.ok, [(item.rule.code, item.message) for item in spec.diagnostics]
        return spec


@cache
def subjects() -> tuple[Subject, ...]:
    """Every spec with its defaults."""
    return tuple(map(subject, sorted(SPECS.glob("*.msl"))))


def subject(path: Path) -> Subject:
    """A spec with what its comments ask for."""
    text = path.read_text(encoding="utf-8")
    also, only = (_arguments(text, word) for word in ("also", "only"))
    named = re.search(r"^# model: (\w+)$", text, re.MULTILINE)
    return Subject(path, {}, also, only, named.group(1) if named else "")


def _arguments(text: str, word: str) -> tuple[dict[str, str], ...]:
    lines = re.findall(rf"^# {word}: (.*)$", text, re.MULTILINE)
    return tuple(dict(pair.split("=", 1) for pair in line.split()) for line in lines)


def traced(spec: dsl.Spec) -> Model:
    """The model that code is written from."""
    model = spec.compilation.traced.model
    assert model is not None
    return model


def write(model: Model, backend: str) -> ModelCode:
    """The code of a model."""
    if backend == "torch":
        from backends.torch.model import write_model
    else:
        from backends.tensorflow.model import write_model
    return write_model(model)


def source(model: Model, backend: str) -> str:
    """The code of a model as a file."""
    code = write(model, backend)
    imports = (*import_lines(code.text), *code.imports)
    return tidy("\n".join(imports) + "\n\n\n" + code.text)


def module(text: str, folder: Path, place: Path) -> ModuleType:
    """A generated file, imported; what it imports itself may lie beside the spec."""
    with beside(str(place)):
        return imported(text, str(folder))


def arrays(model: Model, grow: int = 0, batch: int = 2) -> list[Any]:
    """Inputs in the order of the spec; `grow` is added to the size of each symbol."""
    random = np.random.default_rng(7)
    sizes = {name: size + grow for name, size in model.symbols.items()}
    return [_array(random, value.type.sized(sizes), batch) for value in model.body.inputs]


def _array(random: np.random.Generator, type_: TensorType, batch: int) -> Any:
    shape = (batch, *type_.shape)
    if type_.is_float:
        return random.normal(size=shape)
    if type_.dtype == "bool":
        return random.random(size=shape) < 0.7
    return random.integers(0, 5, size=shape).astype(type_.dtype)


@dataclass(frozen=True)
class Run:
    """What a model computed: outputs by name, gradients of weights by key and of inputs by name."""

    outputs: Arrays
    weights: Arrays
    inputs: Arrays


def torch_keys(model: Model) -> dict[str, str]:
    """For each key in the module's state that MSL spells otherwise, MSL's spelling."""
    from backends.torch.runtime.weights import spellings

    return spellings(model)


def torch_state(model: Model, built: Any) -> Arrays:
    """The state of a PyTorch module by MSL's keys, counters of batches left out."""
    from backends.torch.runtime.weights import read_state

    return read_state(model, built)


def scramble(built: Any) -> None:
    """Gives every weight and running statistic of a PyTorch module a value of its own."""
    import torch

    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, tensor in built.state_dict().items():
            if tensor.dtype.is_floating_point:
                noise = torch.rand(tensor.shape, generator=generator, dtype=tensor.dtype)
                tensor.copy_(noise + 0.5 if name.endswith("running_var") else noise - 0.5)


def run_torch(model: Model, built: Any, given: list[Any]) -> Run:
    """Outputs and gradients of a PyTorch module."""
    import torch

    from backends.torch.runtime.weights import gradient, read_gradients

    tensors = [torch.from_numpy(array) for array in given]
    for tensor in tensors:
        tensor.requires_grad_(tensor.dtype.is_floating_point)
    results = by_name(model, built(*tensors))
    total = sum((results[name] * torch.from_numpy(mix)).sum() for name, mix in mixes(results))
    built.zero_grad()
    if isinstance(total, torch.Tensor) and total.requires_grad:
        total.backward()
    weights = read_gradients(model, built)
    inputs = {
        name: gradient(tensor)
        for name, tensor in zip(model.body.names, tensors)
        if tensor.requires_grad
    }
    return Run({key: value.detach().numpy() for key, value in results.items()}, weights, inputs)


def by_name(model: Model, results: Any) -> Arrays:
    """Outputs by name, several of which a model gives as a dict."""
    names = [output.name for output in model.body.outputs]
    if len(names) == 1:
        return {names[0]: results}
    assert list(results) == names
    return dict(results)


def mixes(results: Arrays) -> Iterator[tuple[str, Any]]:
    """For each output of reals an array that weighs its entries."""
    random = np.random.default_rng(11)
    for name, result in results.items():
        if "float" in str(result.dtype):
            yield name, random.normal(size=tuple(result.shape))


def run_keras(model: Model, built: Any, given: list[Any]) -> Run:
    """Outputs and gradients of a Keras model, axes in the order of the meaning."""
    import tensorflow as tf

    from backends.tensorflow.weights import read

    types = [value.type for value in model.body.inputs]
    tensors = [
        tf.convert_to_tensor(np.transpose(array, storage_order(type_)))
        for array, type_ in zip(given, types)
    ]
    stored = {output.name: meaning_order(output.value.type) for output in model.body.outputs}
    variables = built.trainable_variables
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(tensors)
        results = by_name(model, built(tensors if len(tensors) > 1 else tensors[0], training=False))
        meant = {key: tf.transpose(value, stored[key]) for key, value in results.items()}
        total = sum(tf.reduce_sum(meant[name] * mix) for name, mix in mixes(meant))
    slopes = {} if isinstance(total, int) else _slopes(tape, total, variables)
    rest = {item.path: np.zeros(tuple(item.shape)) for item in built.weights}
    weights = read(model, {**rest, **slopes}, np)
    inputs = {
        name: np.transpose(_slope(tape, total, tensor), meaning_order(type_))
        for name, tensor, type_ in zip(model.body.names, tensors, types)
        if type_.is_float
    }
    return Run({key: value.numpy() for key, value in meant.items()}, weights, inputs)


def _slopes(tape: Any, total: Any, variables: list[Any]) -> Arrays:
    return {item.path: _slope(tape, total, item.value) for item in variables}


def _slope(tape: Any, total: Any, source: Any) -> Any:
    import tensorflow as tf

    slope = tape.gradient(total, source)
    return np.zeros(tuple(source.shape)) if slope is None else tf.convert_to_tensor(slope).numpy()


def expected_keys(model: Model) -> dict[str, bool]:
    """MSL's keys of a model, with whether each is trained."""
    return {item.key: item.weight.trainable for item in weight_keys(model.body.nodes)}


def compare(name: str, got: Arrays, wanted: Arrays) -> None:
    """Holds arrays by name against others."""
    assert list(got) == list(wanted), name
    for key, array in wanted.items():
        scale = float(np.abs(array).max()) if array.size else 0.0
        tolerance = {"rtol": TOLERANCE["rtol"], "atol": TOLERANCE["atol"] + 1e-7 * scale}
        np.testing.assert_allclose(got[key], array, **tolerance, err_msg=f"{name} {key}")


def digest() -> str:
    """A fingerprint of the code of every spec."""
    texts = (
        source(traced(case.elaborated()), backend)
        for case in subjects()
        for backend in ("torch", "tensorflow")
    )
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()
