"""Runs one layer alone: in the NumPy reference, in PyTorch and in Keras, from the same weights.

A family's test file declares ``CASES`` (a list of `Case`, from `cases` and `pairwise`);
`test_agreement.py` runs each through all three and compares outputs, running statistics and
gradients. Everything here speaks MSL's meaning: channels-first arrays with the batch in front,
weights by role in PyTorch's shapes. Frameworks are imported when first used.
"""

from __future__ import annotations

import importlib
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

import backends.reference.families  # noqa: F401
from backends.base import Emission, Emitters, Site
from backends.pycode.literals import python
from backends.pycode.render import draw_helper
from backends.reference import REFERENCE, Mode
from backends.tensorflow.exchange import pack, unpack
from backends.tensorflow.layout import meaning_order, storage_order, stored_shape
from dsl.kinds.kind import Kind
from dsl.layers.base import Layer
from dsl.passes.drafts import snake_case
from dsl.shapes.trace import Expr, plain, traced
from dsl.shapes.types import TensorType

Arrays = list[Any]


@dataclass(frozen=True)
class Case:
    """A layer on inputs of given types.

    Attributes:
        kind: The layer's class.
        arguments: Its arguments by name, as a spec would give them.
        types: A type for each port, None where an optional one is absent.
        batch: Samples.
        high: Integer inputs are drawn below it.
        sizes: The size of each symbol in the types.
        inputs: Makes the input arrays from a generator, where random ones will not do.
        training: Whether training mode is compared too; stochastic kinds that draw leave it out.
        keras_dtype: The widest dtype that TensorFlow has kernels for.
    """

    kind: type[Layer]
    arguments: Mapping[str, Any]
    types: tuple[TensorType | None, ...]
    batch: int = 2
    high: int = 3
    sizes: Mapping[str, int] = field(default_factory=dict)
    inputs: Callable[[np.random.Generator], Arrays] | None = None
    training: bool = True
    keras_dtype: str = "float64"

    @property
    def layer(self) -> Layer:
        """The layer."""
        return self.kind.make(**self.arguments)

    def arrays(self, seed: int = 0) -> Arrays:
        """Input arrays, float64 for reals."""
        random = np.random.default_rng(seed)
        if self.inputs:
            return self.inputs(random)
        return [self._array(random, type) for type in self.types]

    def _array(self, random: np.random.Generator, type: TensorType | None) -> Any:
        if type is None:
            return None
        shape = type.sized(dict(self.sizes)).shape
        shape = (self.batch, *shape) if type.batched else shape
        if type.is_float:
            return random.normal(size=shape)
        return random.integers(0, 2 if type.dtype == "bool" else self.high, shape).astype(
            type.dtype
        )

    def __str__(self) -> str:
        arguments = ", ".join(f"{key}={value}" for key, value in self.arguments.items())
        return f"{self.kind.name}({arguments}) on {', '.join(map(str, self.types))}"


@dataclass
class Run:
    """What a layer gave.

    Attributes:
        outputs: Result arrays.
        inputs: Gradients of the inputs, None for those that are no reals.
        weights: Gradients of the trainable weights by role.
        buffers: Running statistics by role, after the run.
    """

    outputs: Arrays
    inputs: Arrays = field(default_factory=list)
    weights: dict[str, Any] = field(default_factory=dict)
    buffers: dict[str, Any] = field(default_factory=dict)


def cases(
    kind: type[Layer], rows: Sequence[Mapping[str, Any]], *types: TensorType | None, **options: Any
) -> list[Case]:
    """A case for each row of arguments, on inputs of the same types."""
    return [Case(kind, row, types, **options) for row in rows]


def family_cases() -> list[tuple[str, Case]]:
    """The cases of all test files of this folder, each with its family's name."""
    found = []
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        if path.stem not in ("test_agreement", "test_contract"):
            module = importlib.import_module(f"tests.layers.{path.stem}")
            family = path.stem.removeprefix("test_")
            found += [(family, case) for case in getattr(module, "CASES", [])]
    return found


class Rows(list):
    """Rows of a covering array; ``uncovered`` lists the pairs that no allowed row holds."""

    uncovered: list[str]


def pairwise(
    exclude: Callable[[dict[str, Any]], bool] | None = None, **options: Sequence[Any]
) -> Rows:
    """Few rows in which each two values of different options meet, unless all such are excluded.

    Args:
        exclude: Says of a whole row whether it is not allowed.
        options: The values of each option.
    """
    names = list(options)
    grid = (dict(zip(names, values)) for values in itertools.product(*options.values()))
    allowed = [row for row in grid if not (exclude and exclude(row))]
    held = [_pairs({name: options[name].index(row[name]) for name in names}) for row in allowed]
    missing = set().union(*held) if held else set()
    wanted = {
        pair
        for a, b in itertools.combinations(names, 2)
        for pair in itertools.product(
            *([(name, i) for i in range(len(options[name]))] for name in (a, b))
        )
    }
    rows = Rows()
    rows.uncovered = sorted(
        " with ".join(f"{name}={options[name][i]!r}" for name, i in pair)
        for pair in wanted - missing
    )
    if len(names) == 1:
        rows.extend(allowed)
    while missing and len(names) > 1:
        best = max(range(len(allowed)), key=lambda i: len(held[i] & missing))
        rows.append(allowed[best])
        missing -= held[best]
    return rows


def _pairs(row: dict[str, Any]) -> set[tuple[Any, ...]]:
    return set(itertools.combinations(row.items(), 2))


def random_weights(layer: Layer, types: Sequence[Any], seed: int = 1) -> dict[str, Any]:
    """Float64 arrays by role: normal, and positive for running variances and the like."""
    random = np.random.default_rng(seed)
    weights = {}
    for weight in layer.weights(*types):
        values = random.normal(size=weight.shape)
        weights[weight.role] = np.abs(values) + 0.5 if "var" in weight.role else values
    return weights


def outputs_of(layer: Layer, types: Sequence[Any]) -> tuple[TensorType, ...]:
    """The types of the results, always as a tuple."""
    result = layer.infer(*types)
    return result if isinstance(result, tuple) else (result,)


def reference(
    layer: Layer,
    inputs: Arrays,
    weights: Mapping[str, Any],
    types: Sequence[Any],
    training: bool = False,
    draw: Callable[[tuple[int, ...]], Any] | None = None,
) -> Run:
    """Runs the layer in the NumPy reference."""
    mode = Mode(training, draw)
    held = {weight.role for weight in layer.weights(*types) if weight.group == "buffer"}
    result = REFERENCE[type(layer)](layer, inputs, dict(weights), mode, types)
    buffers = {role: mode.updates.get(role, weights[role]) for role in held}
    return Run(_listed(result), buffers=buffers)


def run_torch(
    layer: Layer,
    inputs: Arrays,
    weights: Mapping[str, Any],
    types: Sequence[Any],
    training: bool = False,
    dtype: str = "float64",
) -> Run:
    """Runs the layer's PyTorch code forward and backward.

    Raises:
        AssertionError: The module's trainable parameters are not the layer's trainable weights.
    """
    import torch

    holder, _ = torch_module(layer, types)
    holder.to(getattr(torch, dtype)).train(training)
    _load_torch(holder, layer, weights, types)
    tensors = [_torch_tensor(x, getattr(torch, dtype)) for x in inputs]
    result = holder(*[x for x in tensors if x is not None])
    outputs = _listed(result)
    loss = sum((y * torch.from_numpy(c).to(y)).sum() for y, c in _weighed(outputs))
    if getattr(loss, "requires_grad", False):
        loss.backward()
    state = {_role(key): value for key, value in holder.state_dict().items()}
    grads = {
        _role(key): _numpy_or_zero(value.grad, value)
        for key, value in holder.named_parameters()
        if value.requires_grad
    }
    return Run(
        [y.detach().numpy() for y in outputs],
        [_numpy_or_zero(x.grad, x) if x is not None and x.requires_grad else None for x in tensors],
        grads,
        {w.role: state[w.role].numpy() for w in layer.weights(*types) if w.group == "buffer"},
    )


def torch_module(layer: Layer, types: Sequence[Any]) -> tuple[Any, Emission]:
    """An `nn.Module` around the layer's emitted code, and that code; the layer is ``.layer``."""
    import torch
    from torch import nn

    from backends.torch.layers import TORCH

    emission, space = _emit(TORCH, layer, types)
    space |= {"torch": torch, "nn": nn, "F": nn.functional}
    space["weight_norm"] = nn.utils.parametrizations.weight_norm
    _define_helpers(space)
    call = compile(emission.call, "<call>", "eval")
    names = _names(types)

    class Holder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            if emission.module:
                self.layer = eval(emission.module, space)

        def forward(self, *values: Any) -> Any:
            return eval(call, space, {"self": self, **dict(zip(filter(None, names), values))})

    return Holder(), emission


def _role(key: str) -> str:
    """The role of a key of the holder's state: what stands below the layer, if anything does."""
    from backends.torch.layers.reparametrization import ROLES

    name = key.removeprefix("layer").removeprefix(".")
    return {spelled: role for role, spelled in ROLES.items()}.get(name, name)


def _load_torch(holder: Any, layer: Layer, weights: Mapping[str, Any], types: Any) -> None:
    import torch

    from backends.torch.layers.reparametrization import state_name

    wanted = {weight.role for weight in layer.weights(*types) if weight.trainable}
    owned = {_role(k) for k, v in holder.named_parameters() if v.requires_grad}
    assert owned == wanted, f"the module trains {sorted(owned)}, the layer {sorted(wanted)}"
    state = {
        f"layer.{state_name(role)}".rstrip("."): torch.from_numpy(np.asarray(array))
        for role, array in weights.items()
    }
    shapes = {key: tuple(value.shape) for key, value in holder.state_dict().items()}
    for key, value in state.items():
        assert shapes.get(key) == tuple(value.shape), f"{key}: {shapes.get(key)}"
    holder.load_state_dict(state, strict=False)


def _torch_tensor(array: Any, dtype: Any) -> Any:
    import torch

    if array is None:
        return None
    tensor = torch.from_numpy(np.array(array))
    return tensor.to(dtype).requires_grad_() if tensor.is_floating_point() else tensor


def _numpy_or_zero(grad: Any, value: Any) -> Any:
    return np.zeros(tuple(value.shape)) if grad is None else grad.numpy()


def run_keras(
    layer: Layer,
    inputs: Arrays,
    weights: Mapping[str, Any],
    types: Sequence[Any],
    training: bool = False,
    dtype: str = "float64",
    graph: bool = False,
) -> Run:
    """Runs the layer's Keras code: forward and backward, or forward as a graph.

    Args:
        graph: Run it inside `tf.function`, called from a custom layer, without gradients, instead
            of eagerly, as a functional model.

    Raises:
        AssertionError: The layer's variables are not those that its emission declares.
    """
    import tensorflow as tf

    from backends.tensorflow.runtime.precision import computing_in

    with computing_in(dtype):
        model, emission = keras_model(layer, types, functional=not graph)
        variables = _load_keras(model, emission, layer, weights, types)
        stored = [_store(x, t, dtype) for x, t in zip(inputs, types)]
        given = [tf.constant(x) for x in stored if x is not None]
        output_types = outputs_of(layer, types)
        if graph:
            outputs = _listed(tf.function(model)(given, training=training))
            by_input, by_variable = [], []
        else:
            outputs, by_input, by_variable = _keras_step(
                model, variables, given, output_types, training
            )
    shapes = {weight.role: weight.shape for weight in layer.weights(*types)}
    run = Run([_meaning(y.numpy(), t) for y, t in zip(outputs, output_types)])
    if not graph:
        left = iter(by_input)
        run.inputs = [
            None if x is None else _input_grad(next(left), t) for x, t in zip(inputs, types)
        ]
    grads = iter(by_variable)
    for rule in emission.weights:
        variable = variables[rule.variable]
        if not variable.trainable:
            run.buffers |= unpack(rule, variable.numpy(), shapes, np)
        elif not graph:
            run.weights |= unpack(rule, next(grads).numpy(), shapes, np)
    return run


def _keras_step(
    model: Any, variables: Any, given: Arrays, output_types: Any, training: bool
) -> tuple[Any, Any, Any]:
    """Outputs, gradients of the inputs, and of the trainable variables."""
    import tensorflow as tf

    owned = [v.value for v in variables.values() if v.trainable]
    with tf.GradientTape() as tape:
        tape.watch([x for x in given if x.dtype.is_floating])
        tape.watch(owned)
        outputs = _listed(model(given, training=training))
        meant = [
            tf.transpose(y, meaning_order(t)) if t.rank else y
            for y, t in zip(outputs, output_types)
        ]
        loss = sum(tf.reduce_sum(y * tf.cast(c, y.dtype)) for y, c in _weighed(meant))
    if not owned and isinstance(loss, int):  # integers have no gradient
        return outputs, [tf.zeros_like(x) for x in given], []
    grads = tape.gradient(loss, [given, owned], unconnected_gradients="zero")
    by_input, by_variable = ([tf.convert_to_tensor(grad) for grad in part] for part in grads)
    return outputs, by_input, by_variable


def _listed(result: Any) -> Arrays:
    return list(result) if isinstance(result, (tuple, list)) else [result]


def _input_grad(grad: Any, type: TensorType) -> Any:
    return _meaning(grad.numpy(), type) if type.is_float else None


def keras_model(layer: Layer, types: Sequence[Any], functional: bool = True) -> tuple[Any, Any]:
    """A function ``(stored inputs, training)`` with a ``.layer``, and the emission.

    Args:
        functional: Build a `keras.Model` from `keras.Input`; else call from a custom layer.
    """
    import keras
    import tensorflow as tf

    from backends.tensorflow.layers import TENSORFLOW

    emission, space = _emit(TENSORFLOW, layer, types)
    space |= {"keras": keras, "layers": keras.layers, "ops": keras.ops, "tf": tf}
    _define_helpers(space)
    call = compile(emission.call, "<call>", "eval")
    names = [name for name in _names(types) if name]
    module = eval(emission.module, space) if emission.module else None

    class Holder(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__(name="holder")
            self.layer = module

        def call(self, values: Arrays) -> Any:
            return eval(call, space, {"self": self, **dict(zip(names, values))})

    symbolic = [_keras_input(name, type) for name, type in zip(_names(types), types) if type]
    if not functional or not symbolic:
        holder = Holder()
        holder(symbolic)
        return holder, emission
    whole = SimpleNamespace(layer=module)
    outputs = eval(call, space, {"self": whole, **dict(zip(names, symbolic))})
    model = keras.Model(symbolic, outputs)
    return Runner(model, module), emission


@dataclass
class Runner:
    """A model with the layer that it holds."""

    model: Any
    layer: Any

    def __call__(self, values: Arrays, training: bool) -> Any:
        return self.model(values, training=training)


def _keras_input(name: str | None, type: TensorType) -> Any:
    import keras

    dtype = keras.config.floatx() if type.is_float else type.dtype
    if type.batched:
        return keras.Input(stored_shape(type), dtype=dtype, name=name)
    return keras.Input(batch_shape=stored_shape(type), dtype=dtype, name=name)


def _load_keras(
    model: Any, emission: Emission, layer: Layer, weights: Mapping[str, Any], types: Any
) -> dict[str, Any]:
    """Assigns the weights; gives the variables by path below the layer, in declared order."""
    prefix = f"{model.layer.path}/" if model.layer is not None else ""
    owned = {
        variable.path.removeprefix(prefix): variable
        for variable in (model.layer.variables if model.layer is not None else ())
    }
    roles = [role for rule in emission.weights for role in rule.roles]
    assert sorted(roles) == sorted(w.role for w in layer.weights(*types)), roles
    declared = {rule.variable for rule in emission.weights}
    trained = {path for path, variable in owned.items() if variable.trainable}
    assert trained <= declared <= set(owned), f"{sorted(owned)} but declared {sorted(declared)}"
    for rule in emission.weights:
        variable = owned[rule.variable]
        variable.assign(pack(rule, weights, tuple(variable.shape), np))
    return {rule.variable: owned[rule.variable] for rule in emission.weights}


def initial_weights(layer: Layer, types: Sequence[Any], backend: str) -> dict[str, Any]:
    """What weights hold before any training, by role."""
    if backend == "torch":
        holder, _ = torch_module(layer, types)
        state = {_role(key): value for key, value in holder.state_dict().items()}
        return {w.role: state[w.role].numpy() for w in layer.weights(*types)}
    model, emission = keras_model(layer, types)
    shapes = {weight.role: weight.shape for weight in layer.weights(*types)}
    found: dict[str, Any] = {}
    for rule, variable in zip(emission.weights, _declared(model, emission).values()):
        found |= unpack(rule, variable.numpy(), shapes, np)
    return found


def _declared(model: Any, emission: Emission) -> dict[str, Any]:
    """The variables that an emission declares, by path below the layer."""
    prefix = f"{model.layer.path}/"
    owned = {variable.path.removeprefix(prefix): variable for variable in model.layer.variables}
    return {rule.variable: owned[rule.variable] for rule in emission.weights}


def _store(array: Any, type: TensorType | None, dtype: str) -> Any:
    """The array as Keras stores it."""
    if array is None or type is None:
        return None
    stored = np.transpose(array, storage_order(type)) if type.rank else np.asarray(array)
    return stored.astype(dtype) if type.is_float else stored


def _meaning(array: Any, type: TensorType) -> Any:
    return np.transpose(array, meaning_order(type)) if type.rank else array


def _weighed(outputs: Arrays) -> list[tuple[Any, Any]]:
    """Each real output with fixed weights, so that the loss is their weighted sum."""
    random = np.random.default_rng(7)
    reals = [y for y in outputs if "float" in str(y.dtype)]
    return [(y, random.normal(size=tuple(y.shape))) for y in reals]


def _names(types: Sequence[Any]) -> list[str | None]:
    """A variable's name for each input that is there."""
    if len(types) == 1:
        return ["x"]
    return [f"x{i}" if type is not None else None for i, type in enumerate(types)]


def _emit(emitters: Emitters, layer: Layer, types: Sequence[Any]) -> tuple[Emission, dict]:
    """The layer's code, and a namespace whose ``__helpers__`` are the texts that it needs."""
    asked: dict[str, dict[str, Any]] = {}

    def helper(name: str, **flags: Any) -> str:
        features = asked.setdefault(name, {})
        features |= {key: value for key, value in flags.items() if value}
        return name

    site = Site(
        x=tuple(_names(types)),
        types=tuple(types),
        outputs=outputs_of(layer, types),
        self="self.layer",
        name='"layer"',
        code=written,
        forward=written,
        helper=helper,
    )
    emission = emitters.native[type(layer)](layer, site)
    texts = [helper_text(emitters.backend, name, flags) for name, flags in asked.items()]
    space = {f"{name}_": plain(getattr(layer, name)) for name in layer.arguments}
    return emission, space | {"math": math, "np": np, "__helpers__": texts}


def with_formulas(layer: Layer) -> Layer:
    """The same layer, its given arguments as if they were parameters of a block."""
    values = {name: _named(getattr(layer, name), Expr("name", f"{name}_")) for name in layer.given}
    return type(layer)(**values)


def _named(value: Any, formula: Expr) -> Any:
    """The value with a formula, in each item of a tuple."""
    if not isinstance(value, tuple):
        return traced(value, formula)
    if len(set(value)) == 1:
        formulas = [Expr("index", formula, 0)] * len(value)
    else:
        formulas = [Expr("index", formula, i) for i in range(len(value))]
    return tuple(traced(item, each) for item, each in zip(value, formulas))


def written(value: Any) -> str:
    """A value as Python code."""
    return python(value, str)


def helper_text(backend: str, name: str, flags: Mapping[str, Any]) -> str:
    """The text of a helper with the features asked for."""
    file = name if name.islower() else snake_case(name)
    return draw_helper(f"backends.{backend}", file, dict(flags))


def _define_helpers(space: dict[str, Any]) -> None:
    for text in space.pop("__helpers__"):
        exec(compile(text, "<helper>", "exec"), space)


def assert_close(actual: Any, expected: Any, rtol: float, what: str) -> None:
    """Compares arrays relative to the largest expected value, and elementwise.

    Raises:
        AssertionError: They differ.
    """
    expected = np.asarray(expected)
    assert np.shape(actual) == expected.shape, f"{what}: {np.shape(actual)} != {expected.shape}"
    if not expected.size:
        return
    finite = np.abs(expected[np.isfinite(expected)])
    atol = rtol * max(1.0, float(finite.max(initial=0.0)))
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol * 0.1, err_msg=what)


def kinds(category: str = "layer") -> list[type[Kind]]:
    """All kinds of a category, families imported."""
    import dsl.layers.families  # noqa: F401
    from dsl.kinds.kind import REGISTRY

    return list(REGISTRY[category].values())
