"""Shared fixtures; the split of the tests into a core part and one that needs a framework."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("seeded", derandomize=True, database=None)
settings.load_profile("seeded")  # the same cases every time; `--hypothesis-profile=default` draws

ROOT = Path(__file__).resolve().parent.parent
"""The repository's root."""

SPECS = ROOT / "tests" / "specs"
"""The specs that every release must check, cost and compile."""

EXAMPLES = ROOT / "examples"
"""The runnable examples, with their data under ``data``."""

_FRAMEWORKS = {"torch": "torch", "tensorflow": "tensorflow", "keras": "tensorflow"}
_USE = re.compile(
    r"^\s*(?:import|from)\s+(torch|tensorflow|keras)\b|pytest\.mark\.(torch|tensorflow)\b",
    re.MULTILINE,
)
_HELPER = re.compile(r"^\s*(?:import|from)\s+(tests(?:\.\w+)+)", re.MULTILINE)


@cache
def _frameworks(path: Path) -> frozenset[str]:
    """The frameworks that a test file uses, itself or through helper modules of the tests."""
    found: set[str] = set()
    pending, seen = [path], {path}
    while pending:
        text = pending.pop().read_text(encoding="utf-8")
        found |= {_FRAMEWORKS[name] for match in _USE.findall(text) for name in match if name}
        helpers = (ROOT / f"{name.replace('.', '/')}.py" for name in _HELPER.findall(text))
        fresh = {helper for helper in helpers if helper.is_file()} - seen
        pending += fresh
        seen |= fresh
    return frozenset(found)


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
    for item in items:
        for name in sorted(_frameworks(item.path)):
            item.add_marker(name)


@pytest.fixture(scope="session", autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache directory for the session, so that no test reads or writes the user's own.

    Nor are the user's own settings read, which may describe devices.
    """
    path = tmp_path_factory.mktemp("cache")
    os.environ["XDG_CACHE_HOME"] = str(path)
    os.environ["XDG_CONFIG_HOME"] = str(path)
    os.environ.pop("MSL_DEVICES", None)
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
