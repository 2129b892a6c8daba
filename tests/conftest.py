"""Shared fixtures; the split of the tests into a core part and one that needs a framework."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
"""The repository's root."""

SPECS = ROOT / "tests" / "specs"
"""The specs that every release must check, cost and compile."""

EXAMPLES = ROOT / "examples"
"""The runnable examples, with their data under ``data``."""

_FRAMEWORKS = {"torch": "torch", "tensorflow": "tensorflow", "keras": "tensorflow"}
_IMPORT = re.compile(
    r"^\s*(?:import|from)\s+(torch|tensorflow|keras)\b"
    r"|importorskip\(\s*[\"'](torch|tensorflow|keras)\b"
    r"|pytest\.mark\.(torch|tensorflow)\b",
    re.MULTILINE,
)


def _frameworks(path: Path) -> set[str]:
    """The markers that a test file earns by what it imports."""
    found = _IMPORT.findall(path.read_text(encoding="utf-8"))
    return {_FRAMEWORKS[name] for match in found for name in match if name}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--part",
        choices=["all", "core", "frameworks"],
        default="all",
        help="run all tests, those that need no framework, or those that need one",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves out the other part's files before they are imported: a framework may be missing."""
    part = config.getoption("--part")
    if part == "all" or collection_path.suffix != ".py":
        return None
    return True if bool(_frameworks(collection_path)) != (part == "frameworks") else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks each test with the frameworks that its file uses."""
    markers = {path: _frameworks(path) for path in {item.path for item in items}}
    for item in items:
        for name in sorted(markers[item.path]):
            item.add_marker(name)


@pytest.fixture(scope="session", autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache directory for the session, so that no test reads or writes the user's own."""
    path = tmp_path_factory.mktemp("cache")
    os.environ["XDG_CACHE_HOME"] = str(path)
    return path


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def specs() -> Path:
    """The directory of the contract specs."""
    return SPECS


@pytest.fixture(params=sorted(path.name for path in SPECS.glob("*.msl")))
def spec(request: pytest.FixtureRequest) -> Path:
    """Each contract spec in turn."""
    return SPECS / request.param
