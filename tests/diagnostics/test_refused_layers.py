"""Layers that cannot be: one finding, of the right rule, at the words that are to blame.

The layers stand in ``refused_layers.txt``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dsl.compilation import Compilation
from dsl.source import Source

Case = tuple[str, str, str]


def cases() -> Iterator[Case]:
    """Each case: the types of the inputs, the layer, and the finding as ``CODE `text```."""
    text = Path(__file__).with_name("refused_layers.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            types, layer, finding = line.split(" | ")
            yield types, layer, finding


def spec(types: str, layer: str) -> str:
    """A model of one layer; its inputs are called x, z and w."""
    inputs = "".join(f"  input {name}: {type}\n" for name, type in zip("xzw", types.split("; ")))
    first = "" if layer.startswith(("(", "Parameter(")) else "x -> "
    return f"model Net {{\n{inputs}  output y = {first}{layer}\n}}\n"


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case[0]} {case[1]}")
def test_one_finding_at_the_words_to_blame(case: Case) -> None:
    types, layer, expected = case
    found = Compilation(Source("net.msl", spec(types, layer))).diagnostics
    shown = [f"{finding.rule.code} `{finding.primary.span.text}`" for finding in found]
    assert shown == [expected], [finding.message for finding in found]
