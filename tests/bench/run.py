"""Times generated code against expert and tutorial code: ``make bench ARGS=--quick``.

One process per framework, one thread, float32. Each round runs every way once, in random order; a
ratio is taken within a round, so that what slows the machine slows both sides of it, and the median
over the rounds is reported. The clock is the process's CPU time.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench.cases import CASES, Case, Trainer
from tests.bench.report import Row, save, summary, table

ROOT = Path(__file__).resolve().parents[2]
FRAMEWORKS = ("torch", "tensorflow")
WAYS = ("generated", "expert", "tutorial")


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmark; returns 1 where a ratio to the expert exceeds the limit."""
    options = parse(arguments)
    if options.worker:
        print(json.dumps(work(options)))
        return 0
    rows = [row for framework in options.framework for row in spawn(framework, options)]
    print(table(rows))
    save(options.output, rows, options.rounds)
    return int(any(row.get("generated/expert", 0.0) > options.limit for row in rows))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.run", description=__doc__)
    parser.add_argument("--framework", nargs="+", choices=FRAMEWORKS, default=list(FRAMEWORKS))
    parser.add_argument("--case", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--way", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="three short rounds: a smoke test")
    parser.add_argument("--limit", type=float, default=float("inf"), help="fail above this ratio")
    parser.add_argument("--output", type=Path, default=ROOT / "runs" / "bench.json")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    options.rounds = min(options.rounds, 3) if options.quick else options.rounds
    return options


def spawn(framework: str, options: argparse.Namespace) -> list[Row]:
    """Measures one framework in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.run", "--worker", "--framework", framework]
    command += ["--case", *options.case, "--way", *options.way, "--seed", str(options.seed)]
    command += ["--rounds", str(options.rounds), *(["--quick"] if options.quick else [])]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    result = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(result.stdout.splitlines()[-1])


def work(options: argparse.Namespace) -> list[Row]:
    """Measures every case in this process."""
    (framework,) = options.framework
    one_thread(framework)
    rows = []
    for name in options.case:
        print(f"{framework} {name} ...", file=sys.stderr, flush=True)
        rows.append(measure(framework, CASES[name], options))
    return rows


def one_thread(framework: str) -> None:
    """Leaves one thread to the framework, so that CPU time is the time of its work."""
    if framework == "torch":
        import torch

        torch.set_num_threads(1)
    else:
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)


def builder(framework: str, way: str) -> Callable[..., Callable[..., Trainer]]:
    """Finds what builds a case's trainer."""
    if way == "generated":
        generated = importlib.import_module("tests.bench.generated")
        return lambda case, *rest: generated.build(framework, case, *rest)
    collection = f"tests.bench.{way}s.{framework}"
    return lambda case, *rest: importlib.import_module(f"{collection}.{case.name}").build(
        case, *rest
    )


def measure(framework: str, case: Case, options: argparse.Namespace) -> Row:
    """Interleaves the ways on one case and summarises the rounds."""
    arrays = case.arrays(options.seed)
    steps = case.steps_per_call if options.quick else case.steps
    trainers = {way: builder(framework, way)(case, arrays, options.seed) for way in options.way}
    counts = {way: trainer.parameters for way, trainer in trainers.items()}
    if len(set(counts.values())) > 1:
        raise SystemExit(f"{framework} {case.name}: the ways differ in parameters: {counts}")
    for trainer in trainers.values():
        trainer.run(steps)  # warm-up: traces, allocations
    order, rounds = random.Random(options.seed), []
    for _ in range(options.rounds):
        ways = order.sample(options.way, len(options.way))
        rounds.append({way: seconds(trainers[way], steps) for way in ways})
    return summary(framework, case, rounds, steps)


def seconds(trainer: Trainer, steps: int) -> float:
    """CPU seconds of one round."""
    start = time.process_time()
    trainer.run(steps)
    return time.process_time() - start


if __name__ == "__main__":
    raise SystemExit(main())
