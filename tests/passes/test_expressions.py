"""Expressions: their values, and what they refuse."""

from __future__ import annotations

import pytest

from tests.passes.finding import compiled, found, net, value

LETS = """
let n = 7
let xs = [2, 3, 5, 7]
let word = "same"
let flag = true
"""


def above(expression: str) -> str:
    """A block that gives its argument's value a formula, so that it is computed on traced sizes."""
    return f"{LETS}\nblock Sized(n: int, xs: list[int], flag: bool) {{ Linear({expression}) }}\n"


VALUES = [
    ("n + 1", 8),
    ("+n", 7),
    ("-n + 10", 3),
    ("n // 2", 3),
    ("n % 4", 3),
    ("2 ** 3", 8),
    ("14 / 2", 7),
    ("xs[1]", 3),
    ("xs[n - 4]", 7),
    ("xs[-1]", 7),
    ("len(xs)", 4),
    ("sum(xs)", 17),
    ("max(xs)", 7),
    ("min(n, 3)", 3),
    ("abs(-n)", 7),
    ("round(6.6)", 7),
    ("ceil(6.2)", 7),
    ("floor(7.9)", 7),
    ("4 if 3 in xs else 5", 4),
    ("4 if 4 not in xs else 5", 4),
    ("4 if 4 in xs else 5", 5),
    ("4 if not flag else 5", 5),
    ("4 if n > 3 and flag else 5", 4),
    ("4 if n < 3 or not flag else 5", 5),
    ("4 if n == 7 else 5", 4),
    ("4 if n != 7 else 5", 5),
    ("4 if n >= 8 else 5", 5),
    ("4 if n <= 7 else 5", 4),
]


@pytest.mark.parametrize(("expression", "result"), VALUES)
def test_values(expression: str, result: int) -> None:
    assert value(expression, LETS) == result


@pytest.mark.parametrize(("expression", "result"), VALUES)
def test_values_in_blocks(expression: str, result: int) -> None:
    text = net("output y = Sized(n, xs, flag)", above=above(expression))
    model = compiled(text).model
    assert model is not None, found(text)
    assert model.body.outputs[0].value.type.shape == (result,)


def test_what_a_value_says_of_itself() -> None:
    text = """
model Net {
  input x: float32[3, 8, 6]
  x -> Flatten
  output y = Linear(x.rank + x.channels + x.height)
}
"""
    assert found(text) == []


@pytest.mark.parametrize(
    ("expression", "code", "words"),
    [
        ("3 in n", "MSL206", "3 in n"),
        ("n + word", "MSL206", "word"),
        ("-word", "MSL206", "word"),
        ("n // 0", "MSL208", "n // 0"),
        ("n % 0", "MSL208", "n % 0"),
        ("10 ** 1000", "MSL209", "10 ** 1000"),
        ("(0 - 8) ** 0.5", "MSL208", "(0 - 8) ** 0.5"),
        ("sqrt(0 - 1)", "MSL206", "sqrt(0 - 1)"),
        ("n[0]", "MSL206", "n[0]"),
        ("xs[1, 2]", "MSL206", "xs[1, 2]"),
        ("xs[1.5]", "MSL206", "1.5"),
        ("xs[9]", "MSL210", "xs[9]"),
        ("max(word, 1)", "MSL206", "max(word, 1)"),
    ],
)
def test_refused(expression: str, code: str, words: str) -> None:
    text = net(f"output y = Linear({expression})", above=LETS)
    assert found(text) == [(code, words)]
