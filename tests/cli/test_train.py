"""``msl train`` up to where the script takes over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dsl.cli import train
from tests.cli.conftest import NET, Msl, written
from tests.conftest import ROOT

TRAINED = NET + """
loss MSE
data Synthetic(samples=64)
train { epochs = 1; batch = 16 }
"""

RECORDER = """
import json, sys
print("arguments:", json.dumps(sys.argv[1:]))
sys.exit({code})
"""


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Records what would be run instead of running it."""
    seen: list[list[str]] = []
    monkeypatch.setattr(train, "run", lambda words: seen.append(words) or 0)
    monkeypatch.setattr(train, "require_packages", lambda backend: None)
    return seen


def test_compiles_into_a_run_folder(msl: Msl, tmp_path: Path, scripts: list[list[str]]) -> None:
    spec = written(tmp_path, "net.msl", TRAINED)
    assert msl("train", spec, "--backend", "torch").exit_code == 0
    script, *words = scripts[0]
    assert script == "runs/net-torch/net_torch.py"
    assert words == ["--out", "runs/net-torch"]
    assert "class Net" in (tmp_path / script).read_text()


def test_hands_options_on(msl: Msl, tmp_path: Path, scripts: list[list[str]]) -> None:
    spec = written(tmp_path, "net.msl", TRAINED)
    words = ("--epochs", 3, "--batch", 8, "--seed", 1, "--device", "cpu", "--resume", "--dry-run")
    msl("train", spec, "--backend", "torch", "--out", "here", *words, "--", "--compile", "x")
    assert scripts[0][1:] == [
        *("--out", "here", "--epochs", "3", "--batch", "8", "--seed", "1", "--device", "cpu"),
        *("--resume", "--dry-run", "--compile", "x"),
    ]


def test_a_model_alone_cannot_be_trained(msl: Msl, net: Path, scripts: list[list[str]]) -> None:
    result = msl("train", net, "--backend", "torch")
    assert result.exit_code == 2
    assert "has no `loss` section" in result.stderr
    assert not scripts


def test_an_edited_script_is_kept(msl: Msl, tmp_path: Path, scripts: list[list[str]]) -> None:
    spec = written(tmp_path, "net.msl", TRAINED)
    msl("train", spec, "--backend", "torch")
    path = tmp_path / "runs/net-torch/net_torch.py"
    path.write_text(path.read_text() + "# mine\n")
    assert msl("train", spec, "--backend", "torch").exit_code == 2
    assert msl("train", spec, "--backend", "torch", "--force").exit_code == 0
    assert len(scripts) == 2


def test_a_missing_framework_is_named(
    msl: Msl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(train.PACKAGES, "torch", ("no_such_framework", "numpy"))
    result = msl("train", written(tmp_path, "net.msl", TRAINED), "--backend", "torch")
    assert result.exit_code == 2
    assert "no_such_framework is not installed: pip install 'msl-lang[torch]'" in result.stderr


@pytest.mark.parametrize("code", [0, 3])
def test_a_script_runs_with_this_python_and_its_exit_code_counts(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], code: int
) -> None:
    script = written(tmp_path, "script.py", RECORDER.format(code=code))
    assert train.run([str(script), "--epochs", "2"]) == code
    assert 'arguments: ["--epochs", "2"]' in capfd.readouterr().out


def test_a_killed_script_has_the_code_of_its_signal(tmp_path: Path) -> None:
    script = written(tmp_path, "script.py", "import os, signal; os.kill(os.getpid(), 9)")
    assert train.run([str(script)]) == 137


STUBBORN = """
import os, pathlib, time
pathlib.Path("pid").write_text(str(os.getpid()))
time.sleep(60)
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_the_script_ends_with_the_command(tmp_path: Path, number: int, code: int) -> None:
    written(tmp_path, "script.py", STUBBORN)
    launch = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from dsl.cli.train import run; raise SystemExit(run(['script.py']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", launch], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
        start_new_session=True, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        began = time.monotonic()
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            assert time.monotonic() - began < 30
            time.sleep(0.05)
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # as a terminal does
        else:
            process.send_signal(number)
        assert process.wait(20) == code
    finally:
        process.kill()
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
