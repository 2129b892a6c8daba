"""Generated files are what they were, byte for byte; `make golden` writes them anew."""

from __future__ import annotations

import ast

import pytest

from backends.pycode.render import tidy
from tests.golden import BACKENDS, HERE, SPECS, compile_golden, golden

pytestmark = pytest.mark.slow

FILES = [(name, backend) for name in SPECS for backend in BACKENDS]


@pytest.mark.parametrize(("name", "backend"), FILES)
def test_a_spec_compiles_to_its_golden_file(name: str, backend: str) -> None:
    result = compile_golden(name, backend, "--check")
    assert result.exit_code == 0, f"{result.output}`make golden` rewrites it: read the difference"


def test_there_are_no_other_golden_files() -> None:
    names = {path.name for path in HERE.glob("*.py")} - {"__init__.py", "__main__.py"}
    assert names == {golden(*file).name for file in FILES}


@pytest.mark.parametrize(("name", "backend"), FILES)
def test_a_golden_file_is_tidy_and_knows_nothing_of_msl(name: str, backend: str) -> None:
    text = golden(name, backend).read_text(encoding="utf-8")
    assert tidy(text) == text
    modules = {
        module.split(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for module in ([node.module or ""] if isinstance(node, ast.ImportFrom) else names_of(node))
    }
    assert not modules & {"dsl", "backends", "grammar", "msl"}
    other = {"torch": {"tensorflow", "keras"}, "tensorflow": {"torch"}}[backend]
    assert not modules & other


def names_of(node: ast.Import) -> list[str]:
    """The modules of an import statement."""
    return [alias.name for alias in node.names]


@pytest.mark.parametrize(("name", "below"), [("resnet50", 150), ("gpt2", 100)])
@pytest.mark.parametrize("backend", BACKENDS)
def test_models_are_short(name: str, backend: str, below: int) -> None:
    """Helpers, comments and blank lines included."""
    text = golden(name, backend).read_text(encoding="utf-8")
    model = text.partition("# --- model ---")[2].partition("# --- data ---")[0].strip()
    last = ast.parse(model).body[-1]
    assert isinstance(last, ast.FunctionDef) and last.name == "build_model"
    assert 40 < len(model.splitlines()) < below
