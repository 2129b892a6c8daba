"""Published transformers as specs: exact sizes without a framework."""

from __future__ import annotations

from pathlib import Path

import pytest

import dsl
from tests.zoo.table import TRANSFORMERS, Row

ZOO = Path(__file__).resolve().parents[2] / "examples" / "zoo"


@pytest.mark.parametrize("row", TRANSFORMERS, ids=lambda row: row.name)
def test_counts_are_the_published_ones(row: Row) -> None:
    spec = dsl.load(str(ZOO / f"{row.file}.msl"), model=row.model, define=row.define)
    assert [(item.rule.code, item.message) for item in spec.diagnostics] == []
    cost = spec.cost()
    assert cost.params == row.params
    assert cost.active == (row.active or row.params)
    assert row.flops in (None, cost.flops)
    sizes = {layer.path: layer.output.sized(cost.symbols).shape for layer in cost.layers}
    assert {path: sizes.get(path) for path in row.shapes} == row.shapes


def test_shared_layer_of_albert_counts_once() -> None:
    path = str(ZOO / "albert.msl")
    once, often = (dsl.load(path, define={"depth": depth}).cost() for depth in ("1", "12"))
    assert once.params == often.params
    assert once.flops < often.flops
