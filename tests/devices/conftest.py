"""No test sees the devices of whoever runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsl.devices import places


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in, and an empty one for settings."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("MSL_DEVICES", raising=False)
    project = tmp_path / "project"
    project.mkdir()
    (project / "msl.toml").touch()
    monkeypatch.chdir(project)
    assert places.paths() == []
    return project
