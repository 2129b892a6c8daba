"""Times `generate` against running over all tokens each time: ``python -m tests.bench.generation``.

The small GPT of ``specs/gpt.msl``, its weights as they start, on one thread. Both ways draw
greedily and must give the same tokens. Each round runs both, in random order; what the first token
costs, with the making of TensorFlow's graphs, is taken off. The ratio is taken within a round, and
the median over the rounds is printed. The clock is the process's CPU time.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import dsl
from tests.bench.generated import SPECS, load_text
from tests.bench.run import FRAMEWORKS, ROOT, one_thread

PROMPT = [72, 101, 108, 108, 111]
Way = Callable[[int], list[int]]


def main() -> int:
    """Measures each framework in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.generation", description=__doc__)
    parser.add_argument("--framework", nargs="+", choices=FRAMEWORKS, default=list(FRAMEWORKS))
    parser.add_argument("--context", type=int, default=512)
    parser.add_argument("--tokens", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(measure(options.framework[0], options))
        return 0
    sizes = [f"--{name}={getattr(options, name)}" for name in ("context", "tokens", "rounds")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    for framework in options.framework:
        words = ["--worker", "--framework", framework, *sizes]
        command = [sys.executable, "-m", "tests.bench.generation", *words]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
    return 0


def measure(framework: str, options: argparse.Namespace) -> str:
    """Interleaves the two ways and says how they compare."""
    one_thread(framework)
    spec = dsl.load(str(SPECS / "gpt.msl"), define={"context": options.context})
    made = load_text(spec.compile(framework), f"generation_{framework}")
    model = made.build_model()
    uncached = in_torch if framework == "torch" else in_tensorflow
    ways: dict[str, Way] = {
        "cached": lambda count: made.generate(model, PROMPT, count, temperature=0),
        "uncached": lambda count: uncached(model, count),
    }
    if ways["cached"](options.tokens) != ways["uncached"](options.tokens):
        raise SystemExit(f"{framework}: the ways draw different tokens")
    rounds = []
    for _ in range(options.rounds):
        names = random.sample(list(ways), 2)
        rounds.append({name: seconds(ways[name], options.tokens) for name in names})
    speeds = {name: options.tokens / statistics.median(r[name] for r in rounds) for name in ways}
    ratio = statistics.median(times["uncached"] / times["cached"] for times in rounds)
    shown = "  ".join(f"{name} {speed:.0f} tokens/s" for name, speed in speeds.items())
    return f"{framework}: {shown}  ratio {ratio:.2f}"


def seconds(way: Way, count: int) -> float:
    """CPU seconds of a text behind its first token."""
    times = []
    for tokens in (1, count):
        start = time.process_time()
        way(tokens)
        times.append(time.process_time() - start)
    return times[1] - times[0]


def in_torch(model: Any, count: int) -> list[int]:
    """Every step over all tokens, in PyTorch."""
    import torch

    tokens = list(PROMPT)
    with torch.inference_mode():
        for _ in range(count):
            tokens.append(int(model(torch.tensor([tokens]))[0, -1].argmax()))
    return tokens[len(PROMPT) :]


def in_tensorflow(model: Any, count: int) -> list[int]:
    """Every step over all tokens, as one graph of TensorFlow."""
    import tensorflow as tf

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([1, None], "int64")])
    def step(tokens: Any) -> Any:
        return tf.argmax(model(tokens, training=False)[0, -1])

    tokens = list(PROMPT)
    for _ in range(count):
        tokens.append(int(step(tf.constant([tokens], "int64"))))
    return tokens[len(PROMPT) :]


if __name__ == "__main__":
    raise SystemExit(main())
