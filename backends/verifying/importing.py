"""Generated files as modules."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

_NUMBERS = itertools.count()


def imported(text: str, folder: str) -> ModuleType:
    """A generated file as a module of its own."""
    name = f"verified_{next(_NUMBERS)}"
    path = Path(folder, f"{name}.py")
    path.write_text(text, encoding="ascii")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@contextmanager
def beside(folder: str) -> Iterator[None]:
    """While it lasts, Python files of a folder can be imported; they are forgotten after it.

    Another folder may have files of the same names.
    """
    before, known = sys.dont_write_bytecode, set(sys.modules)
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.path.remove(folder)
        sys.dont_write_bytecode = before
        for name in set(sys.modules) - known:
            path = getattr(sys.modules[name], "__file__", None)
            if path and Path(path).resolve().parent == Path(folder).resolve():
                del sys.modules[name]
