"""Hypothesis strategies: random specs that are valid, and damaged copies of them."""

from __future__ import annotations

from hypothesis import assume
from hypothesis import strategies as st

from dsl.fuzz.choices import Choices
from dsl.fuzz.laws import draw
from dsl.fuzz.mutations import damaged
from dsl.fuzz.program import Program


class Drawn(Choices):
    """Decisions that Hypothesis takes, and knows how to shrink.

    Args:
        draw: What a composite strategy is given.
    """

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))


@st.composite
def programs(draw_: st.DrawFn) -> Program:
    """Valid specs, as `msl fuzz` draws them."""
    program = draw(Drawn(draw_))
    assume(program is not None)
    assert program is not None
    return program


@st.composite
def damaged_texts(draw_: st.DrawFn, text: str) -> str:
    """Copies of a text with a few slips."""
    return damaged(Drawn(draw_), text)
