"""One spec, two frameworks, real digits: check, cost, compile, train, test, compare.

Every step is a command that you can type yourself; this script prints each one and runs it.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SPEC = "examples/digits.msl"
RUNS = "runs/demo"
BACKENDS = {"torch": "PyTorch", "tensorflow": "TensorFlow"}
WANTED = 0.97
"""Accuracy on the test rows below which the demo fails."""

MSL = ("-m", "dsl")
ACCURACY = re.compile(r"accuracy\W+([\d.]+)\s*(%?)")


def main() -> int:
    """Runs the demo; returns 1 where a backend misses the wanted accuracy."""
    title("Check the spec: shapes, names, sizes, training settings")
    python(*MSL, "check", SPEC)
    title("What it costs, before anything is trained")
    python(*MSL, "cost", SPEC)
    scores = {name: trained(backend, name) for backend, name in BACKENDS.items()}
    title("Accuracy on test rows that nothing else touched")
    for name, score in scores.items():
        print(f"{name:12}{score:8.2%}   {'ok' if score >= WANTED else f'below {WANTED:.0%}'}")
    return int(min(scores.values()) < WANTED)


def trained(backend: str, name: str) -> float:
    """Compiles the spec for one framework, trains it and returns its accuracy on the test rows."""
    script, folder = f"{RUNS}/digits_{backend}.py", f"{RUNS}/{backend}"
    title(f"{name}: compile to a script that needs no MSL")
    python(*MSL, "compile", SPEC, "--backend", backend, "-o", script, "--force")
    title(f"{name}: train")
    python(script, "--out", folder)
    title(f"{name}: evaluate on the test rows")
    report = python(script, "evaluate", "--checkpoint", f"{folder}/best", quiet=True)
    print(report, end="")
    return accuracy(report)


def accuracy(report: str) -> float:
    """Reads the accuracy, a fraction or a percentage, from what an evaluation printed."""
    found = ACCURACY.search(report)
    if not found:
        raise SystemExit("the demo stops here: the evaluation printed no accuracy")
    return float(found[1]) / (100 if found[2] else 1)


def python(*arguments: str, quiet: bool = False) -> str:
    """Prints and runs a Python command from the root of the repository; stops where it fails.

    Args:
        *arguments: What follows ``python``.
        quiet: Whether to return the output instead of letting it stream.
    """
    shown = ["msl", *arguments[2:]] if arguments[:2] == MSL else ["python", *arguments]
    print(f"$ {shlex.join(shown)}", flush=True)
    (ROOT / RUNS).mkdir(parents=True, exist_ok=True)
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if quiet else None,
        text=True,
    )
    if result.returncode:
        raise SystemExit(f"the demo stops here: that command ended with {result.returncode}")
    return result.stdout or ""


def title(text: str) -> None:
    """Prints the heading of a step."""
    print(f"\n--- {text} ".ljust(90, "-"), flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
