"""Writes the fingerprints of published.toml anew: ``python -m tests.choosing.fingerprints``."""

from __future__ import annotations

import re
from pathlib import Path

from dsl.choosing.evidence import fingerprint
from dsl.zoo.index import entries
from tests.conftest import ROOT

PATH = ROOT / "dsl" / "choosing" / "published.toml"


def fresh(name: str) -> str:
    """The fingerprint of an entry of the zoo as it is now."""
    model = entries()[name].compilation().model
    assert model is not None
    return fingerprint(model)


def rewrite(path: Path = PATH) -> None:
    """Writes them all."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        name = line.partition(" = ")[0]
        if line and not line.startswith("#"):
            line = re.sub(r'fingerprint = "\w+"', f'fingerprint = "{fresh(name)}"', line)
        lines.append(f"{line}\n")
    path.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    rewrite()
