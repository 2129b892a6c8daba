"""Times commands in new processes against a bare Python: ``python -m tests.bench.startup``.

Each round runs every command once, in random order, and a bare ``python -c pass``; ratios are taken
within a round, so that what slows the machine slows both sides, and the median is printed. The
clock is the processes' CPU time. A first, unmeasured round warms the caches: Python's byte code and
the parser's tables.
"""

from __future__ import annotations

import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GPT2 = "tests/specs/gpt2.msl"
LAYERS = 1000
ROUNDS = 11


def deep_spec() -> str:
    """A model of a thousand statements, no two widths in a row alike."""
    steps = (f"  Linear({64 + index % 7}) -> ReLU" for index in range(LAYERS // 2))
    return "\n".join(
        ["model Deep {", "  input x: float32[64]", *steps, "  output y = Linear(10)", "}"]
    )


def looped_spec() -> str:
    """A model that repeats one block a thousand times."""
    body = f"  input x: float32[64]\n  repeat {LAYERS} {{ Linear(64) -> ReLU }}\n"
    return f"model Looped {{\n{body}  output y = Linear(10)\n}}\n"


def commands(folder: Path) -> dict[str, tuple[str, ...]]:
    """What is timed, by the name it is printed under."""
    deep, looped, out = folder / "deep.msl", folder / "looped.msl", folder / "gpt2.py"
    deep.write_text(deep_spec())
    looped.write_text(looped_spec())
    compile_ = ("compile", GPT2, "--force", "-o", str(out), "--backend")
    return {
        "check gpt2": ("check", GPT2),
        "cost gpt2": ("cost", GPT2),
        "compile gpt2, torch": (*compile_, "torch"),
        "compile gpt2, tensorflow": (*compile_, "tensorflow"),
        f"check {LAYERS} layers": ("check", str(deep)),
        f"cost {LAYERS} layers": ("cost", str(deep)),
        f"check repeat {LAYERS}": ("check", str(looped)),
        f"cost repeat {LAYERS}": ("cost", str(looped)),
    }


def seconds(*arguments: str) -> float:
    """CPU seconds of a new Python process.

    Raises:
        SystemExit: It failed; a time of a failure would mean nothing.
    """
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run(
        (sys.executable, *arguments), cwd=ROOT, env=environment, capture_output=True, text=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if result.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{result.stdout}{result.stderr}")
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> int:
    """Prints a line for each command."""
    order = random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        timed = {name: ("-m", "dsl", *words) for name, words in commands(Path(folder)).items()}
        timed["python -c pass"] = ("-c", "pass")
        for words in timed.values():
            seconds(*words)
        rounds = [
            {name: seconds(*timed[name]) for name in order.sample(list(timed), len(timed))}
            for _ in range(ROUNDS)
        ]
    print(f"{'':26}  median ms  of a bare start")
    for name in timed:
        median = statistics.median(times[name] for times in rounds)
        ratio = statistics.median(times[name] / times["python -c pass"] for times in rounds)
        print(f"{name:26}  {1e3 * median:9.1f}  {ratio:8.1f} times")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
