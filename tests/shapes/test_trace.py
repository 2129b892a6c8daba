"""Formulas that values carry: arithmetic, simplification, values, texts."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from dsl.shapes.trace import (
    AUTO,
    Auto,
    Expr,
    Traced,
    TracedAuto,
    TracedBool,
    TracedFloat,
    TracedInt,
    TracedList,
    TracedStr,
    combine,
    evaluate_expr,
    formula,
    items,
    knowing,
    names_in,
    plain,
    render,
    substitute,
    traced,
    whole,
)

A, B = Expr("name", "a"), Expr("name", "b")
SIX, FOUR = TracedInt(6, A), TracedInt(4, B)


@pytest.mark.parametrize(
    ("compute", "value", "text"),
    [
        (lambda: SIX + FOUR, 10, "a + b"),
        (lambda: SIX + 1, 7, "a + 1"),
        (lambda: 1 + SIX, 7, "1 + a"),
        (lambda: SIX - 1, 5, "a - 1"),
        (lambda: 1 - SIX, -5, "1 - a"),
        (lambda: SIX * 3, 18, "a * 3"),
        (lambda: 3 * SIX, 18, "3 * a"),
        (lambda: SIX // FOUR, 1, "a // b"),
        (lambda: 20 // SIX, 3, "20 // a"),
        (lambda: SIX % FOUR, 2, "a % b"),
        (lambda: 20 % SIX, 2, "20 % a"),
        (lambda: -SIX, -6, "-a"),
        (lambda: (SIX + 1) * 2, 14, "(a + 1) * 2"),
    ],
)
def test_arithmetic_keeps_the_formula(
    compute: Callable[[], TracedInt], value: int, text: str
) -> None:
    result = compute()
    assert result == value
    assert render(result.expr) == text
    assert evaluate_expr(result.expr, {"a": 6, "b": 4}) == value


def test_what_arithmetic_does_not_know_is_left_to_the_other_side() -> None:
    assert SIX + 0.5 == 6.5 and not isinstance(SIX + 0.5, Traced)
    assert hash(SIX) == hash(6) and {6: "x"}[SIX] == "x"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (3, TracedInt),
        (2.5, TracedFloat),
        ("same", TracedStr),
        (True, TracedBool),
        (TracedBool(False, A), TracedBool),
        ((1, 2), TracedList),
        (AUTO, TracedAuto),
    ],
)
def test_values_of_each_type_are_traced(value: Any, kind: type) -> None:
    made = traced(value, B)
    assert type(made) is kind
    assert made == value and formula(made) == B
    assert plain(made) == plain(value) and not isinstance(plain(made), Traced)
    assert type(plain(made)) is type(plain(value))


def test_constant_formulas_and_other_types_stay_as_they_are() -> None:
    assert type(traced(3, 3)) is int
    assert traced(None, A) is None
    assert formula(3) == 3
    assert plain((SIX, (FOUR, "x"))) == (6, (4, "x"))
    assert [type(item) for item in plain((SIX, 1.5))] == [int, float]
    assert plain(True) is True
    assert plain(None) is None


def test_auto_is_one_value() -> None:
    assert Auto() == AUTO and hash(AUTO) == hash(Auto()) and repr(AUTO) == "auto"
    assert TracedAuto(AUTO, A) == AUTO and AUTO != "auto"
    assert plain(TracedAuto(AUTO, A)) is AUTO


def test_formulas_are_equal_by_what_they_say() -> None:
    assert Expr("+", A, 1) == Expr("+", A, 1) != Expr("+", A, 2)
    assert Expr("+", A, 1) != Expr("-", A, 1) and A != "a"
    assert hash(Expr("+", A, 1)) == hash(Expr("+", A, 1))
    assert repr(Expr("+", A, 1)) == "a + 1"


@pytest.mark.parametrize(
    ("op", "left", "right", "text"),
    [
        ("+", A, 0, "a"),
        ("+", 0, A, "a"),
        ("-", A, 0, "a"),
        ("-", 0, A, "0 - a"),
        ("+", A, B, "a + b"),
        ("+", A, A, "2 * a"),
        ("+", Expr("*", 2, A), A, "3 * a"),
        ("+", Expr("*", A, 2), A, "a * 2 + a"),
        ("+", Expr("*", 2, A), B, "2 * a + b"),
        ("+", Expr("//", 2, A), A, "2 // a + a"),
        ("+", A, Expr("*", 2, A), "a + 2 * a"),
        ("+", A, 3, "a + 3"),
        ("+", A, -3, "a - 3"),
        ("-", A, 3, "a - 3"),
        ("-", A, -3, "a + 3"),
        ("+", Expr("+", A, 3), 4, "a + 7"),
        ("-", Expr("+", A, 3), 4, "a - 1"),
        ("+", Expr("-", A, 3), 4, "a + 1"),
        ("-", Expr("-", A, 3), 4, "a - 7"),
        ("-", Expr("+", A, 3), 3, "a"),
        ("+", Expr("+", A, B), 3, "a + b + 3"),
        ("+", Expr("*", A, 3), 4, "a * 3 + 4"),
        ("*", A, 1, "a"),
        ("*", 1, A, "a"),
        ("*", A, 0, "a * 0"),
        ("*", A, True, "a * True"),
        ("//", A, 1, "a"),
        ("**", A, 1, "a"),
        ("/", A, 1, "a / 1"),
        ("%", A, 1, "a % 1"),
        ("//", 1, A, "1 // a"),
        ("//", Expr("*", 4, A), 2, "2 * a"),
        ("//", Expr("*", 4, A), 4, "a"),
        ("//", Expr("*", 4, A), 3, "4 * a // 3"),
        ("//", Expr("*", 4, A), 8, "4 * a // 8"),
        ("//", Expr("*", A, 4), 2, "a * 4 // 2"),
        ("//", Expr("*", 4, A), 0, "4 * a // 0"),
        ("//", Expr("+", 4, A), 2, "(4 + a) // 2"),
        ("%", Expr("*", 4, A), 2, "4 * a % 2"),
        ("and", A, True, "a"),
        ("and", True, A, "a"),
        ("and", A, False, "False"),
        ("and", False, A, "False"),
        ("or", A, False, "a"),
        ("or", False, A, "a"),
        ("or", A, True, "True"),
        ("or", True, A, "True"),
        ("and", A, B, "a and b"),
        ("or", A, B, "a or b"),
    ],
)
def test_formulas_are_simplified(op: str, left: Any, right: Any, text: str) -> None:
    assert render(combine(op, left, right)) == text


@pytest.mark.parametrize(
    ("op", "left", "right", "value"),
    [
        ("+", 7, 2, 9),
        ("-", 7, 2, 5),
        ("*", 7, 2, 14),
        ("/", 7, 2, 3.5),
        ("/", 8, 2, 4),
        ("/", 8.0, 2, 4.0),
        ("//", 7, 2, 3),
        ("%", 7, 2, 1),
        ("**", 7, 2, 49),
        ("==", 7, 2, False),
        ("!=", 7, 2, True),
        ("<", 2, 2, False),
        ("<=", 2, 2, True),
        (">", 2, 2, False),
        (">=", 2, 2, True),
        ("in", 2, (1, 2), True),
        ("not in", 2, (1, 2), False),
        ("and", True, False, False),
        ("or", True, False, True),
    ],
)
def test_constants_are_computed(op: str, left: Any, right: Any, value: Any) -> None:
    result = combine(op, left, right)
    assert result == value and type(result) is type(value)
    assert evaluate_expr(Expr(op, A, B), {"a": left, "b": right}) == value


def test_dividing_integers_by_zero_is_as_in_python() -> None:
    with pytest.raises(ZeroDivisionError):
        combine("/", 4, 0)


CHOICE = Expr("if", A, Expr(">", B, 1), 0)
XS = Expr("name", "xs")


@pytest.mark.parametrize(
    ("expr", "text", "value"),
    [
        (Expr("neg", A), "-a", -6),
        (Expr("neg", Expr("+", A, B)), "-(a + b)", -10),
        (Expr("not", Expr("==", A, B)), "not a == b", True),
        (Expr("not", Expr("and", A, B)), "not (a and b)", False),
        (CHOICE, "a if b > 1 else 0", 6),
        (Expr("+", CHOICE, 1), "(a if b > 1 else 0) + 1", 7),
        (
            Expr("if", CHOICE, True, CHOICE),
            "(a if b > 1 else 0) if True else (a if b > 1 else 0)",
            6,
        ),
        (Expr("index", XS, 1), "xs[1]", 3),
        (Expr("index", Expr("+", XS, XS), A), "(xs + xs)[a]", 5),
        (Expr("slice", XS, 1, None, None), "xs[1:]", (3, 5, 7)),
        (Expr("slice", XS, None, 2, None), "xs[:2]", (2, 3)),
        (Expr("slice", XS, None, None, -1), "xs[::-1]", (7, 5, 3, 2)),
        (Expr("slice", XS, 3, 0, -2), "xs[3:0:-2]", (7, 3)),
        (Expr("list", A, 1), "(a, 1)", (6, 1)),
        (Expr("list", A), "(a,)", (6,)),
        (Expr("call", "max", A, B), "max(a, b)", 6),
        (Expr("call", "min", A, B), "min(a, b)", 4),
        (Expr("call", "sum", XS), "sum(xs)", 17),
        (Expr("call", "len", XS), "len(xs)", 4),
        (Expr("call", "abs", Expr("neg", A)), "abs(-a)", 6),
        (Expr("call", "round", Expr("/", A, B)), "round(a / b)", 2),
        (Expr("call", "ceil", Expr("/", A, B)), "ceil(a / b)", 2),
        (Expr("call", "floor", Expr("/", A, B)), "floor(a / b)", 1),
        (Expr("call", "sqrt", B), "sqrt(b)", 2.0),
        (Expr("call", "log", A), "log(a)", math.log(6)),
        (Expr("-", A, Expr("-", B, 1)), "a - (b - 1)", 3),
        (Expr("-", Expr("-", A, B), 1), "a - b - 1", 1),
        (Expr("*", Expr("+", A, B), 2), "(a + b) * 2", 20),
        (Expr("//", A, Expr("*", B, 2)), "a // (b * 2)", 0),
        (Expr("**", Expr("neg", A), 2), "(-a) ** 2", 36),
        (Expr("**", -3, A), "(-3) ** a", 729),
        (Expr("**", A, Expr("**", B, 2)), "a ** b ** 2", 6**16),
        (Expr("**", Expr("**", A, B), 2), "(a ** b) ** 2", 6**8),
        (Expr("**", A, Expr("neg", B)), "a ** -b", 6**-4),
        (Expr("neg", Expr("**", A, 2)), "-a ** 2", -36),
        (Expr("*", A, -3), "a * -3", -18),
        (Expr("or", Expr("and", A, B), False), "a and b or False", 4),
        (Expr("and", Expr("or", A, B), True), "(a or b) and True", True),
        (Expr("==", Expr("<", A, B), False), "a < b == False", True),
        (Expr("<", A, Expr("+", B, 3)), "a < b + 3", True),
        (Expr("in", A, XS), "a in xs", False),
        (Expr("not in", A, XS), "a not in xs", True),
        (Expr("!=", A, B), "a != b", True),
    ],
)
def test_values_and_texts(expr: Expr, text: str, value: Any) -> None:
    assert render(expr) == text
    assert evaluate_expr(expr, {"a": 6, "b": 4, "xs": (2, 3, 5, 7)}) == value


def test_only_the_way_taken_is_computed() -> None:
    choice = Expr("if", A, Expr("name", "c"), Expr("name", "missing"))
    assert evaluate_expr(choice, {"a": 1, "c": True}) == 1
    with pytest.raises(KeyError):
        evaluate_expr(choice, {"a": 1, "c": False})


def test_auto_is_compared_by_identity() -> None:
    def literal(value: Any) -> str:
        return "None" if value == AUTO else repr(value)

    assert render(Expr("==", A, AUTO), literal=literal) == "a is None"
    assert render(Expr("!=", A, AUTO), literal=literal) == "a is not None"
    assert render(Expr("+", A, AUTO), literal=literal) == "a + None"


def test_names_literals_and_functions_are_written_as_asked() -> None:
    expr = Expr("call", "ceil", Expr("index", XS, Expr("+", A, 1)))
    text = render(expr, lambda name: f"self.{name}", lambda value: f"<{value}>", "math.{}".format)
    assert text == "math.ceil(self.xs[self.a + <1>])"
    listed = Expr("list", Expr("slice", XS, A, 2, None), Expr("if", A, B, 2))
    text = render(listed, lambda name: f"self.{name}", lambda value: f"<{value}>")
    assert text == "(self.xs[self.a:<2>], self.a if self.b else <2>)"


def test_names_and_their_replacement() -> None:
    expr = Expr("if", Expr("+", A, 1), Expr("==", B, 2), Expr("index", XS, 0))
    assert names_in(expr) == {"a", "b", "xs"} and names_in(4) == set()
    assert render(substitute(expr, {"a": 3, "xs": Expr("name", "ys")})) == "4 if b == 2 else ys[0]"
    assert render(substitute(expr, {"b": 2})) == "a + 1"
    assert render(substitute(expr, {"b": 3})) == "xs[0]"
    assert substitute(Expr("not", A), {"a": False}) is True
    assert substitute(Expr("not", A), {"b": False}) == Expr("not", A)
    assert substitute(Expr("neg", A), {"a": B}) == Expr("neg", B)
    assert substitute(7, {"a": 1}) == 7


def test_what_is_known_to_be_auto_settles_comparisons() -> None:
    unset, is_set = Expr("==", A, AUTO), Expr("!=", A, AUTO)
    choice = Expr("if", B, unset, A)
    assert knowing(unset, {"a": False}) is True and knowing(is_set, {"a": False}) is False
    assert knowing(unset, {"a": True}) is False and knowing(is_set, {"a": True}) is True
    assert knowing(unset, {"b": True}) == unset
    assert knowing(choice, {"a": False}) == B
    assert knowing(choice, {"a": True}) == A
    assert knowing(A, {"a": False}) == AUTO and knowing(A, {}) == A and knowing(3, {}) == 3


def test_items_of_lists() -> None:
    xs = TracedList((2, 3), XS)
    assert [render(formula(item)) for item in items(xs)] == ["xs[0]", "xs[1]"]
    written = TracedList((6, 1), Expr("list", A, 1))
    first, second = items(written)
    assert formula(first) == A and formula(second) == 1
    chosen = TracedList((6, 1), Expr("if", Expr("list", A, 1), B, (8, 9)))
    assert [render(formula(item)) for item in items(chosen)] == ["a if b else 8", "1 if b else 9"]
    assert items((1, 2)) == (1, 2)
    assert whole(items(xs)) == (2, 3) and formula(whole(items(xs))) == XS
    assert type(whole(items(xs))[0]) is int


def test_some_items_are_not_the_whole_list() -> None:
    first, second = items(TracedList((2, 3), XS))
    for values in [(second, first), (first, 3), (second,), (1, 2), (), (SIX, FOUR)]:
        assert whole(values) is values
