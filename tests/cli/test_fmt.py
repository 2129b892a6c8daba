"""``msl fmt``."""

from __future__ import annotations

import os
from pathlib import Path

from tests.cli.conftest import BROKEN, NET, Msl, written

UGLY = NET.replace("  hidden = ", "      hidden   =   ")


def test_formats_in_place(msl: Msl, tmp_path: Path) -> None:
    path = written(tmp_path, "net.msl", UGLY)
    path.chmod(0o640)
    result = msl("fmt", path)
    assert (result.exit_code, result.stdout) == (0, f"formatted {path}\n")
    assert path.read_text() == NET
    assert path.stat().st_mode & 0o777 == 0o640
    assert msl("fmt", path).stdout == ""


def test_check_and_diff_change_nothing(msl: Msl, tmp_path: Path, net: Path) -> None:
    path = written(tmp_path, "ugly.msl", UGLY)
    assert msl("fmt", "--check", net).exit_code == 0
    result = msl("fmt", "--check", net, path)
    assert (result.exit_code, result.stdout) == (1, f"would change {path}\n")
    result = msl("fmt", "--diff", path)
    assert result.exit_code == 1
    assert "-      hidden   =   Linear(width)" in result.stdout
    assert "+  hidden = Linear(width)" in result.stdout
    assert path.read_text() == UGLY


def test_standard_input(msl: Msl) -> None:
    assert msl("fmt", "-", input=UGLY).stdout == NET
    assert msl("fmt", "--check", "-", input=UGLY).exit_code == 1
    assert msl("fmt", "-", input="").stdout == ""


def test_a_broken_file_stays_as_it_is(msl: Msl, tmp_path: Path) -> None:
    text = NET.replace("{", "", 1)
    path = written(tmp_path, "net.msl", text)
    result = msl("fmt", path)
    assert result.exit_code == 1
    assert "error[MSL0" in result.stderr
    assert path.read_text() == text
    assert msl("fmt", "missing.msl").exit_code == 2


def test_names_are_not_its_business(msl: Msl) -> None:
    assert msl("fmt", "-", input=BROKEN).stdout == BROKEN


def test_a_link_stays_a_link(msl: Msl, tmp_path: Path) -> None:
    path = written(tmp_path, "net.msl", UGLY)
    link = tmp_path / "link.msl"
    os.symlink(path, link)
    msl("fmt", link)
    assert link.is_symlink()
    assert path.read_text() == NET
