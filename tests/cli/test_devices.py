"""``msl devices`` and ``msl calibrate``."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from dsl import devices
from dsl.cli import calibrate
from dsl.cli import devices as cli_devices
from dsl.devices.calibration import Reading
from tests.cli.conftest import Msl

pytestmark = pytest.mark.slow

READING = Reading("numpy 2.0", "cpu", 2, {"fp32": {"1024": 1.5e11}}, 2e10, 1 << 28)


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's file, which is not there yet."""
    folder = tmp_path / "config"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    monkeypatch.delenv("MSL_DEVICES", raising=False)
    return folder / "msl" / "devices.toml"


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is measured at once."""
    monkeypatch.setattr(calibrate, "read_with_tools", lambda only_cpu: READING)


def test_all_are_listed_with_units_prices_and_sources(msl: Msl) -> None:
    lines = msl("devices").stdout.splitlines()
    assert len(lines) == 1 + len(devices.names())
    assert lines[0].split() == ["name", "GiB", "GB/s", "fp32", "16-bit", "fp8", "$/h", "source"]
    (h100,) = (line.split() for line in lines if line.startswith("h100-sxm "))
    assert h100[:7] == ["h100-sxm", "79.2", "3350", "67", "989", "1979", "1.99-5.00"]


def test_a_terminal_gets_headings(
    msl: Msl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cli_devices, "is_terminal", lambda stream: True)
    monkeypatch.setenv("COLUMNS", "150")
    (tmp_path / "msl.toml").touch()
    (tmp_path / "devices.toml").write_text('[lab]\nbase = "t4"\nprice = 0.5\n')
    out = msl("devices").stdout
    lines = [line.strip() for line in out.splitlines()]
    assert {"NVIDIA", "AMD", "Apple", "Google", "your own"} <= set(lines) and lines[1] == "NVIDIA"
    assert "devices.toml" in out and "0.50" in out
    assert "msl devices show NAME" in out


def test_words_choose(msl: Msl) -> None:
    assert msl("devices", "apple", "max").stdout.count("\n") == 6
    assert msl("devices", "list", "laptop", "--json").exit_code == 0
    none = msl("devices", "list", "abacus")
    assert none.exit_code == 2 and "abacus" in none.stderr


def test_json_is_in_plain_units(msl: Msl) -> None:
    (card,) = json.loads(msl("devices", "list", "rtx-3090-ti", "--json").stdout)
    assert card["bandwidth"] == 1008e9 and card["peaks"]["bf16"] == pytest.approx(80e12, rel=0.01)
    one = json.loads(msl("devices", "show", "rtx-3090", "--json").stdout)
    assert one["memory"] == devices.find("rtx-3090").memory and one["price"]["date"] == "2026-03"
    assert json.loads(msl("devices", "show", "cpu", "--json").stdout)["price"] is None


def test_show_says_where_numbers_are_from(msl: Msl) -> None:
    out = msl("devices", "show", "RTX 3090").stdout
    for words in ("GA102 whitepaper", "23.69 GiB", "sold as 24 GB", "71.16 TFLOP/s dense",
                  "$0.22-0.39 an hour", "2026-03", "your own price counts more"):  # fmt: skip
        assert words in out, words


def test_an_unknown_name_gets_the_nearest(msl: Msl) -> None:
    result = msl("devices", "show", "h100")
    assert result.exit_code == 2 and "`h100-sxm`" in result.stderr and "`h100-nvl`" in result.stderr


def test_a_file_with_mistakes_is_drawn(msl: Msl, tmp_path: Path) -> None:
    (tmp_path / "msl.toml").touch()
    (tmp_path / "devices.toml").write_text("[a100-80gb]\nbf16 = 624\n")
    for words in (("devices",), ("devices", "show", "t4")):
        result = msl(*words)
        assert result.exit_code == 1 and "MSL703" in result.stderr
        assert "devices.toml:2:1" in result.stderr and "bf16 = 311.9" in result.stderr


def test_explain_knows_the_rules(msl: Msl) -> None:
    assert "sparsity" in msl("explain", "sparse-peak").stdout


# --- calibrate --------------------------------------------------------------------------------


def test_a_machine_is_kept_and_found(msl: Msl, config: Path, measured: None) -> None:
    result = msl("calibrate")
    assert result.exit_code == 0 and str(config) in result.stdout
    device = devices.find("this-machine")
    assert device.measured and device.peaks == {"fp32": 1.5e11} and device.bandwidth == 2e10
    assert "reached here" in msl("devices", "show", "this-machine").stdout
    assert msl("calibrate", "--json").exit_code == 0
    assert os.listdir(config.parent) == ["devices.toml"]


def test_other_devices_of_the_file_stay(msl: Msl, config: Path, measured: None) -> None:
    config.parent.mkdir(parents=True)
    config.write_text("# mine\n[lab]\nbase = 't4'\n")
    assert msl("calibrate", "--name", "desk").exit_code == 0
    assert msl("calibrate").exit_code == 0
    assert config.read_text().startswith("# mine\n[lab]\nbase = 't4'\n\n[desk]\n")
    assert {"lab", "desk", "this-machine"} <= set(devices.names())


def test_a_dry_run_writes_nothing(msl: Msl, config: Path, measured: None) -> None:
    shown = json.loads(msl("calibrate", "--dry-run", "--json").stdout)
    assert shown["peaks"] == {"fp32": 1.5e11} and shown["measured"] is True
    assert not config.exists() and not config.parent.exists()


def test_a_broken_file_is_left_alone(msl: Msl, config: Path, measured: None) -> None:
    config.parent.mkdir(parents=True)
    config.write_text("[lab\n")
    result = msl("calibrate")
    assert result.exit_code == 1 and "MSL701" in result.stderr
    assert config.read_text() == "[lab\n"


@pytest.mark.parametrize("name", ["t4", "This Machine", "", "a]\n[b"])
def test_names_that_cannot_be_are_refused(msl: Msl, measured: None, name: str) -> None:
    assert msl("calibrate", "--name", name).exit_code == 2


def test_a_place_that_cannot_be_written_is_said_so(msl: Msl, config: Path, measured: None) -> None:
    config.parent.parent.mkdir(parents=True)
    config.parent.write_text("a file where a folder should be")
    result = msl("calibrate")
    assert result.exit_code == 2 and "cannot" in result.stderr


def test_without_tools_the_guess_is_called_a_guess(
    msl: Msl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibrate, "TOOLS", {})
    result = msl("calibrate", "--dry-run")
    assert result.exit_code == 0 and "guess" in result.stdout and "install numpy" in result.stdout


def test_a_tool_that_fails_gives_way_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def read(script: str, flags: list[str]) -> Reading | None:
        asked.append(script)
        return READING if script.endswith("second") else None

    monkeypatch.setattr(calibrate, "TOOLS", {"json": "first", "re": "second", "no_such": "third"})
    monkeypatch.setattr(calibrate, "_read", read)
    assert calibrate.read_with_tools(False) == READING and asked == ["first", "second"]


def test_a_script_that_prints_nonsense_is_no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    assert calibrate._read("this", []) is None
    assert calibrate._read("no.such.module", []) is None
    monkeypatch.setattr(calibrate, "PATIENCE", 0.01)
    assert calibrate._read("backends.measuring.arrays", []) is None


def test_numpy_measures_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numpy")
    monkeypatch.setattr(calibrate, "MEASURE_SECONDS", 0.2)
    reading = calibrate._read("backends.measuring.arrays", [])
    assert reading.tool.startswith("numpy") and reading.kind == "cpu" and reading.threads >= 1
    assert max(reading.gemm["fp32"].values()) > 1e8 and reading.copy > 1e8


def test_code_of_the_current_folder_is_never_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("open('ran', 'w')\n")
    (tmp_path / "json.py").write_text("open('ran', 'w')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(calibrate, "MEASURE_SECONDS", 0.01)
    calibrate._read("backends.measuring.arrays", [])
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("moment", ["measuring", "writing"])
def test_an_interrupt_leaves_the_file_as_it_was(
    msl: Msl, config: Path, measured: None, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    config.parent.mkdir(parents=True)
    config.write_text("[lab]\nbase = 't4'\n")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    if moment == "measuring":
        monkeypatch.setattr(calibrate, "read_with_tools", interrupt)
    else:
        monkeypatch.setattr(os, "replace", interrupt)
    assert msl("calibrate").exit_code == 130
    assert config.read_text() == "[lab]\nbase = 't4'\n"
    assert os.listdir(config.parent) == ["devices.toml"]
