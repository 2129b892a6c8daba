"""Short trainings of candidates with the code that they compile to, for ``msl choose --probe``."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from dsl.cli.compile import code_of
from dsl.cli.files import ToolError, write_text
from dsl.cli.train import require_packages

if TYPE_CHECKING:
    from dsl.choosing.halving import Score
    from dsl.compilation import Compilation

FIRST_STEPS = 50
PREFERRED = ("val_accuracy", "val_loss", "accuracy", "loss")
"""Figures by which candidates are compared, the first that all scripts write."""


def probe(
    candidates: Mapping[str, Compilation], backend: str, data: str, limit: float, seeds: int
) -> list[list[Score]]:
    """The rungs of successive halving on the user's data; what was measured before Ctrl-C counts.

    Args:
        candidates: By name, each with loss and data.
        backend: The framework.
        data: Path of the data, "" where the spec's own holds.
        limit: Seconds for all of it.
        seeds: Runs of each candidate in each rung.

    Raises:
        ToolError: A framework is missing, or a candidate has nothing to train.
    """
    import tempfile

    from dsl.choosing.halving import halve

    require_packages(backend)
    end = time.monotonic() + limit
    rungs: list[list[Score]] = []
    with tempfile.TemporaryDirectory(prefix="msl-probe-") as folder:
        scripts = {
            name: _script(item, backend, os.path.join(folder, str(number)), name)
            for number, (name, item) in enumerate(candidates.items())
        }
        runner = _Runner(scripts, data, end)
        try:
            for rung in halve(
                list(scripts), runner.trial, FIRST_STEPS, seeds, lambda: time.monotonic() >= end
            ):
                rungs.append(rung)
        except KeyboardInterrupt:
            click.echo("probe interrupted: what was measured so far counts", err=True)
    return rungs


def _script(compilation: Compilation, backend: str, folder: str, name: str) -> str:
    if not compilation.training.losses or compilation.training.data is None:
        raise ToolError(f"--probe trains, and {name} lacks `loss` or `data`: give --task FILE")
    os.makedirs(folder)
    path = os.path.join(folder, "candidate.py")
    text = code_of(compilation, backend, path)
    if text is None:
        raise ToolError(f"{name} cannot be compiled for {backend}, so it cannot be probed")
    write_text(path, text)
    return path


class _Runner:
    """Runs scripts, each in a folder of its own."""

    def __init__(self, scripts: Mapping[str, str], data: str, end: float) -> None:
        self.scripts, self.data, self.end = scripts, data, end

    def trial(self, name: str, seed: int, steps: int) -> tuple[float, str, bool] | str:
        """Trains a candidate; its figure, or why there is none."""
        script = self.scripts[name]
        out = os.path.join(os.path.dirname(script), f"{steps}-{seed}")
        words = [script, "--steps", str(steps), "--seed", str(seed), "--out", out]
        words += ["--data", self.data] if self.data else []
        left = max(1.0, self.end - time.monotonic())
        click.echo(f"probe: {name}, seed {seed}, {steps} steps", err=True)
        code, said = _run([sys.executable, *words], left)
        if code is None:
            return "the time was over"
        if code:
            return f"it ended with exit code {code}: {said}"
        return _figure(os.path.join(out, "metrics.csv"))


def _run(words: Sequence[str], limit: float) -> tuple[int | None, str]:
    """The exit code, None where the time was over, and the last line that was said."""
    process = subprocess.Popen(
        list(words), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        _, said = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return None, ""
    except KeyboardInterrupt:
        process.terminate()
        process.communicate()
        raise
    lines = said.strip().splitlines()
    return process.returncode, lines[-1] if lines else ""


def _figure(path: str) -> tuple[float, str, bool] | str:
    """The last figures of a run."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            last = list(csv.DictReader(file))[-1]
    except (OSError, IndexError):
        return "it wrote no figures"
    for name in PREFERRED:
        value = float(last[name]) if last.get(name) else float("nan")
        if value == value:
            return value, name, name.endswith("accuracy")
    return "its figures are no numbers"
