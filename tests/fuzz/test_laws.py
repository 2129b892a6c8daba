"""Laws that every valid spec obeys, on random specs; no framework is needed."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

import backends
from dsl.fuzz.choices import Seeded
from dsl.fuzz.laws import draw, hold, hold_text, smallest
from dsl.fuzz.program import Program
from tests.strategies import programs

pytestmark = pytest.mark.slow

WRITERS = [backends.get(name) for name in ("torch", "tensorflow")]


@pytest.mark.parametrize("start", range(0, 240, 20))
def test_specs_are_valid_and_add_up(start: int) -> None:
    for seed in range(start, start + 20):
        program = draw(Seeded(seed))
        breach = hold(program) if program is not None else None
        assert breach is None, (seed, smallest(seed, breach))


@pytest.mark.parametrize("start", range(0, 30, 10))
def test_specs_compile(start: int) -> None:
    for seed in range(start, start + 10):
        program = draw(Seeded(seed))
        breach = hold(program, WRITERS) if program is not None else None
        assert breach is None, (seed, smallest(seed, breach, WRITERS))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs())
def test_any_spec(program: Program) -> None:
    assert hold(program) is None


def test_a_crash_is_a_breach(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError("by test")

    monkeypatch.setattr("dsl.fuzz.laws.estimate", crash)
    breach = hold_text("model N {\n  input x: float32[4]\n  output y = Linear(3)\n}\n")
    assert breach is not None
    assert breach.law.startswith("never crashes: RuntimeError at test_laws.py:")


def test_what_does_not_add_up_is_a_breach(monkeypatch: pytest.MonkeyPatch) -> None:
    program = next(found for seed in range(9) if (found := draw(Seeded(seed))))
    monkeypatch.setattr(
        "dsl.fuzz.laws.flattened",
        lambda _: "model N {\n  input x: float32[4]\n  output y = Linear(999)\n}\n",
    )
    breach = hold(program)
    assert breach is not None
    assert breach.law == "parameters add up"
