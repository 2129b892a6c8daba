"""``msl explain``."""

from __future__ import annotations

from dsl.cli.explain import explain_kind, explain_rule, registry
from dsl.diagnostics.rules import RULES
from tests.cli.conftest import Msl


def test_a_kind(msl: Msl) -> None:
    text = msl("explain", "Linear").stdout
    assert text.startswith("Linear(out_features, bias=true, *, tie, weight, init)   layer\n")
    assert "y = x W^T + b" in text
    assert "  out_features: an int from 1 up; required" in text
    assert "Keras: units." in text


def test_words_of_other_frameworks(msl: Msl) -> None:
    assert msl("explain", "Dense").stdout.startswith("`Dense` is what Keras calls `Linear`.")
    assert msl("explain", "linear").stdout.startswith("Linear(")


def test_a_name_of_two_kinds_explains_both(msl: Msl) -> None:
    text = msl("explain", "MAE").stdout
    assert "   loss\n" in text and "   metric\n" in text


def test_a_rule_by_code_and_by_name(msl: Msl) -> None:
    text = msl("explain", "MSL002").stdout
    assert text.startswith("MSL002 unclosed-bracket (error)")
    assert "This is found:" in text
    assert msl("explain", "unclosed-bracket").stdout == text
    assert msl("explain", "msl002").stdout == text


def test_unknown_words_get_a_hint(msl: Msl) -> None:
    result = msl("explain", "Conv2")
    assert result.exit_code == 2
    assert "did you mean `Conv1d`?" in result.stderr or "did you mean `Conv2d`?" in result.stderr
    assert "lists the kinds" in msl("explain", "qqqqqqq").stderr


def test_layers_of_other_frameworks_get_advice(msl: Msl) -> None:
    result = msl("explain", "DropPath")
    assert result.exit_code == 2
    assert "no layer `DropPath`" in result.stderr
    assert "`StochasticDepth`" in result.stderr


def test_the_overview_names_every_kind(msl: Msl) -> None:
    text = msl("explain").stdout
    assert all(name in text for kinds in registry().values() for name in kinds)


def test_everything_can_be_explained() -> None:
    for kinds in registry().values():
        for kind in kinds.values():
            assert kind.__doc__ and kind.__doc__.split()[0] in explain_kind(kind)
    for rule in RULES.values():
        assert rule.summary in explain_rule(rule)
