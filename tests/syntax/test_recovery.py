"""One mistake, one finding, at its place; and the rest of the text is read all the same."""

from __future__ import annotations

import pytest

from dsl.diagnostics.rules import syntax
from dsl.syntax import ast
from tests.syntax.reading import places, read

HEAD = "msl 1\nmodel Net {\n  input x: float32[8]\n"
TAIL = "  output y = Linear(4)\n}\nloss MSE\ntrain { epochs = 3 }\n"


def _net(*lines: str) -> str:
    return HEAD + "".join(f"  {line}\n" for line in lines) + TAIL


# In the body of a model, from line 4 on: the lines, and where what is found.
BODIES = [
    (("Linear(8", "ReLU"), [("MSL002", 4, 11)]),
    (("Linear(8", "  -> ReLU", "GELU"), [("MSL002", 4, 11)]),
    (("Slice([1, 2", "ReLU"), [("MSL002", 4, 14)]),
    (("input z: float32[3, 4", "ReLU"), [("MSL002", 4, 24)]),
    (("(x, y -> Add", "ReLU"), [("MSL002", 4, 15)]),
    (("Linear(8]", "ReLU"), [("MSL003", 4, 11)]),
    (("Linear(8))", "ReLU"), [("MSL003", 4, 12)]),
    (("Linear(8 9)", "ReLU", "x = = Linear(3)", "GELU", "a b c"),
     [("MSL004", 4, 11), ("MSL001", 6, 7), ("MSL006", 8, 5)]),
    (("Linear(", "  8", "  9", ")", "ReLU"), [("MSL004", 5, 6)]),
    (("x = ", "ReLU"), [("MSL005", 4, 6)]),
    (("Linear(8) ->", "ReLU"), [("MSL005", 4, 15)]),
    (("x -> -> Add", "ReLU"), [("MSL001", 4, 8)]),
    (("Linear(8) ReLU", "ReLU"), [("MSL006", 4, 13)]),
    (("let repeat = 3", "ReLU"), [("MSL007", 4, 7)]),
    (("linear(8)", "ReLU"), [("MSL008", 4, 3)]),
    (("Conv1 = Linear(3)", "ReLU"), [("MSL008", 4, 3)]),
    (("Linear(8, bias: true)", "ReLU"), [("MSL009", 4, 17)]),
    (("when x = 3 { Linear(3) }", "ReLU"), [("MSL009", 4, 10)]),
    (("when 1 < x < 3 { Linear(3) } otherwise { ReLU }", "ReLU"), [("MSL010", 4, 14)]),
    (("loss MSE", "ReLU"), [("MSL011", 4, 3)]),
    (("train { epochs = 3 }", "ReLU"), [("MSL011", 4, 3)]),
    (("otherwise { Linear(3) }", "ReLU"), [("MSL011", 4, 3)]),
    (("-> Linear(3)", "ReLU"), [("MSL011", 4, 3)]),
    (("Linear(3)", "shortcut { Linear(8) }", "ReLU"), [("MSL011", 5, 3)]),
    (("Linear(8)?", "ReLU"), [("MSL012", 4, 12)]),
    (("# a\u202eb", "ReLU"), [("MSL012", 4, 6)]),
    (("GELU(approximate='tanh')", "ReLU"), [("MSL013", 4, 20)]),
    (('GELU(approximate="tanh)', "ReLU"), [("MSL013", 4, 20)]),
    (('GELU(approximate="t\\qanh")', "ReLU"), [("MSL013", 4, 22)]),
    (("Linear(3m)", "Linear(4k)", "Linear(3x3)"),
     [("MSL014", 4, 11), ("MSL014", 5, 11), ("MSL014", 6, 11)]),
    (("Dropout(.5)", "Dropout(5.)", "Linear(2 K)"),
     [("MSL014", 4, 11), ("MSL014", 5, 13), ("MSL014", 6, 12)]),
    (("__x__ = Linear(3)", "__x__ -> ReLU"), [("MSL015", 4, 3)]),
    (("gr\u00f6\u00dfe = Linear(3)", "gr\u00f6\u00dfe -> ReLU"), [("MSL015", 4, 3)]),
    (("if x == 3 { Linear(3) }", "ReLU"), [("MSL016", 4, 3)]),
    (("for i in 3 { Linear(3) }", "ReLU"), [("MSL016", 4, 3)]),
    (("x => Linear(3)", "ReLU"), [("MSL016", 4, 5)]),
    (("when a && b { ReLU }", "ReLU"), [("MSL016", 4, 10)]),
    (("Linear(" + "-" * 200 + "3)", "ReLU"), [("MSL017", 4, 136)]),
    (("repeat 3 as { Linear(3 4) }", "ReLU"), [("MSL001", 4, 15), ("MSL004", 4, 25)]),
    (("parallel {", "  { Linear(3 4) }", "  { Linear(4) }", "} -> Concat"), [("MSL004", 5, 15)]),
    (("Linear(bias=false, 8)", "ReLU"), [("MSL021", 4, 22)]),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "expected"), BODIES)
def test_in_a_body(lines: tuple[str, ...], expected: list[tuple[str, int, int]]) -> None:
    assert places(_net(*lines)) == expected


@pytest.mark.parametrize(("lines", "expected"), BODIES)
def test_the_rest_is_read(lines: tuple[str, ...], expected: list[tuple[str, int, int]]) -> None:
    tree, _ = read(_net(*lines))
    assert [type(one) for one in tree.statements] == [
        ast.Version, ast.ModelDecl, ast.Section, ast.Section,
    ]  # fmt: skip
    model = tree.statements[1]
    assert isinstance(model, ast.ModelDecl)
    assert isinstance(model.body.statements[-1], ast.OutputDecl)
    assert isinstance(model.body.statements[0], ast.InputDecl)


MODEL = "model Net {\n  input x: float32[8]\n  output y = Linear(4)\n}\n"
FILES = [
    (MODEL.replace("Net {", "Net(depth int = 3) {"), [("MSL001", 1, 17)]),
    (MODEL.replace("Net", "net"), [("MSL008", 1, 7)]),
    (MODEL.replace(" {", ""), [("MSL001", 1, 10)]),
    (MODEL.replace(" {", "\n{"), [("MSL001", 1, 10)]),
    (MODEL.replace("}", "") + "loss MSE\n", [("MSL002", 5, 1)]),
    (MODEL.replace("}", ""), [("MSL002", 5, 1)]),
    ("block A {\n  Linear(3)\n\n" + MODEL, [("MSL002", 4, 1)]),
    (MODEL + "}\nloss MSE\n", [("MSL003", 5, 1)]),
    ("Linear(3)\nReLU\n" + MODEL, [("MSL011", 1, 1)]),
    ("train {\n  epochs 10\n  batch = 64\n  seed := 3\n}\n", [("MSL001", 2, 10), ("MSL016", 4, 8)]),
    ("budget { flops <= 1.2 G; params <= 3 }\n", [("MSL014", 1, 23)]),
    ("param width: int = 3 in 3\nparam w int\nlet x 3\nimport foo\n",
     [("MSL001", 1, 26), ("MSL001", 2, 9), ("MSL001", 3, 7), ("MSL001", 4, 8)]),
    ("msl 1.5\n", [("MSL020", 1, 5)]),
    (MODEL + "msl 1\n", [("MSL019", 5, 1)]),
    ('{"a": 3}\n', [("MSL011", 1, 1)]),
    ("import torch\nclass Net(nn.Module):\n  def f(self):\n    pass\n", [("MSL001", 1, 8)]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FILES)
def test_at_the_top(text: str, expected: list[tuple[str, int, int]]) -> None:
    assert places(text) == expected


def test_the_second_label_is_at_the_bracket() -> None:
    _, (found,) = read(_net("Linear(8", "ReLU"))
    (other,) = [label for label in found.labels if not label.primary]
    assert other.span.position == (4, 9) and other.text == "opened here"


def test_the_brace_is_told_by_indentation() -> None:
    _, (found,) = read(_net("repeat 3 {", "  Linear(8)", "ReLU"))
    assert found.labels[1].span.position == (4, 12)


def test_a_broken_statement_keeps_its_names() -> None:
    tree, _ = read(_net("a, b = Split(2 3)", "let n = = 3"))
    model = tree.statements[1]
    assert isinstance(model, ast.ModelDecl)
    broken = [one for one in model.body.statements if isinstance(one, ast.Broken)]
    assert [one.names for one in broken] == [("a", "b"), ("n",)]


def test_no_more_than_twenty() -> None:
    _, found = read(_net(*["a b c"] * 200))
    assert len(found) == 21
    assert found[-1].rule.code == "MSL144"


@pytest.mark.parametrize("rule", syntax.RULES, ids=lambda rule: rule.code)
def test_examples_of_the_rules(rule: syntax.Rule) -> None:
    expected = [rule.code] if rule.code < "MSL030" else []
    assert [code for code, _, _ in places(rule.bad)] == expected
    assert places(rule.good) == places(rule.near) == []
