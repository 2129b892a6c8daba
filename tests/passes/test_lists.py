"""Lists: sliced, joined and repeated."""

from __future__ import annotations

import pytest

import dsl
from dsl.shapes.trace import Expr, evaluate_expr, render
from tests.passes.finding import found, net, value

XS = "let xs = [2, 3, 5, 7]"


@pytest.mark.parametrize(
    ("part", "items"),
    [
        ("xs[1:]", [3, 5, 7]),
        ("xs[:2]", [2, 3]),
        ("xs[-2:]", [5, 7]),
        ("xs[:-1]", [2, 3, 5]),
        ("xs[1:3]", [3, 5]),
        ("xs[::2]", [2, 5]),
        ("xs[::-1]", [7, 5, 3, 2]),
        ("xs[3:0:-2]", [7, 3]),
        ("xs[2:100]", [5, 7]),
        ("xs[1:][0:1]", [3]),
        ("xs + [11]", [2, 3, 5, 7, 11]),
        ("[1] + xs[:1] + [4]", [1, 2, 4]),
        ("[4] * 3", [4, 4, 4]),
        ("2 * [1, 2]", [1, 2, 1, 2]),
        ("[9] * 0 + [1]", [1]),
    ],
)
def test_values(part: str, items: list[int]) -> None:
    assert value(f"1 if {part} == {items} else 2", above=XS) == 1


@pytest.mark.parametrize(
    ("expression", "finding"),
    [
        ("xs[4]", ("MSL210", "xs[4]")),
        ("xs[1:true][0]", ("MSL206", "true")),
        ("xs[::0][0]", ("MSL206", "0")),
        ("7[1:]", ("MSL206", "7")),
        ("(xs + 1)[0]", ("MSL206", "xs + 1")),
        ("(xs - xs)[0]", ("MSL206", "xs - xs")),
        ("(xs * -1)[0]", ("MSL206", "xs * -1")),
        ("(xs * xs)[0]", ("MSL206", "xs * xs")),
        ("([1] * 10_001)[0]", ("MSL209", "[1] * 10_001")),
        ("([1] * 10_000 + [1])[0]", ("MSL209", "[1] * 10_000 + [1]")),
    ],
)
def test_mistakes(expression: str, finding: tuple[str, str]) -> None:
    text = net(f"output y = Linear({expression} + len(xs))", above=XS)
    assert found(text) == [finding]


def test_two_colons_are_a_slice_in_brackets_only() -> None:
    assert found("param n:: int = 3\n" + net("output y = Linear(n)"))[0] == ("MSL016", "::")


def test_formulas_of_lists() -> None:
    xs = Expr("name", "xs")
    part = Expr("slice", xs, 1, None, None)
    assert render(part) == "xs[1:]"
    assert render(Expr("slice", Expr("+", xs, (1,)), None, -1, 2)) == "(xs + (1,))[:-1:2]"
    assert render(Expr("+", Expr("list", Expr("name", "n")), xs)) == "(n,) + xs"
    assert evaluate_expr(part, {"xs": (1, 2, 3)}) == (2, 3)


def test_code_says_how_a_list_follows_from_parameters() -> None:
    text = """
    let base = [16, 32]
    block Stack(widths: list[int]) { repeat widths as w { Linear(w) -> ReLU } }
    model Net(first: int = 8, others: list[int] = [4, 6]) {
      input x: float32[8]
      Stack([first, 12] + base[::-1])
      Stack(others)
      output y = Linear(2)
    }
    """
    code = dsl.loads(text).compile("torch")
    assert "Stack(8, (first, 12) + BASE[::-1])" in code
    assert "others)" in code and "def __init__(self, first=8, others=(4, 6)):" in code
