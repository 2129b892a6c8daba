"""Texts that the grammar allows, of any meaning: findings with a place, or a model that costs."""

from __future__ import annotations

import lark
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark

from dsl.fuzz.laws import hold_text
from dsl.kinds.kind import REGISTRY
from grammar import read_grammar

pytestmark = pytest.mark.slow

KINDS = sorted({name for kinds in REGISTRY.values() for name in kinds})
NAMES = (
    "x y h width channels features time input dim bias i train lr epochs float32 max len".split()
)
NUMBERS = "0 1 2 3 8 0.5 1e-3 12M 8GiB 5epochs 200ms 1e309 99999999999999999999 1_000".split()


def words(values: list[str]) -> st.SearchStrategy[str]:
    """Words that touch no others."""
    return st.sampled_from([f" {value} " for value in values])


TEXTS = from_lark(
    lark.Lark(read_grammar(), parser="lalr", start="file"),
    explicit={
        "NAME": words(NAMES), "KIND": words(["Net", "Unit", *KINDS]), "NUMBER": words(NUMBERS),
        "STRING": words(['"x"', '"same"', '""', '"\\\\n"']), "_NL": st.just("\n"),
        "BROKEN": words(["model {", "let = 3", "x x", ")"]), "COMMENT": st.just("# note\n"),
    },
)  # fmt: skip


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(TEXTS)
def test_any_file_of_the_grammar(text: str) -> None:
    assert hold_text(text) is None


BODIES = from_lark(
    lark.Lark(read_grammar(), parser="lalr", start="chain"),
    explicit={
        "NAME": words(NAMES), "KIND": words(["Unit", *KINDS]), "NUMBER": words(NUMBERS),
        "STRING": words(['"x"', '"same"']), "_NL": st.just("\n"), "BROKEN": words(["x x"]),
        "COMMENT": st.just("# note\n"),
    },
)  # fmt: skip


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(BODIES, min_size=1, max_size=3))
def test_any_body_of_the_grammar(chains: list[str]) -> None:
    body = "\n".join(chains)
    head = "block Unit(n: int = 2) {\n  Linear(n)\n}\n"
    text = f"{head}model Net {{\n  input x: float32[4]\n{body}\n  output y\n}}\n"
    assert hold_text(text) is None
