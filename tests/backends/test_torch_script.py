"""Generated PyTorch scripts: what they look like, and what they do when they run."""

from __future__ import annotations

import ast
import csv
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from backends.pycode.render import draw, import_lines, tidy
from backends.scripting import ModelCode, Origin
from backends.torch.training.script import TEMPLATE, script_context
from tests.backends.script_cases import CASES, Case
from tests.conftest import EXAMPLES
from tests.training.harness import elaborate

DATA = EXAMPLES / "data"
TRAINED = [name for name in CASES if name != "model_only"]
RANDOM = {"towers": ["--synthetic"], "seg": ["--synthetic"]}
SHORT = {
    "gpt": ["--devices", "1", "--steps", "20"],
    "characters": ["--no-compile", "--steps", "20"],
}


def render(case: Case, stem: str) -> str:
    """The script of a case, as black leaves it."""
    return tidy(draw_script(case, stem))


def draw_script(case: Case, stem: str) -> str:
    """The script of a case, as the templates draw it."""
    result = elaborate(case.spec)
    assert not result.diagnostics
    code = ModelCode(case.code, case.class_name, import_lines(case.code))
    origin = Origin("net.msl", "0.1.0", stem=stem)
    context = script_context(result.model, result.training, code, origin)
    return draw("backends.torch", TEMPLATE, context)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data of all cases, and their scripts."""
    path = tmp_path_factory.mktemp("scripts")
    for file in DATA.iterdir():
        if file.suffix in (".csv", ".npz", ".txt"):
            shutil.copy(file, path)
    text = (path / "shakespeare.txt").read_text()
    (path / "shakespeare.txt").write_text(text[:20_000])
    write_pictures(path)
    lines = ["import numpy as np", "", "", "def load():", "    rng = np.random.default_rng(0)"]
    lines += [
        '    return {"x": rng.standard_normal((100, 4)), "y": rng.dirichlet(np.ones(3), 100)}'
    ]
    (path / "hook.py").write_text("\n".join(lines) + "\n")
    for name, case in CASES.items():
        (path / f"{name}.py").write_text(render(case, name))
    return path


def write_pictures(path: Path) -> None:
    """Digits as image files: in folders by class, and as a table of paths."""
    from PIL import Image

    table = np.loadtxt(path / "digits.csv", delimiter=",", skiprows=1, max_rows=120).astype(int)
    rows = [["file", "digit"]]
    for number, row in enumerate(table):
        file = path / "pictures" / str(row[-1]) / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((row[:-1].reshape(8, 8) * 15).astype(np.uint8)).save(file)
        rows.append([str(file.relative_to(path)), str(row[-1])])
    with open(path / "pictures.csv", "w", newline="") as file:
        csv.writer(file).writerows(rows)


def load(path: Path) -> ModuleType:
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(
    module: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: str, out: Path | None = None
) -> None:
    """Runs a script's `main` as from a command line, on the CPU."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    more = ["--out", str(out)] if out else []
    monkeypatch.setattr(sys, "argv", ["script", *arguments, "--device", "cpu", *more])
    try:
        module.main()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def history(out: Path) -> list[dict[str, float]]:
    """The rows of metrics.csv, without the time."""
    with open(out / "metrics.csv", newline="") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


# --- text -------------------------------------------------------------------------------


def test_all_scripts_are_clean(folder: Path) -> None:
    files = [str(folder / f"{name}.py") for name in CASES]
    rules = ["--select", "E,F,W,I,UP,PIE,C4", "--line-length", "100", "--target-version", "py311"]
    command = [sys.executable, "-m", "ruff", "check", "--isolated", *rules, *files]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", CASES)
def test_script_is_ascii_and_stable(folder: Path, name: str) -> None:
    text = (folder / f"{name}.py").read_text()
    assert text.isascii()
    assert tidy(text) == text
    assert render(CASES[name], name) == text


@pytest.mark.parametrize("name", ["gpt", "voters", "sea", "images", "paths", "pyhook", "synth"])
def test_templates_draw_what_black_would(folder: Path, name: str) -> None:
    """Formatting costs most of a compilation; it is half of that where nothing changes."""
    assert draw_script(CASES[name], name) == (folder / f"{name}.py").read_text()


def test_model_alone_has_no_training(folder: Path) -> None:
    text = (folder / "model_only.py").read_text()
    assert "class DigitsCNN" in text and "def train" not in text and "argparse" not in text


def test_only_what_is_asked_for(folder: Path) -> None:
    plain, full = ((folder / f"{name}.py").read_text() for name in ("sea", "full"))
    for word in ("schedule", "penalty", "clip_grad", "augment", "waited", "autocast", "set_rng"):
        assert word not in plain
        assert word in full or word == "autocast"


@pytest.mark.parametrize("name", TRAINED)
def test_step_reads_nothing_from_the_device(folder: Path, name: str) -> None:
    tree = ast.parse((folder / f"{name}.py").read_text())
    hot = ("train_step", "take", "forward", "loss_function", "penalty", "augment", "random_crop")
    for function in tree.body:
        if isinstance(function, ast.FunctionDef) and function.name in hot:
            called = {n.attr for n in ast.walk(function) if isinstance(n, ast.Attribute)}
            assert not called & {"item", "cpu", "numpy", "tolist"}


# --- runs -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TRAINED)
def test_dry_run(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--no-compile"] if name == "characters" else []
    run(load(folder / f"{name}.py"), monkeypatch, "--dry-run", *flags)
    assert "went through" in capsys.readouterr().out


@pytest.mark.parametrize("name", TRAINED)
def test_train_evaluate_predict(
    folder: Path, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load(folder / f"{name}.py")
    flags = SHORT.get(name, ["--epochs", "2"])
    run(module, monkeypatch, *flags, *RANDOM.get(name, []), out=tmp_path)
    rows = history(tmp_path)
    assert rows and all(np.isfinite(list(row.values())).all() for row in rows)
    flags = ["--no-compile"] if name == "characters" else []
    run(module, monkeypatch, "evaluate", "--output", str(tmp_path / "e.json"), *flags, out=tmp_path)
    assert np.isfinite(json.loads((tmp_path / "e.json").read_text())["loss"])
    run(module, monkeypatch, "predict", *flags, out=tmp_path)
    assert list(tmp_path.glob("predictions.*"))
    assert not list(tmp_path.glob("*.tmp"))
    torch.load(tmp_path / "last.pt", weights_only=True)


@pytest.mark.parametrize("name", ["full", "gpt", "paths", "voters"])
def test_resume_goes_on_exactly(
    folder: Path, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = ["--devices", "1", "--steps", "12"] if name == "gpt" else ["--epochs", "3"]
    once, twice = tmp_path / "once", tmp_path / "twice"
    run(load(folder / f"{name}.py"), monkeypatch, *flags, out=once)
    module = load(folder / f"{name}.py")
    step, calls = module.train_step, []

    def stopping(*arguments: object) -> torch.Tensor:
        calls.append(1)
        if len(calls) == 11:
            os.kill(os.getpid(), signal.SIGINT)
        return step(*arguments)

    monkeypatch.setattr(module, "train_step", stopping)
    with pytest.raises(SystemExit) as stop:
        run(module, monkeypatch, *flags, out=twice)
    assert stop.value.code == 130
    monkeypatch.setattr(module, "train_step", step)
    torch.manual_seed(7)
    more = flags[:2] if name == "gpt" else []
    run(module, monkeypatch, "--resume", *more, out=twice)
    assert history(once) == history(twice)
    weights, again = (
        torch.load(out / "last.pt", weights_only=True)["model"] for out in (once, twice)
    )
    assert all(torch.equal(value, again[key]) for key, value in weights.items())


def test_nonfinite_loss_keeps_the_last_good_checkpoint(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load(folder / "voters.py")
    run(module, monkeypatch, "--epochs", "1", out=tmp_path)
    before = (tmp_path / "last.pt").read_bytes()
    function, calls = module.loss_function, []

    def failing(*arguments: object) -> torch.Tensor:
        calls.append(1)
        return function(*arguments) * (float("nan") if len(calls) == 3 else 1)

    monkeypatch.setattr(module, "loss_function", failing)
    with pytest.raises(SystemExit, match=r"the loss is nan at step 24;"):
        run(module, monkeypatch, "--resume", "--epochs", "2", out=tmp_path)
    assert (tmp_path / "last.pt").read_bytes() == before


def test_several_devices_are_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit, match="8 devices"):
        run(load(folder / "gpt.py"), monkeypatch, out=tmp_path)


def test_missing_data_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit, match="--synthetic"):
        run(load(folder / "towers.py"), monkeypatch, out=tmp_path)
    with pytest.raises(SystemExit) as stop:
        run(load(folder / "full.py"), monkeypatch, "--data", "nowhere.csv", out=tmp_path)
    assert stop.value.code == 2


def test_early_stopping_ends_a_run(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load(folder / "full.py")
    evaluate = module.evaluate
    monkeypatch.setattr(module, "evaluate", lambda *a: evaluate(*a) | {"accuracy": 0.5})
    run(module, monkeypatch, "--epochs", "9", out=tmp_path)
    assert len(history(tmp_path)) == 3  # the first is the best, two more do not pass it


def test_a_run_in_steps_is_cut_into_rounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = CASES["synth"]
    spec = case.spec.replace("Synthetic(200", "Synthetic(20000")
    spec = spec.replace("steps = 33", "steps = 1300")
    (tmp_path / "rounds.py").write_text(render(replace(case, spec=spec), "rounds"))
    run(load(tmp_path / "rounds.py"), monkeypatch, out=tmp_path)
    rows = [(row["epoch"], row["step"]) for row in history(tmp_path)]
    assert rows == [(1, 1000), (1, 1250), (2, 1300)]


# --- predictions ------------------------------------------------------------------------


def test_predictions_agree_with_the_evaluation(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load(folder / "voters2.py")
    run(module, monkeypatch, out=tmp_path)
    run(module, monkeypatch, "evaluate", "--output", str(tmp_path / "e.json"), out=tmp_path)
    parts = module.split(module.read_data(str(folder / "voters.csv")))
    table = tmp_path / "new.csv"
    with open(table, "w", newline="") as file:  # new rows without the column to predict
        names = [name for name in parts[2] if name != "vote"][::-1]
        csv.writer(file).writerows([names, *zip(*(parts[2][name].tolist() for name in names))])
    run(module, monkeypatch, "predict", "--input", str(table), out=tmp_path)
    with open(tmp_path / "predictions.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["vote", "vote_clinton", "vote_dole"]
    right = np.mean([row["vote"] == vote for row, vote in zip(rows, parts[2]["vote"])])
    assert right == pytest.approx(json.loads((tmp_path / "e.json").read_text())["accuracy"])
    assert float(rows[0]["vote_clinton"]) + float(rows[0]["vote_dole"]) == pytest.approx(
        1, abs=1e-5
    )


def test_new_file_is_scored_whole(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    module = load(folder / "full.py")
    run(module, monkeypatch, "--epochs", "1", out=tmp_path)
    shutil.copy(folder / "digits.csv", tmp_path / "other.csv")
    for path, rows in ((folder / "digits.csv", 359), (tmp_path / "other.csv", 1797)):
        capsys.readouterr()
        run(
            module,
            monkeypatch,
            "evaluate",
            "--data",
            str(path),
            "--checkpoint",
            str(tmp_path / "best"),
        )
        assert capsys.readouterr().out.startswith(f"{rows} rows")
