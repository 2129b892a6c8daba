"""Every kind's operations: they are declared, and their products are those of the cost report."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import dsl
from dsl.cost.memory import Setup, rehearse
from dsl.cost.report import estimate
from dsl.kinds.kind import REGISTRY
from dsl.layers.activation import Activation
from dsl.layers.base import Layer
from dsl.layers.pointwise import Elementary
from tests.conftest import EXAMPLES, SPECS

FILES = sorted([*(EXAMPLES / "zoo").glob("*.msl"), *SPECS.glob("*.msl"), *EXAMPLES.glob("*.msl")])


def models(path: Path) -> list[str]:
    """The last model or variant of a file, which is a whole one."""
    return re.findall(r"^(?:model|variant) (\w+)", path.read_text(), re.MULTILINE)[-1:]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_products_are_those_of_the_report(path: Path) -> None:
    for name in models(path):
        model = dsl.load(str(path), model=name).compilation.model
        assert model is not None
        work = rehearse(model, None, Setup(batch=2, fused_attention=False)).work
        report = estimate(model, 2)
        ahead = sum(item.flops for item in work if item.phase == "forward")
        assert ahead == report.flops
        back = sum(item.flops for item in work if item.phase == "backward")
        assert back == report.backward_flops


def test_kinds_that_say_nothing_are_element_wise() -> None:
    silent = [
        kind
        for kind in REGISTRY["layer"].values()
        if kind.rehearse is Layer.rehearse and kind.keeps is Layer.keeps
    ]
    other = [kind.name for kind in silent if not issubclass(kind, (Activation, Elementary))]
    assert silent and not other
