"""The generated side: compiles a spec, imports the file and gives it the benchmark's protocol.

What a generated script must provide for it:

- ``build_model()`` returns the model;
- ``make_train_step(model, data, batch, seed)`` takes the data as a mapping from the spec's names to
  NumPy arrays and returns a callable ``train(steps) -> float``: it runs that many steps of the very
  loop that the script itself runs, and returns their mean loss.
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


class Generated:
    """A compiled spec as a trainer."""

    def __init__(self, backend: str, case: Case, arrays: Arrays, seed: int) -> None:
        module = load(backend, case)
        model = module.build_model()
        self.parameters = count(backend, model)
        self.run = module.make_train_step(model, dict(arrays), case.batch, seed)


def load(backend: str, case: Case) -> ModuleType:
    """Compiles the spec of a case and imports what came out; importing does nothing else."""
    text = dsl.load(SPECS / f"{case.name}.msl").compile(backend)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{case.name}_{backend}.py"
        path.write_text(text, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


def count(backend: str, model: object) -> int:
    """Trainable values of a model."""
    if backend == "torch":
        return sum(p.numel() for p in model.parameters() if p.requires_grad)
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


def build(backend: str, case: Case, arrays: Arrays, seed: int) -> Generated:
    """The trainer of this case."""
    return Generated(backend, case, arrays, seed)
