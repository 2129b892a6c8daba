"""The generated side: compiles a spec, imports the file and drives its own training step.

What runs is the very code of the script: PyTorch's ``train_step`` on slices of tensors on the
device, TensorFlow's ``make_train_steps``, one graph that takes many steps.
"""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path
from types import ModuleType

import numpy as np

import dsl
from tests.bench.cases import Arrays, Case

SPECS = Path(__file__).resolve().parent / "specs"


class Torch:
    """A generated PyTorch script as a trainer."""

    def __init__(self, module: ModuleType, case: Case, arrays: Arrays, seed: int) -> None:
        import torch

        torch.manual_seed(seed)
        self.module, self.batch = module, case.batch
        self.data = module.to_device(dict(arrays), torch.device("cpu"))
        self.model = module.build_model()
        if "channels_last" in module.text:  # as its `start_model` does
            self.model = self.model.to(memory_format=torch.channels_last)
        self.optimizer = module.make_optimizer(self.model)
        self.parameters = sum(p.numel() for p in self.model.parameters() if p.requires_grad)

    def run(self, steps: int) -> float:
        """Trains and returns the mean loss."""
        import torch

        self.model.train()
        losses: list[torch.Tensor] = []
        while len(losses) < steps:
            order = torch.randperm(len(next(iter(self.data.values()))))
            for rows in order.split(self.batch)[: steps - len(losses)]:
                batch = self.module.take(self.data, rows)
                losses.append(self.module.train_step(self.model, self.optimizer, batch))
        return torch.stack(losses).mean().item()


class TensorFlow:
    """A generated TensorFlow script as a trainer."""

    def __init__(self, module: ModuleType, case: Case, arrays: Arrays, seed: int) -> None:
        import keras

        keras.utils.set_random_seed(seed)
        self.random, self.case = np.random.default_rng(seed), case
        data = module.to_tensors(dict(arrays))
        model = module.build_model()
        optimizer = next(
            value(model)
            for value in vars(module).values()
            if isinstance(value, type) and hasattr(value, "apply") and hasattr(value, "state")
        )
        self.train_steps = module.make_train_steps(model, optimizer, data)
        self.rows = len(next(iter(arrays.values())))
        self.parameters = sum(int(np.prod(v.shape)) for v in model.trainable_variables)

    def run(self, steps: int) -> float:
        """Trains and returns the mean loss."""
        losses = []
        for _ in range(steps // self.case.steps_per_call):
            count = self.case.steps_per_call * self.case.batch
            order = [self.random.permutation(self.rows) for _ in range(-(-count // self.rows))]
            rows = np.concatenate(order)[:count].reshape(-1, self.case.batch)
            losses.append(self.train_steps(rows).numpy().mean())
        return float(np.mean(losses))


def load(backend: str, case: Case) -> ModuleType:
    """Compiles the spec of a case and imports what came out; importing does nothing else."""
    text = dsl.load(SPECS / f"{case.name}.msl").compile(backend)
    module = load_text(text, f"{case.name}_{backend}")
    module.text = text  # type: ignore[attr-defined]
    return module


def load_text(text: str, name: str) -> ModuleType:
    """Imports a generated file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.py"
        path.write_text(text, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


def build(backend: str, case: Case, arrays: Arrays, seed: int) -> Torch | TensorFlow:
    """The trainer of this case."""
    kind = Torch if backend == "torch" else TensorFlow
    return kind(load(backend, case), case, arrays, seed)
