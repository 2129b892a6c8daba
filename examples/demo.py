"""One spec, two frameworks, real digits: check, cost, compile, train, test, compare.

Every step is a command that you can type yourself; this script prints each one and runs it.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SPEC = "examples/digits_cnn.msl"
RUNS = "runs/demo"
BACKENDS = {"torch": "PyTorch", "tensorflow": "TensorFlow"}
WANTED = 0.97
"""Accuracy on the test rows below which the demo fails."""

MSL = ("-m", "dsl")
NOISE = re.compile(r"WARNING: All log messages before absl|[IWE]\d{4} \d\d:\d\d:|\s*$")
"""What TensorFlow says at its start on a machine without a GPU."""


def main() -> int:
    """Runs the demo; returns 1 where a backend misses the wanted accuracy."""
    missing = [package for package in ("torch", "tensorflow") if find_spec(package) is None]
    if missing:
        raise SystemExit(f"this Python has no {' and no '.join(missing)}; `make demo` installs it")
    start = time.monotonic()
    (ROOT / RUNS).mkdir(parents=True, exist_ok=True)
    title(f"The spec, {SPEC}")
    print((ROOT / SPEC).read_text(encoding="utf-8").rstrip())
    title("Check it: shapes, names, sizes, training settings")
    python(*MSL, "check", SPEC)
    title("Cost it, before anything is trained")
    python(*MSL, "cost", SPEC)
    for backend, name in BACKENDS.items():
        compile_to(backend, name)
    scores = {name: trained(backend, name) for backend, name in BACKENDS.items()}
    return verdict(scores, time.monotonic() - start)


def compile_to(backend: str, name: str) -> None:
    """Compiles the spec for one framework and says what came out."""
    script = script_of(backend)
    title(f"Compile it to {name}: a script that needs no MSL")
    python(*MSL, "compile", SPEC, "--backend", backend, "-o", script, "--force")
    print(f"{len((ROOT / script).read_text(encoding='utf-8').splitlines())} lines in {script}")


def trained(backend: str, name: str) -> float:
    """Trains one script and returns its accuracy on the test rows."""
    script, folder = script_of(backend), f"{RUNS}/{backend}"
    figures = f"{folder}/test.json"
    title(f"Train it in {name}")
    python(script, "--out", folder)
    title(f"Evaluate what {name} learned, on the test rows")
    python(script, "evaluate", "--out", folder, "--output", figures)
    return json.loads((ROOT / figures).read_text(encoding="utf-8"))["accuracy"]


def verdict(scores: dict[str, float], seconds: float) -> int:
    """Prints the accuracy of each framework; returns 1 where one is too low."""
    title("Accuracy on test rows that nothing else touched")
    for name, score in scores.items():
        print(f"{name:12}{score:8.2%}   {'ok' if score >= WANTED else f'below {WANTED:.0%}'}")
    print(f"\n{seconds:.0f} seconds in all. The scripts and what they learned are in {RUNS}.")
    return int(min(scores.values()) < WANTED)


def script_of(backend: str) -> str:
    """Where the generated script of a framework stands."""
    return f"{RUNS}/digits_{backend}.py"


def python(*arguments: str) -> None:
    """Prints and runs a Python command from the root of the repository; stops where it fails."""
    shown = ["msl", *arguments[2:]] if arguments[:2] == MSL else ["python", *arguments]
    print(f"$ {shlex.join(shown)}", flush=True)
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    held = []
    for line in process.stderr or ():
        if NOISE.match(line):
            held.append(line)
        else:
            print(line, end="", file=sys.stderr, flush=True)
    if process.wait():
        print(*held, sep="", end="", file=sys.stderr)
        raise SystemExit(f"the demo stops here: that command ended with {process.returncode}")


def environment() -> dict[str, str]:
    """The environment of a step: one thread, since more only wait for each other on so small a net.

    An ``OMP_NUM_THREADS`` that is set already stays.
    """
    return {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", **os.environ}


def title(text: str) -> None:
    """Prints the heading of a step."""
    print(f"\n--- {text} ".ljust(90, "-"), flush=True)


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except KeyboardInterrupt:
        raise SystemExit("\nthe demo was stopped") from None
