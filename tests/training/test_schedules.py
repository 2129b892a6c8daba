"""Schedules against values worked out by hand from their formulas."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsl.kinds.kind import REGISTRY, KindError
from dsl.kinds.values import BadValue, Quantity
from dsl.training.schedules import (
    Constant,
    Cosine,
    Exponential,
    Linear,
    Step,
    check_floor,
    span_steps,
)


def epochs(number: float) -> Quantity:
    return Quantity(number, "epochs")


def test_warmup_rises_in_equal_steps_to_the_full_rate():
    schedule = Constant.make(4)
    assert [schedule.factor(step, 10) for step in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]


def test_step_falls_at_once():
    schedule = Step.make(3, 0.5)
    assert [schedule.factor(step, 10) for step in range(7)] == [1, 1, 1, 0.5, 0.5, 0.5, 0.25]


def test_step_counts_from_the_end_of_the_warmup():
    schedule = Step.make(2, warmup=2)
    factors = [schedule.factor(step, 10) for step in range(6)]
    assert factors == pytest.approx([0.5, 1, 1, 1, 0.1, 0.1])


def test_exponential_falls_by_gamma_in_each_epoch():
    schedule = Exponential.make(0.25)
    factors = [schedule.factor(step, 100, steps_per_epoch=2) for step in range(5)]
    assert factors == pytest.approx([1, 0.5, 0.25, 0.125, 0.0625])


def test_cosine_passes_the_middle_and_ends_at_its_floor():
    schedule = Cosine.make(min_lr=0.1)
    assert schedule.factor(0, 8, lr=1.0) == 1
    assert schedule.factor(4, 8, lr=1.0) == pytest.approx(0.55)
    assert schedule.factor(2, 8, lr=1.0) == pytest.approx(0.1 + 0.9 * (1 + math.sqrt(0.5)) / 2)
    assert schedule.factor(8, 8, lr=1.0) == pytest.approx(0.1)
    assert schedule.factor(99, 8, lr=1.0) == pytest.approx(0.1)


def test_min_lr_is_a_rate_not_a_factor():
    assert Cosine.make(min_lr=3e-5).factor(10, 10, lr=3e-4) == pytest.approx(0.1)
    assert Linear.make(min_lr=3e-5).factor(10, 10, lr=3e-4) == pytest.approx(0.1)


def test_linear_after_a_warmup():
    schedule = Linear.make(2)
    factors = [schedule.factor(step, 6) for step in range(7)]
    assert factors == pytest.approx([0.5, 1, 1, 0.75, 0.5, 0.25, 0])


def test_spans():
    assert span_steps(500, 1000, 10) == 500
    assert span_steps(0.1, 1000, 10) == 100
    assert span_steps(epochs(5), 1000, 12.5) == 63
    assert span_steps(epochs(0.5), 1000, 3) == 2


@pytest.mark.parametrize("span", [-1, 1.0, 1.5, Quantity(3, "s"), Quantity(3, "B"), True, "3"])
def test_what_is_no_span(span: object):
    with pytest.raises(BadValue):
        Constant.make(span)


@pytest.mark.parametrize("span", [0, 0.0, epochs(0)])
def test_a_fall_needs_a_stretch(span: object):
    with pytest.raises(BadValue):
        Step.make(span)


def test_a_floor_above_the_rate_is_refused():
    check_floor(Cosine.make(min_lr=1e-3), 1e-3)
    check_floor(Constant.make(), 0.0)
    with pytest.raises(KindError, match="above"):
        check_floor(Cosine.make(min_lr=1e-2), 1e-3)


EXAMPLES = {"Step": {"step_size": 7}, "Exponential": {"gamma": 0.9}}


@given(
    st.sampled_from(sorted(REGISTRY["schedule"])),
    st.one_of(st.integers(0, 50), st.floats(0, 0.99), st.integers(0, 5).map(epochs)),
    st.integers(1, 300),
)
def test_factors_stay_between_zero_and_one(name: str, warmup: object, total: int):
    schedule = REGISTRY["schedule"][name].make(warmup=warmup, **EXAMPLES.get(name, {}))
    factors = [schedule.factor(step, total, 0.1, 9) for step in range(total)]
    assert all(0 <= factor <= 1 for factor in factors)
    begin = min(span_steps(schedule.warmup, total, 9), total)
    assert factors[:begin] == sorted(factors[:begin])
    assert factors[begin:] == sorted(factors[begin:], reverse=True)
