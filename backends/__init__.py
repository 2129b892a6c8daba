"""Backends: what turns a model into code of a framework, and the NumPy reference."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backends.writing import FileWriter

NAMES = ("torch", "tensorflow")


def get(name: str) -> FileWriter:
    """The backend of that name; its framework is not imported.

    Raises:
        KeyError: There is none.
    """
    if name not in NAMES:
        raise KeyError(name)
    return import_module(f"backends.{name}.backend").BACKEND  # type: ignore[no-any-return]
