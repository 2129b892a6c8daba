"""``msl check``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import BROKEN, NET, Msl, written
from tests.conftest import SPECS

WARNED = "model ReLU {\n  input x: float32[4]\n  output y = Linear(2)\n}\n"
"""A spec with a warning: its model hides a built-in kind."""


@pytest.mark.parametrize("spec", sorted(SPECS.glob("*.msl")), ids=lambda path: path.stem)
def test_all_specs_are_clean(spec: Path, msl: Msl) -> None:
    result = msl("check", "--strict", spec)
    assert (result.exit_code, result.output) == (0, "1 file checked, nothing found\n")


def test_a_fault_exits_with_one(msl: Msl, tmp_path: Path) -> None:
    result = msl("check", written(tmp_path, "net.msl", BROKEN))
    assert result.exit_code == 1
    assert "error[MSL" in result.stdout
    assert "net.msl:4:" in result.stdout
    assert "1 file checked, 1 error" in result.stdout


def test_several_files(msl: Msl, tmp_path: Path, net: Path) -> None:
    broken = written(tmp_path, "broken.msl", BROKEN)
    result = msl("check", net, broken, net)
    assert result.exit_code == 1
    assert "2 files checked, 1 error" in result.stdout


def test_an_unreadable_file_is_a_tool_error_and_others_are_still_checked(
    msl: Msl, tmp_path: Path
) -> None:
    broken = written(tmp_path, "broken.msl", BROKEN)
    result = msl("check", "missing.msl", broken)
    assert result.exit_code == 2
    assert "msl: cannot read missing.msl: no such file or directory" in result.stderr
    assert "error[MSL" in result.stdout


@pytest.mark.parametrize(
    ("data", "reason"), [(b"\xff\xfe", "it is not UTF-8 at byte 0"), (None, "is a directory")]
)
def test_what_is_no_text(msl: Msl, tmp_path: Path, data: bytes | None, reason: str) -> None:
    path = tmp_path / "odd.msl"
    path.write_bytes(data) if data else path.mkdir()
    result = msl("check", path)
    assert result.exit_code == 2
    assert reason in result.stderr


def test_standard_input(msl: Msl) -> None:
    assert msl("check", "-", input=NET).exit_code == 0
    result = msl("check", "-", "--format", "concise", input=BROKEN.replace("\n", "\r\n"))
    assert result.exit_code == 1
    assert result.stdout.startswith("<stdin>:4:")
    assert msl("check", "-", input=b"\xff").exit_code == 2


def test_warnings_fail_only_where_strict(msl: Msl) -> None:
    result = msl("check", "-", input=WARNED)
    assert result.exit_code == 0
    assert "warning[MSL135]" in result.stdout
    assert "1 warning" in result.stdout
    assert msl("check", "-", "--strict", input=WARNED).exit_code == 1


@pytest.mark.parametrize("style", ["json", "sarif", "github"])
def test_formats_for_machines_hold_nothing_else(msl: Msl, style: str) -> None:
    clean = msl("check", "-", "--format", style, input=NET).stdout
    found = msl("check", "-", "--format", style, input=BROKEN).stdout
    if style == "github":
        assert clean == ""
        assert found.startswith("::error ")
    else:
        assert json.loads(clean)
        assert "MSL" in json.dumps(json.loads(found))


def test_colours(msl: Msl, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[" not in msl("check", "-", input=BROKEN).stdout
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in msl("check", "-", input=BROKEN).stdout
    assert "\x1b[" not in msl("check", "-", "--format", "concise", input=BROKEN).stdout
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" not in msl("check", "-", input=BROKEN).stdout


FIXABLE = NET.replace("ReLU\n", "ReLU;;\n") + "loss CrossEntropy\ntrain { checkpoint = best }\n"


def test_fix_writes_the_mended_text(msl: Msl, tmp_path: Path) -> None:
    path = written(tmp_path, "net.msl", FIXABLE)
    assert msl("check", path).exit_code == 1
    shown = msl("check", "--diff", path)
    assert '+train { checkpoint = "best" }' in shown.stdout
    assert path.read_text() == FIXABLE
    msl("check", "--fix", path)
    assert 'checkpoint = "best"' in path.read_text()
    assert list(tmp_path.iterdir()) == [path]


def test_fix_of_standard_input_goes_to_standard_output(msl: Msl) -> None:
    result = msl("check", "--fix", "-", input=FIXABLE)
    assert 'checkpoint = "best"' in result.stdout
    assert "file checked" in result.stderr


def test_parameters_models_and_settings(msl: Msl, net: Path) -> None:
    assert msl("check", net, "-D", "width=16").exit_code == 0
    assert msl("check", net, "--define", "width=-1").exit_code == 1
    assert "MSL141" in msl("check", net, "-D", "height=3").stdout
    assert "MSL138" in msl("check", net, "--model", "Other").stdout
    assert "--set" in msl("check", net, "--set", "trian.epochs=3").stdout


@pytest.mark.parametrize("word", ["width", "=3", "width="])
def test_a_definition_needs_a_name_and_a_value(msl: Msl, net: Path, word: str) -> None:
    result = msl("check", net, "-D", word)
    assert result.exit_code == 2
    assert "is not of the form name=value" in result.output


def test_strings_need_no_quotes(msl: Msl, tmp_path: Path) -> None:
    text = """
    model Net(padding: string = "same") {
      input x: float32[1, 8, 8]
      output y = Conv2d(2, 3, padding=padding)
    }
    """
    path = written(tmp_path, "net.msl", text)
    for value in ("valid", '"valid"'):
        assert "[2, 6, 6]" in msl("cost", path, "-D", f"padding={value}").stdout


def test_a_file_of_blocks_is_fine_and_a_cost_of_it_is_not(msl: Msl) -> None:
    blocks = "block Unit(n: int) { Linear(n) -> ReLU }\n"
    assert msl("check", "-", input=blocks).exit_code == 0
    assert "MSL139" in msl("cost", "-", input=blocks).output


def test_a_check_covers_every_model_and_models_that_need_values_by_their_variants(msl: Msl) -> None:
    good = """model Net(width: int) { input x: float32[4]; output y = Linear(width) }
model Other { input x: float32[4]; output y = Linear(2) }
variant Small = Net(width=3)
"""
    assert msl("check", "-", input=good).exit_code == 0
    bad = good.replace("width=3", "width=0").replace("Linear(2)", "Liner(2)")
    codes = msl("check", "-", "--format", "concise", input=bad).output
    assert "MSL104" in codes and "MSL205" in codes


def test_a_block_that_nothing_applies_is_looked_over(msl: Msl) -> None:
    text = """block U(z: int = 2) { Linaer(z) -> Linear(z, bais=true) }
model M { input x: float32[4]; output y = Linear(2) }
"""
    codes = msl("check", "-", "--format", "concise", input=text).output
    assert "1:23: error[MSL104]" in codes and "1:46: error[MSL201]" in codes


def test_every_limit_of_a_budget_is_listed(msl: Msl) -> None:
    text = NET + "loss CrossEntropy\nbudget { params <= 10; train_memory <= 1MiB }\n"
    result = msl("check", "-", "--budget", input=text)
    assert result.exit_code == 1
    assert "broken: params <= 10: " in result.stdout
    assert "kept: train_memory <= 1MiB: " in result.stdout and "to spare" in result.stdout
    assert "kept" not in msl("check", "-", input=text).stdout
