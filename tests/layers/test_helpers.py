"""Helper classes and functions that generated files hold: whole without any flag, documented."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from backends.pycode.render import draw_helper, tidy
from tests.conftest import ROOT

HELPERS = sorted(ROOT.glob("backends/*/templates/helpers/*.py.jinja"))


@pytest.mark.parametrize("path", HELPERS, ids=lambda path: f"{path.parts[-4]}-{path.stem}")
def test_a_helper_reads_well(path: Path) -> None:
    backend, name = path.parts[-4], path.name.removesuffix(".py.jinja")
    text = tidy(draw_helper(f"backends.{backend}", name, {}))
    assert max(map(len, text.splitlines())) <= 100
    top = ast.parse(text).body
    assert [ast.get_docstring(node) for node in top if not ast.get_docstring(node)] == []
    assert name.replace("_", "") in {node.name.replace("_", "").lower() for node in top}
