"""Sizes as polynomials: exact arithmetic, values, texts."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product as pairs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsl.shapes.dim import FloorDiv, Poly, evaluate, product, symbol, symbols

T, S = symbol("t"), symbol("s")
AT = {"t": 12, "s": 5}

TEXTS = [
    (lambda: T, "t", 12),
    (lambda: T + 1, "t + 1", 13),
    (lambda: 1 + T, "t + 1", 13),
    (lambda: T - 3, "t - 3", 9),
    (lambda: 3 - T, "-t + 3", -9),
    (lambda: -T, "-t", -12),
    (lambda: T * 2 - T, "t", 12),
    (lambda: 3 * T * S - 2 * S, "3 * s * t - 2 * s", 170),
    (lambda: S * T * T + T * S, "s * t * t + s * t", 780),
    (lambda: T + S, "s + t", 17),
    (lambda: (T + 1) * (S - 1), "s * t + s - t - 1", 52),
    (lambda: (4 * T + 8) // 4, "t + 2", 14),
    (lambda: (4 * T + 9) // 4, "t + 2", 14),
    (lambda: (4 * T - 1) // 4, "t - 1", 11),
    (lambda: T // 1, "t", 12),
    (lambda: T // 5, "(t // 5)", 2),
    (lambda: (T + 1) // 2, "((t + 1) // 2)", 6),
    (lambda: (2 * T + S + 1) // 2, "((s + 1) // 2) + t", 15),
    (lambda: (2 * T + 3 * S) // 2, "((3 * s) // 2) + t", 19),
    (lambda: 2 * (T // 5) + 1, "2 * (t // 5) + 1", 5),
    (lambda: T // S, "(t // s)", 2),
    (lambda: T // (S + 1), "(t // (s + 1))", 2),
    (lambda: T // (2 * S), "(t // (2 * s))", 1),
    (lambda: (T * S) // S, "((s * t) // s)", 12),
    (lambda: 100 // T, "(100 // t)", 8),
    (lambda: 1 // T, "(1 // t)", 0),
    (lambda: T // 5 // 2, "((t // 5) // 2)", 1),
    (lambda: T * T // (S * T), "((t * t) // (s * t))", 2),
    (lambda: T // (-5), "(t // -5)", -3),
]


@pytest.mark.parametrize(("formula", "text", "value"), TEXTS)
def test_text_and_value(formula: Callable[[], Poly], text: str, value: int) -> None:
    dim = formula()
    assert str(dim) == text
    assert evaluate(dim, AT) == value


def test_what_holds_no_symbol_any_more_is_a_plain_number() -> None:
    assert type(T - T) is int and T - T == 0
    assert type(T + 4 - T) is int and T + 4 - T == 4
    assert type(T * 0) is int and T * 0 == 0
    assert T // T == 1 and (T + S) // (S + T) == 1
    assert evaluate(7, {}) == 7 and symbols(7) == set()


def test_equal_sizes_are_equal_however_they_came_about() -> None:
    assert T * S == S * T
    assert (T + S) * 2 == 2 * S + 2 * T
    assert hash(T + S) == hash(S + T)
    assert T // 2 + S == S + T // 2
    assert T != S and T != T + 1 and T != "t"
    assert hash(T // 2) == hash(symbol("t") // 2)
    assert T // 2 != T // 3
    assert len({T // 2, symbol("t") // 2, T // 3}) == 2
    assert FloorDiv(T, 2) != "(t // 2)"


def test_symbols_are_found_inside_of_divisions() -> None:
    assert symbols(T * S + 1) == {"t", "s"}
    assert symbols((T + 1) // 2) == {"t"}
    assert symbols(T // 2 + S // 2) == {"t", "s"}
    assert symbols(symbol("a") // (symbol("b") + 1) + symbol("c")) == {"a", "b", "c"}


def test_other_types_do_not_mix_in() -> None:
    with pytest.raises(TypeError):
        T + "1"
    with pytest.raises(TypeError):
        T * 1.5
    with pytest.raises(KeyError):
        evaluate(T, {"s": 1})


def test_a_shape_has_the_product_of_its_sizes() -> None:
    assert product(()) == 1
    assert product((3, 4)) == 12
    assert product((3, T, 2)) == 6 * T


def test_it_shows_what_it_is() -> None:
    assert repr(T + 1) == "Poly(t + 1)"


SIZES = st.integers(-9, 9)


@given(SIZES, SIZES, SIZES, st.integers(1, 9), st.integers(1, 30), st.integers(1, 30))
def test_arithmetic_is_that_of_the_values(
    a: int, b: int, c: int, divisor: int, t: int, s: int
) -> None:
    at = {"t": t, "s": s}
    left, right = a * T + b * S + c, b * T - c
    x, y = a * t + b * s + c, b * t - c
    for dim, value in [
        (left + right, x + y), (left - right, x - y), (left * right, x * y),
        (left // divisor, x // divisor), ((left * right) // divisor, (x * y) // divisor),
        (c - left, c - x), (-left, -x),
    ]:  # fmt: skip
        assert evaluate(dim, at) == value


def test_divisions_of_all_small_sums_are_exact() -> None:
    for a, b, divisor in pairs(range(-4, 5), range(-4, 5), range(1, 5)):
        for t in range(1, 9):
            assert evaluate((a * T + b) // divisor, {"t": t}) == (a * t + b) // divisor
