"""The names of a repeat, and the name that it gives."""

from __future__ import annotations

import pytest

from tests.passes.finding import compiled, found, keys, net

ROWS = "[[4, 1], [6, 2]]"


def shapes(*lines: str) -> list[tuple[int, ...]]:
    """The shape of every weight matrix of a model, in order."""
    from dsl.ir import weight_keys

    model = compiled(net(*lines)).model
    assert model is not None, found(net(*lines))
    return [item.weight.shape for item in weight_keys(model.body.nodes) if item.key[-1] == "t"]


@pytest.mark.parametrize(
    ("names", "size", "widths"),
    [
        ("i, (a, b)", "100 * i + 10 * a + b", [41, 162]),
        ("i, (_, _)", "i + 1", [1, 2]),
        ("_, a", "a", [1, 2]),
        ("i, (row)", "i + row[0]", [4, 7]),
        ("row", "row[1]", [1, 2]),
    ],
)
def test_names(names: str, size: str, widths: list[int]) -> None:
    lines = f"repeat {ROWS} as {names} {{ Linear({size}, bias=false) }}", "output y = Tanh"
    assert [shape[0] for shape in shapes(*lines)] == widths


def test_an_index_beside_single_values() -> None:
    lines = "repeat [4, 5] as i, (n) { Linear(n + i, bias=false) }", "output y = Tanh"
    assert [shape[0] for shape in shapes(*lines)] == [4, 6]


def test_unused_names_within_one_another() -> None:
    inner = "repeat [[1, 5]] as _, m { Linear(n + m) -> Tanh }"
    assert found(net(f"repeat {ROWS} as n, _ {{ {inner} }}", "output y = Linear(2)")) == []


@pytest.mark.parametrize(
    ("head", "finding"),
    [
        (f"{ROWS} as i, (a, b, c)", ("MSL128", ROWS)),
        (f"{ROWS} as i, a, b", ("MSL128", ROWS)),
        ("3 as i, (a)", ("MSL128", "a")),
        ("3 as i, a", ("MSL128", "a")),
        ("[3, 4] as i, (i)", ("MSL107", "i")),
        (f"{ROWS} as a, a", ("MSL107", "a")),
        (f"{ROWS} as x, (a, b)", ("MSL107", "x")),
        (f"{ROWS} as (a, b)", ("MSL001", "(")),
        (f"{ROWS} as i (a, b)", ("MSL004", "")),
    ],
)
def test_mistakes(head: str, finding: tuple[str, str]) -> None:
    assert found(net(f"repeat {head} {{ Linear(4) -> Tanh }}", "output y = Linear(2)")) == [finding]


def test_the_help_shows_where_an_index_goes() -> None:
    text = net(f"repeat {ROWS} as i, a, b {{ Linear(4) -> Tanh }}", "output y = Linear(2)")
    assert compiled(text).diagnostics[0].helps == ("for the number of the round: `as i, (a, b)`",)


def test_a_repeat_of_one_layer_is_called_after_it_though_a_let_stands_before() -> None:
    lines = "repeat 2 as i { let n = 4 + i; Linear(n, bias=false) }", "output y = Tanh"
    assert keys(net(*lines)) == ["linear.0.weight", "linear.1.weight"]
