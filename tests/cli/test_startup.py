"""Start-up: what must not be loaded, and how long a command may take."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow

HEAVY = ("torch", "tensorflow", "keras", "numpy", "rich", "jinja2", "black", "lark", "asyncio")

LOADED = """
import sys
sys.argv = ["msl", *sys.argv[1:]]
from dsl.cli.main import main
try:
    main()
except SystemExit as error:
    assert not error.code, error.code
print("loaded:", *sorted(name for name in sys.modules if "." not in name))
"""


@pytest.mark.parametrize(
    "words",
    [
        ("check", "tests/specs/gpt2.msl"),
        ("cost", "tests/specs/gpt2.msl"),
        ("cost", "tests/specs/gpt2.msl", "--json"),
        ("show", "tests/specs/gpt2.msl"),
        ("explain", "Conv2d"),
        ("fmt", "--diff", "dsl/cli/templates/mlp.msl"),
    ],
    ids=" ".join,
)
def test_commands_load_nothing_heavy(words: tuple[str, ...]) -> None:
    python("-m", "dsl", "check", "tests/specs/gpt2.msl")  # the parser's tables are cached
    result = python("-c", LOADED, *words)
    loaded = set(result.rpartition("loaded:")[2].split())
    assert loaded.isdisjoint(HEAVY)


def test_importing_the_package_loads_next_to_nothing() -> None:
    typing = set(python("-c", "import sys, typing; print(*sys.modules)").split())
    loaded = set(python("-c", "import sys, dsl; print(*sys.modules)").split())
    assert loaded - typing == {"dsl", "dsl.version", "__future__"}


def test_check_and_cost_start_fast() -> None:
    """At most thirty times a bare start, also where other work slows everything down."""
    bare = best("-c", "pass")
    for command in ("check", "cost"):
        assert best("-m", "dsl", command, "tests/specs/gpt2.msl") < max(0.12, 30 * bare)


def best(*words: str) -> float:
    """The shortest of several runs, in seconds."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        python(*words)
        times.append(time.perf_counter() - began)
    return min(times)


def python(*words: str) -> str:
    """Runs Python from the root of the repository; gives what it prints."""
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    return result.stdout
