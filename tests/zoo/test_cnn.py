"""Published convolutional networks as specs: exact sizes without a framework."""

from __future__ import annotations

import pytest

import dsl
from dsl.cost.report import CostReport
from tests.conftest import EXAMPLES
from tests.zoo.table import CONVOLUTIONAL, Row

pytestmark = pytest.mark.slow

ZOO = EXAMPLES / "zoo"


def cost(row: Row) -> CostReport:
    """What a row's spec costs, once it is free of findings."""
    spec = dsl.load(str(ZOO / f"{row.file}.msl"), model=row.model, define=row.define)
    assert [(item.rule.code, item.message) for item in spec.diagnostics] == []
    return spec.cost()


@pytest.mark.parametrize("row", CONVOLUTIONAL, ids=lambda row: row.name)
def test_counts_are_the_published_ones(row: Row) -> None:
    found = cost(row)
    assert found.params == row.params
    assert row.flops in (None, found.flops)
    sizes = {layer.path: layer.output.sized(found.symbols).shape for layer in found.layers}
    assert {path: sizes.get(path) for path in row.shapes} == row.shapes
