"""Import statements, in groups and sorted as isort and ruff do."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any


def import_groups(statements: Iterable[str]) -> list[list[str]]:
    """Statements in groups, the standard library before everything else, each sorted."""
    ordered = sorted(set(statements), key=_order)
    standard = [
        line for line in ordered if _module(line).partition(".")[0] in sys.stdlib_module_names
    ]
    others = [line for line in ordered if line not in standard]
    return [group for group in (standard, others) if group]


def _module(statement: str) -> str:
    return statement.split()[1]


def _order(statement: str) -> tuple[bool, str]:
    """Plain imports come before ``from``, each by module."""
    return statement.startswith("from"), _module(statement).lower()


def data_imports(data: dict[str, Any]) -> set[str]:
    """What the shared templates need for a source; argument of `data_context`'s result."""
    found = {"import numpy as np"}
    for module in (
        "argparse",
        "csv",
        "io",
        "json",
        "math",
        "operator",
        "os",
        "signal",
        "sys",
        "time",
    ):
        found.add(f"import {module}")
    if data.get("uses_fnmatch"):
        found.add("import fnmatch")
    if data["given_parts"]:
        found.add("import importlib.util")
    if data["pictures"]:
        found.add("import PIL.Image")
    return found
