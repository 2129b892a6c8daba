"""The demo trains one spec in both frameworks, and fails where it should."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from examples import demo
from tests.conftest import ROOT

pytestmark = [pytest.mark.torch, pytest.mark.tensorflow]  # installed, if not imported here


def test_demo_reaches_its_accuracy_in_both_frameworks() -> None:
    done = subprocess.run(
        [sys.executable, "examples/demo.py"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=demo.environment(),
        timeout=400,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr, "TensorFlow's start-up talk is no part of the demo"
    scores = {}
    for backend, name in demo.BACKENDS.items():
        figures = json.loads((ROOT / demo.RUNS / backend / "test.json").read_text())
        scores[name] = figures["accuracy"]
        assert f"{name:12}{figures['accuracy']:8.2%}   ok" in done.stdout
    assert min(scores.values()) >= 0.97
    assert max(scores.values()) - min(scores.values()) < 0.02
    assert "$ msl cost examples/digits_cnn.msl" in done.stdout


def test_demo_fails_below_the_wanted_accuracy(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.verdict({"PyTorch": 0.97, "TensorFlow": 0.99}, 1.0) == 0
    assert demo.verdict({"PyTorch": 0.9699, "TensorFlow": 0.99}, 1.0) == 1
    assert "96.99%   below 97%" in capsys.readouterr().out


def test_demo_stops_where_a_step_fails(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    noise = "I0000 00:00:17 port.cc:153] oneDNN custom operations are on."
    failing = tmp_path / "failing.py"
    failing.write_text(f"import sys\nprint({noise!r}, file=sys.stderr)\nsys.exit('no luck')\n")
    with pytest.raises(SystemExit, match="ended with 1"):
        demo.python(str(failing))
    assert noise in capfd.readouterr().err


def test_demo_keeps_a_choice_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert demo.environment()["OMP_NUM_THREADS"] == "3"
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert demo.environment()["OMP_NUM_THREADS"] == "1"
    assert demo.environment()["PATH"] == os.environ["PATH"]
