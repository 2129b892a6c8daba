"""``msl init``."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsl.cli.init import TEMPLATES, template_text
from tests.cli.conftest import Msl, written


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_are_clean_and_formatted(msl: Msl, tmp_path: Path, name: str) -> None:
    result = msl("init", name)
    assert result.exit_code == 0
    path = tmp_path / f"{name}.msl"
    assert path.read_text() == template_text(name)
    assert msl("check", "--strict", path).exit_code == 0
    assert msl("fmt", "--check", path).exit_code == 0
    assert name in msl("init", "--list").stdout


def test_init_never_overwrites(msl: Msl, tmp_path: Path) -> None:
    written(tmp_path, "cnn.msl", "mine")
    result = msl("init", "cnn")
    assert result.exit_code == 2
    assert "exists already" in result.stderr
    assert (tmp_path / "cnn.msl").read_text() == "mine"
    assert msl("init", "cnn", "-o", "other.msl").exit_code == 0
    assert msl("init", "cnn", "-o", "-").stdout == template_text("cnn")
    assert "did you mean `cnn`?" in msl("init", "cnm").stderr
    assert "there is no folder" in msl("init", "cnn", "-o", "no/cnn.msl").stderr
