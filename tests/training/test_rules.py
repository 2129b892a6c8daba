"""The examples of the catalogue: each rule fires on its own, and only there."""

from __future__ import annotations

import pytest

from dsl.diagnostics.model import Rule
from dsl.diagnostics.rules import training, values
from tests.training.harness import elaborate

FROM_OUTSIDE = {"MSL460": {"schedule.warmup": "500"}}
"""Overrides from outside, for examples that are wrong only with them."""

RULES = (*values.RULES, *training.RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_it_fires_on_the_bad_example_alone(rule: Rule):
    assert elaborate(rule.bad, FROM_OUTSIDE.get(rule.code)).codes == [rule.code]
    assert elaborate(rule.good, FROM_OUTSIDE.get(rule.code)).codes == []
    assert elaborate(rule.near, FROM_OUTSIDE.get(rule.code)).codes == []
    assert len({rule.bad, rule.good, rule.near}) == 3


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_its_finding_has_a_place(rule: Rule):
    (finding,) = elaborate(rule.bad, FROM_OUTSIDE.get(rule.code)).diagnostics
    assert finding.primary is not None and finding.primary.span.text.strip()
    assert finding.message[0] != finding.message[0].upper() or finding.message[0] in '`"'
    assert not finding.message.endswith(".")
