"""Where users keep files of devices."""

from __future__ import annotations

import os

from dsl.source import project_root

NAME = "devices.toml"


def paths() -> list[str]:
    """The files that are there, of which later ones count more.

    The user's own (`own_path`), the project's, and the one that ``MSL_DEVICES`` names, which
    counts even where there is none, so that reading it says so.
    """
    asked = os.environ.get("MSL_DEVICES", "")
    usual = (own_path(), os.path.join(project_root(os.getcwd()), NAME))
    found = [path for path in usual if os.path.isfile(path)]
    return list(dict.fromkeys([*found, *([asked] if asked else [])]))


def own_path() -> str:
    """The user's own file, under the directory for settings of the system's convention."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    if os.name == "nt" and not base:
        base = os.environ.get("APPDATA", "")
    if not os.path.isabs(base):
        base = os.path.join(os.path.expanduser("~"), ".config")
    return os.path.join(base, "msl", NAME)
