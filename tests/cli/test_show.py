"""``msl show``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import BROKEN, Msl, written
from tests.conftest import SPECS


def test_structure(msl: Msl) -> None:
    text = msl("show", SPECS / "two_towers.msl").stdout
    assert "  u = shared tower: Tower(width=128)(user) {" in text
    assert "  i = shared tower: Tower(width=128)(item)  # float32[128], as above" in text
    assert "  output click = click  # float32[1]" in text
    text = msl("show", SPECS / "gpt2.msl", "-D", "depth=3").stdout
    assert "repeat 3 {" in text
    assert "input tokens: int64[time]  # time = 1024" in text
    assert "weight of token_embedding" in text


@pytest.mark.parametrize("spec", sorted(SPECS.glob("*.msl")), ids=lambda path: path.stem)
def test_structure_names_every_value_before_it_is_used(msl: Msl, spec: Path) -> None:
    lines = msl("show", spec).stdout.splitlines()
    assert sum(line.count("{") for line in lines) == sum(line.count("}") for line in lines)
    known: set[str] = set()
    for line in lines:
        if " = " in line and "(" in line and not line.strip().startswith("model"):
            head, _, rest = line.strip().partition(" = ")
            inputs = rest.split("  #")[0].rstrip(" {").rpartition("(")[2].rstrip(")")
            assert set(filter(None, inputs.split(", "))) <= known, line
            known |= set(head.split(", "))
        elif line.strip().startswith("input "):
            known.add(line.split()[1].rstrip(":"))
        elif " = when" in line or " repeat " in line:
            known |= set(line.strip().split(" = ")[0].split(", "))


def test_resolved_says_where_values_come_from(msl: Msl) -> None:
    words = ("--model", "GPT2XL", "-D", "depth=2", "--set", "train.batch=4")
    text = msl("show", "--resolved", SPECS / "gpt2.msl", *words).stdout
    rows = {tuple(line.split()[:2]): line.split()[-1] for line in text.splitlines() if line}
    assert rows["GPT2.depth", "2"] == "-D"
    assert rows["GPT2.width", "1600"] == "variant"
    assert rows["GPT2.drop", "0.1"] == "default"
    assert rows["train.batch", "4"] == "--set"
    assert rows["approximate", '"tanh"'] == "spec"
    assert rows["eps", "1e-05"] == "default"
    assert rows["optimizer.lr", "0.0006"] == "spec"


def test_show_of_a_broken_spec(msl: Msl, tmp_path: Path) -> None:
    result = msl("show", written(tmp_path, "net.msl", BROKEN))
    assert result.exit_code == 1
    assert result.stdout == ""


def test_show_does_not_recurse(msl: Msl) -> None:
    text = """
    block Down(n: int) { Linear(4); when n > 1 { Down(n - 1) } }
    model Deep { input x: float32[4]; output y = Down(200) }
    """
    assert msl("show", "-", input=text).stdout.count("Linear(") == 200
