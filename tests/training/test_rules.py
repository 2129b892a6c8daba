"""The examples of the catalogue: each rule fires on its own, and only there."""

from __future__ import annotations

import pytest

from dsl.diagnostics.model import Rule
from dsl.diagnostics.rules import training, values
from tests.training.harness import elaborate

RULES = [rule for rule in (*values.RULES, *training.RULES) if rule.bad]
FROM_OUTSIDE = {"MSL460"}


def test_only_what_no_file_can_show_has_no_example():
    everything = {rule.code for rule in (*values.RULES, *training.RULES)}
    assert everything - {rule.code for rule in RULES} == FROM_OUTSIDE


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_it_fires_on_the_bad_example_alone(rule: Rule):
    assert elaborate(rule.bad).codes == [rule.code]
    assert elaborate(rule.good).codes == []
    assert elaborate(rule.near).codes == []
    assert len({rule.bad, rule.good, rule.near}) == 3


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_its_finding_has_a_place(rule: Rule):
    (finding,) = elaborate(rule.bad).diagnostics
    assert finding.primary is not None and finding.primary.span.text.strip()
    assert finding.message[0] != finding.message[0].upper() or finding.message[0] in '`"'
    assert not finding.message.endswith(".")
