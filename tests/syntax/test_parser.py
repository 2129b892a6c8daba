"""Trees of texts in which nothing is wrong, and values of literals."""

from __future__ import annotations

from pathlib import Path

import pytest

from dsl.diagnostics.model import Reporter
from dsl.source import Source
from dsl.syntax import ast
from dsl.syntax.literals import LiteralError, quote, read_number, read_string
from dsl.syntax.parser import parse, parse_value
from tests.syntax.reading import clean, read

NET = "model Net {{\n  input x: float32[8]\n  {}\n}}\n"


def _body(line: str) -> ast.Statement:
    model = clean(NET.format(line)).statements[0]
    assert isinstance(model, ast.ModelDecl)
    return model.body.statements[-1]


def _value(text: str) -> ast.Expr:
    reporter = Reporter()
    value = parse_value(Source("value", text), reporter)
    assert value is not None and not reporter.diagnostics
    return value


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("3", 3, ""), ("1_000", 1000, ""), ("0.1", 0.1, ""), ("3e-4", 3e-4, ""),
        ("12M", 12_000_000, ""),
        ("1e3", 1000.0, ""), ("1.2G", 1_200_000_000, ""), ("7B", 7 * 10**9, ""),
        ("0.5K", 500, ""), ("8GiB", 8 * 2**30, "B"),
        ("1.5KB", 1500, "B"), ("2TiB", 2 * 2**40, "B"),
        ("200ms", 0.2, "s"), ("3s", 3, "s"), ("2min", 120, "s"), ("1.5h", 5400, "s"),
        ("5epochs", 5, "epochs"), ("0.5epochs", 0.5, "epochs"),
        ("123456789012345678", 123456789012345678, ""),
    ],
)  # fmt: skip
def test_numbers(text: str, value: float, unit: str) -> None:
    read_as = read_number(text)
    assert read_as == (value, unit)
    assert type(read_as[0]) is type(value)


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("3m", "`3M`"), ("4k", "`4K`"), ("7b", "`7B`"), ("10%", "`0.1`"), ("8gib", "`8GiB`"),
        ("5epoch", "`5epochs`"), ("3x3", "counts"), ("1_", "`1`"), ("1__0", "`10`"),
        ("1234567890123456789", ""), ("1e999", ""), ("1e-999", ""),
    ],
)  # fmt: skip
def test_bad_numbers(text: str, help: str) -> None:
    fault = read_number(text)
    assert isinstance(fault, LiteralError)
    assert help in "".join(fault.helps)


def test_strings() -> None:
    assert read_string(r'"a\n\t\"\\b"') == 'a\n\t"\\b'
    assert read_string(quote('a\n\t"\\b')) == 'a\n\t"\\b'
    fault = read_string(r'"ab\q"')
    assert isinstance(fault, LiteralError) and fault.start == 3


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("1 + 2 * 3", "1 + (2 * 3)"), ("2 ** 3 ** 2", "2 ** (3 ** 2)"), ("-2 ** 2", "-(2 ** 2)"),
        ("not a in b", "not (a in b)"), ("a or b and c", "a or (b and c)"),
        ("1 - 2 - 3", "(1 - 2) - 3"), ("a if b else c if d else e", "a if b else (c if d else e)"),
        ("a not in b == false", None),
    ],
)  # fmt: skip
def test_precedence(text: str, same: str | None) -> None:
    if same is None:
        assert parse_value(Source("value", text), Reporter()) is None
    else:
        assert _bare(_value(text)) == _bare(_value(same))


def _bare(node: object) -> object:
    """A tree as nested tuples without parentheses."""
    match node:
        case ast.Paren():
            return _bare(node.value)
        case ast.Binary():
            return node.op, _bare(node.left), _bare(node.right)
        case ast.Unary():
            return node.op, _bare(node.operand)
        case ast.Conditional():
            return _bare(node.then), _bare(node.condition), _bare(node.otherwise)
    return node


def test_section_words_are_names_elsewhere() -> None:
    step = _body("train = Linear(8, loss=data, layer=3) -> device")
    assert isinstance(step, ast.Step) and step.names == ("train",)
    section = clean("budget { train_memory <= 8GiB; data = 3 }\n").statements[0]
    assert isinstance(section, ast.Section) and section.entries is not None
    assert [entry.name for entry in section.entries] == ["train_memory", "data"]


def test_parentheses_are_kept() -> None:
    step = _body("Concat(dim=(n))")
    assert isinstance(step, ast.Step)
    call = step.chain.elements[0]
    assert isinstance(call, ast.KindCall) and isinstance(call.args[0].value, ast.Paren)


@pytest.mark.parametrize(
    "line",
    [
        "residual { Linear(8) } shortcut { Linear(8) } -> ReLU",
        "parallel { { Linear(8) } { Linear(8) } } -> Concat",
        "parallel {\n { Linear(8) }\n\n { Linear(8) }\n }\n  -> Concat",
        "repeat [[1, 2], [3, 4]] as a, b { Linear(a); Linear(b) }",
        "when x.features not in [1, 2] { } \n # why\n otherwise { ReLU }",
        "(x, mask=m -> Linear(3), repeat 3 { ReLU },) -> Attention(8)",
        "a, b = Split(2, dim=channels)",
        "output y: float32[4 * x.features, time] = Linear(4)",
        "output y", "output y: int64[]", "input z", "input z: float32[time=1024, 8]",
        "shared tower = Tower(8)", "let n = max(1, xs[0], abs(-2)) ** 2 if a and b else 3",
        "Linear(vocab, tie=decoder.embedding.weight)", "x -> Linear(\n 8, # why\n 9\n )",
    ],
)  # fmt: skip
def test_statements(line: str) -> None:
    clean(NET.format(line))


@pytest.mark.parametrize(
    "text",
    [
        "loss { digit: CrossEntropy * 1.0; box: SmoothL1 * 0.5 }",
        'optimizer AdamW(lr=1e-3) on "head.*"\noptimizer SGD(lr=1e-3) on ["body.*", "!body.0.*"]',
        'train { load = Checkpoint("r.safetensors") on "b.*"; metrics = [AUC on click, TopK(5)] }',
        'data CSV("f.csv") { image: "path"; age: "age_*" }',
        "search { lr = LogUniform(1e-5, 1e-2) }",
        "param width: int = 64 in 16..512\nparam k: list[int] = [1, 3] in [1, 3]",
        'import "a.msl"\nvariant Small = Net(depth=2)',
        'extern layer W(n: int = 3) from "o.py" { output = float32[input.channels]; torch = "W" }',
        "block A() { }\nblock B(act: layer = ReLU,) { act }",
    ],
)
def test_declarations(text: str) -> None:
    clean(text)


def test_limits_and_items() -> None:
    section = clean("budget { params <= 12M; Foo * 2; x: Bar; y = 3 }").statements[0]
    assert isinstance(section, ast.Section) and section.entries is not None
    kinds = [type(entry) for entry in section.entries]
    assert kinds == [ast.Limit, ast.Item, ast.Item, ast.Setting]


@pytest.mark.parametrize("text", ["", "\n", "# only\n", "\ufeffmsl 1", "msl 1\r\n\r\nloss MSE\r\n"])
def test_odd_files(text: str) -> None:
    clean(text)


def test_line_ends_do_not_matter() -> None:
    text = NET.format("Linear(8)\n    -> ReLU  # \u00fc")
    assert clean(text) == clean(text.replace("\n", "\r\n")) == clean("\ufeff" + text.strip())


def test_spans() -> None:
    tree = clean(NET.format("hidden = Linear(8) -> ReLU"))
    step = tree.statements[0].body.statements[-1]  # type: ignore[attr-defined]
    assert step.span.text == "hidden = Linear(8) -> ReLU"
    assert step.name_spans[0].text == "hidden"
    assert [element.span.text for element in step.chain.elements] == ["Linear(8)", "ReLU"]


def test_comments_find_their_statements() -> None:
    tree = clean(
        "# file\n\nmsl 1  # v\nmodel Net {  # net\n  # above\n\n  x -> Linear(  # in\n"
        "    8)  # after\n  # closing\n}\n# end\n"
    )
    version, model = tree.statements
    assert [one.text for one in version.leading] == ["file"]
    assert version.trailing is not None and version.trailing.text == "v"
    assert isinstance(model, ast.ModelDecl)
    assert model.trailing is not None and model.trailing.text == "net"
    step = model.body.statements[0]
    assert [one.text for one in (*step.leading, *step.inner)] == ["above", "in"]
    assert step.trailing is not None and step.trailing.text == "after"
    assert [one.text for one in (*model.body.closing, *tree.closing)] == ["closing", "end"]


@pytest.mark.parametrize(
    "text",
    [
        "model N {\n" + "  Linear(8)\n" * 10_000 + "}\n",
        "model N { " + " -> ".join(["ReLU"] * 10_000) + " }\n",
        "let a = " + "+".join("1" * 5_000) + "\n",
    ],
    ids=["statements", "chain", "sum"],
)
def test_long_texts(text: str) -> None:
    assert len(clean(text).statements) == 1


@pytest.mark.parametrize(
    "text",
    ["(" * 9_000, "let a = " + "-" * 9_000, "let a = " + "2**" * 9_000, "{" * 9_000, ")" * 9_000,
     "let a = " + "not " * 9_000 + "b", "model A {\n" * 2_000, "x" * 70, '"' * 999, "\x00" * 999],
)  # fmt: skip
def test_nonsense_is_reported_and_nothing_raises(text: str) -> None:
    _, found = read(text)
    assert 1 <= len(found) <= 1_000


def test_specs_of_the_repository() -> None:
    for path in Path(__file__).parents[2].glob("examples/**/*.msl"):
        clean(path.read_text(encoding="utf-8"))


def test_too_large() -> None:
    reporter = Reporter()
    assert parse(Source("big", "#" * (1 << 20) + "\n"), reporter).statements == ()
    assert [one.rule.code for one in reporter.diagnostics] == ["MSL018"]
