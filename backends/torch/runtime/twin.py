"""A generated PyTorch file at work: its model, its loss, its steps."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from inspect import signature
from types import ModuleType
from typing import Any

import torch
from torch.nn.modules import module as hooks

from backends.pycode.names import member
from backends.torch.model import TAKEN
from backends.torch.runtime.draws import Numbers, replaced
from backends.torch.runtime.weights import gradient, load_state, read_gradients, read_state
from dsl.ir import Model

Arrays = dict[str, Any]
Seen = dict[str, list[tuple[tuple[Any, ...], tuple[Any, ...]]]]
"""What layers were called with and gave, by path, call by call."""


LOOSE = 4
"""How many levels of a path may be groups without weights, one in the other."""


class TorchTwin:
    """A generated file at work, on the CPU. All arrays are as the spec means them.

    Args:
        code: The file, imported.
        model: What it was generated from.
        dtype: The type of real numbers: ``float64`` or ``float32``.
        layers: The paths of the model's layers and blocks.
    """

    name = "torch"

    def __init__(self, code: ModuleType, model: Model, dtype: str, layers: Collection[str]) -> None:
        self.code, self.model, self.dtype = code, model, getattr(torch, dtype)
        with self._typed():
            self.built = code.build_model().to(self.dtype)
        self.optimizer: Any = None
        spelled = _spelled(self.built, layers)
        self._paths: dict[int, str] = {}
        self._levels: dict[int, str] = {}
        for name, module in self.built.named_modules(remove_duplicate=False):
            if name in spelled:
                self._paths[id(module)] = spelled[name]
            self._levels[id(module)] = _owner(name, spelled)
        self._running: list[str] = []

    @contextmanager
    def _typed(self) -> Iterator[None]:
        """While it lasts, PyTorch makes tensors of the twin's type: constants, positions."""
        before = torch.get_default_dtype()
        torch.set_default_dtype(self.dtype)
        try:
            yield
        finally:
            torch.set_default_dtype(before)

    # --- weights ------------------------------------------------------------------------

    def weights(self) -> Arrays:
        """All weights and running statistics by key."""
        return {key: array.copy() for key, array in read_state(self.model, self.built).items()}

    def trained(self) -> int:
        """The number of trainable values."""
        return sum(p.numel() for p in self.built.parameters() if p.requires_grad)

    def load(self, weights: Arrays) -> None:
        """Takes weights by key."""
        load_state(self.model, self.built, weights)

    # --- data ---------------------------------------------------------------------------

    def place(self, data: Arrays) -> Any:
        """Arrays of data as the file's own functions hold them."""
        device = torch.device("cpu")
        if not hasattr(self.code, "to_device"):
            return {name: torch.from_numpy(values) for name, values in data.items()}
        fitted = ({},) if "fitted" in signature(self.code.to_device).parameters else ()
        return self.code.to_device(data, *fitted, device)

    def order(self, data: Any, seed: int, epoch: int) -> Any:
        """The rows of an epoch in the order that the file takes them in."""
        return self.code.epoch_rows(data, seed, epoch)

    def take(self, data: Any, rows: Any) -> Any:
        """Some rows as a batch."""
        return self.cast(self.code.take(data, torch.from_numpy(rows)))

    def augment(self, batch: Any, numbers: Numbers) -> Any:
        """A batch as the file changes it at random, with given numbers."""
        if not hasattr(self.code, "augment"):
            return batch
        with replaced(numbers, lambda: ""):
            return self.cast(self.code.augment(batch))

    def cast(self, batch: Any) -> Any:
        """A batch with reals of the twin's type."""
        return {
            name: values.to(self.dtype) if values.is_floating_point() else values
            for name, values in batch.items()
        }

    def arrays(self, batch: Any) -> Arrays:
        """A batch as arrays."""
        return {name: values.numpy() for name, values in batch.items()}

    # --- running ------------------------------------------------------------------------

    def outputs(self, batch: Any, numbers: Numbers | None = None, seen: Seen | None = None) -> Any:
        """The outputs by name, as tensors.

        Args:
            batch: What `take` or `cast` gave.
            numbers: Where draws come from; training mode if given.
            seen: Receives what layers were called with and gave.
        """
        self.built.train(numbers is not None)
        with self._running_with(numbers), nullcontext() if seen is None else self._watched(seen):
            results = self.built(*[batch[name] for name in self.model.body.names])
        names = [output.name for output in self.model.body.outputs]
        return dict(results) if len(names) > 1 else {names[0]: results}

    def forward(self, batch: Any, numbers: Numbers | None = None, seen: Seen | None = None) -> Any:
        """The outputs by name, as arrays."""
        with torch.no_grad():
            results = self.outputs(batch, numbers, seen)
        self._penalty()
        return {name: value.numpy() for name, value in results.items()}

    def slopes(self, batch: Any, numbers: Numbers, mixes: Mapping[str, Any]) -> tuple[Any, Arrays]:
        """A weighted sum of the outputs, and its gradients by key; those of inputs as ``(name)``.

        Args:
            batch: The inputs.
            numbers: Where draws come from.
            mixes: Weights of the entries of each output.
        """
        given = {name: x.detach().clone() for name, x in batch.items()}
        reals = {f"({name})": x for name, x in given.items() if x.is_floating_point()}
        for x in reals.values():
            x.requires_grad_()
        self.built.zero_grad()
        results = self.outputs(given, numbers)
        total = sum((results[name] * torch.from_numpy(mix)).sum() for name, mix in mixes.items())
        total = total + self._penalty()
        if isinstance(total, torch.Tensor) and total.requires_grad:
            total.backward()
        found = read_gradients(self.model, self.built)
        return float(torch.as_tensor(total).detach()), found | {
            name: gradient(x) for name, x in reals.items()
        }

    def _penalty(self) -> Any:
        """What layers have added to the loss since they were last asked, which they forget."""
        total: Any = 0.0
        for module in self.built.modules():
            found = getattr(module, "penalties", None)
            if isinstance(found, list):
                total = total + sum(found)
                found.clear()
        return total

    def loss(self, batch: Any) -> float:
        """The file's loss of a batch, in evaluation."""
        with torch.no_grad(), self._typed():
            results = self.outputs(batch)
            outputs = results if len(results) > 1 else next(iter(results.values()))
            return float(self.code.loss_function(outputs, batch))

    def figures(self, data: Any, size: int) -> dict[str, float]:
        """The loss and the metrics of some data, in batches of a size, as the file reports them."""
        with self._typed():
            return self.code.evaluate(self.built, data, size)

    def begin(self) -> None:
        """Makes the file's optimizer."""
        self.optimizer = self.code.make_optimizer(self.built)

    def step(self, batch: Any, numbers: Numbers, factors: tuple[int, ...]) -> tuple[float, Arrays]:
        """One step as the file takes it: the loss, and the gradients that the optimizer got.

        Args:
            batch: What to step on.
            numbers: Where draws come from.
            factors: What the file's schedule is asked with.
        """
        found: Arrays = {}
        apply = self.optimizer.step

        def step(*args: Any, **options: Any) -> Any:
            found.update(read_gradients(self.model, self.built))
            return apply(*args, **options)

        if hasattr(self.code, "schedule"):
            for group in self.optimizer.param_groups:
                group["lr"] = self.code.LEARNING_RATE * self.factor(factors)
        self.built.train()
        self.optimizer.step = step
        try:
            with self._running_with(numbers):
                loss = self.code.train_step(self.built, self.optimizer, batch)
        finally:
            self.optimizer.step = apply
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
    def _running_with(self, numbers: Numbers | None) -> Iterator[None]:
        self._running = [""]
        with ExitStack() as stack:
            stack.enter_context(self._typed())
            if numbers is None:
                yield
                return
            for register, hook in (
                (hooks.register_module_forward_pre_hook, self._enter),
                (hooks.register_module_forward_hook, self._leave),
            ):
                stack.callback(register(hook).remove)
            stack.enter_context(replaced(numbers, lambda: self._running[-1]))
            yield

    def _enter(self, module: Any, args: Any) -> None:
        self._running.append(self._levels.get(id(module), self._running[-1]))

    def _leave(self, module: Any, args: Any, result: Any) -> None:
        self._running.pop()

    @contextmanager
    def _watched(self, seen: Seen) -> Iterator[None]:
        def watch(module: Any, args: Any, result: Any) -> None:
            path = self._paths.get(id(module))
            if path is not None:
                seen.setdefault(path, []).append((_arrays(args), _arrays(result)))

        handle = hooks.register_module_forward_hook(watch)
        try:
            yield
        finally:
            handle.remove()


def _spelled(built: torch.nn.Module, layers: Collection[str]) -> dict[str, str]:
    """The path of each layer that has a module, by the module's name.

    A group without weights is no module; its name stands before those of what is in it.
    """
    modules = {name for name, _ in built.named_modules(remove_duplicate=False)}
    plain = {_name(path.split(".")): path for path in layers}
    found = {name: path for name, path in plain.items() if name in modules}
    free = modules - plain.keys()
    shown = set(found.values())
    for path in (path for path in layers if path not in shown):
        for names in _joined(path):
            if _name(names) in free:
                found[_name(names)] = path
    return found


def _name(levels: list[str]) -> str:
    return ".".join(member(level, TAKEN) for level in levels)


def _joined(path: str) -> list[list[str]]:
    """The levels of a path, some of the last ones joined with those before."""
    first, *rest = path.split(".")
    found = [[first, *rest[:-LOOSE]]]
    for level in rest[-LOOSE:]:
        joined = [[*names[:-1], f"{names[-1]}_{level}"] for names in found]
        found = [*joined, *([*names, level] for names in found)]
    return found


def _owner(name: str, spelled: Mapping[str, str]) -> str:
    """The path of the innermost layer or block that a module belongs to."""
    while name and name not in spelled:
        name = name.rpartition(".")[0]
    return spelled.get(name, "")


def _arrays(values: Any) -> tuple[Any, ...]:
    """The tensors among some values as arrays, None for whatever else is there."""
    listed = values if isinstance(values, (tuple, list)) else (values,)
    return tuple(x.detach().numpy().copy() if isinstance(x, torch.Tensor) else None for x in listed)
