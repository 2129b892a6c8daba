"""The canonical layout: stable, true to the tree, and no comment lost."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl.syntax.formatter import format_file
from tests.conftest import EXAMPLES, SPECS
from tests.syntax.reading import clean

NET = "model N {{\n  {}\n}}\n"


def _format(text: str) -> str:
    """The layout of a text, after checking what holds of every layout."""
    tree = clean(text)
    formatted = format_file(tree)
    again = clean(formatted)
    assert again == tree
    assert format_file(again) == formatted
    assert _comments(formatted) == _comments(text)
    return formatted


def _comments(text: str) -> list[str]:
    bare = re.sub(r'"(?:[^"\\\n]|\\.)*"', "", text)
    return sorted(comment.strip() for comment in re.findall(r"#([^\n]*)", bare))


@pytest.mark.parametrize(
    ("line", "formatted"),
    [
        ("a=x->Linear( 8,bias = false )", "a = x -> Linear(8, bias=false)"),
        ("Linear(8)\n\n # why\n -> ReLU", "Linear(8)\n    # why\n    -> ReLU"),
        ("a = Linear(8)\n -> ReLU", "a = Linear(8)\n    -> ReLU"),
        ("long_name = Linear(8)\n -> ReLU", "long_name = Linear(8)\n            -> ReLU"),
        ("ReLU;GELU", "ReLU\n  GELU"),
        ("repeat 3{ReLU;GELU}", "repeat 3 { ReLU; GELU }"),
        ("repeat 3 {\nReLU }", "repeat 3 {\n    ReLU\n  }"),
        ("when not a{}otherwise{ReLU}", "when not a { } otherwise { ReLU }"),
        ("( a,b->Linear(3),mask = m )->Add", "(a, b -> Linear(3), mask=m) -> Add"),
        ("parallel{{A}\n{B}}->Concat", "parallel {\n    { A }\n    { B }\n  } -> Concat"),
        ("Linear(8,  # eight\n 9)", "Linear(\n    8,  # eight\n    9,\n  )"),
        ("let n=-2**3//(4+ 5)", "let n = -2 ** 3 // (4 + 5)"),
        ('GELU(a="\\t\\"")', 'GELU(a="\\t\\"")'),
    ],
)
def test_layout(line: str, formatted: str) -> None:
    assert _format(NET.format(line)) == NET.format(formatted)


def test_blank_lines_and_comments() -> None:
    text = (
        "\n\n# a\n\n\n# b\nmsl 1   # c\n\n\n\nmodel N { # d\n\n"
        "  # e\n\n  A # f\n\n\n  B\n  # g\n\n} # h\n# i\n"
    )
    assert _format(text) == (
        "# a\n\n# b\nmsl 1  # c\n\nmodel N {  # d\n  # e\n\n  A  # f\n\n  B\n  # g\n}  # h\n# i\n"
    )


def test_long_lines_are_broken() -> None:
    chain = " -> ".join(f"Linear({n}000, bias=false)" for n in range(12))
    head = ", ".join(f"parameter_{n}: int = {n}" for n in range(12))
    text = f"model N({head}) {{ {chain} -> Kind({'1_000_000_000_000_000, ' * 12}) }}\n"
    formatted = _format(text)
    assert max(map(len, formatted.splitlines())) <= 100


ARGUMENTS = ", ".join(f"arguments_{n}={n}" for n in range(6))
MORE = ", ".join(f"argument_{n}={n}" for n in range(9))
ROWS = [f"[{n}, {n * n}, {n * n * n}]" for n in range(1, 8)]


@pytest.mark.parametrize(
    ("text", "formatted"),
    [
        # all arguments on one line of their own
        (f"optimizer Kind({ARGUMENTS})", f"optimizer Kind(\n  {ARGUMENTS}\n)\n"),
        # one on each line
        (f"optimizer Kind({MORE})", f"optimizer Kind(\n  {',{}  '.join(MORE.split(', '))},\n)\n"),
        # inside another
        (
            f"optimizer Outer(a=1, inner=Kind({ARGUMENTS}))",
            f"optimizer Outer(\n  a=1,\n  inner=Kind(\n    {ARGUMENTS}\n  ),\n)\n",
        ),
        # a table has one row on each line
        (
            f"let table_of_rows = [{', '.join(ROWS)}]",
            f"let table_of_rows = [\n  {',{}  '.join(ROWS)},\n]\n",
        ),
        # a comment has its line
        (
            f"optimizer Kind({ARGUMENTS[:28]}  # why\n, last=1)",
            "optimizer Kind(\n  arguments_0=0,\n  arguments_1=1,  # why\n  last=1,\n)\n",
        ),
    ],
)
def test_brackets(text: str, formatted: str) -> None:
    assert _format(text) == formatted.replace("{}", "\n")


def test_a_tuple_on_a_line_of_its_own() -> None:
    items = ", ".join(f"value_{n} -> Linear({n})" for n in range(1, 5))
    text = f"model N {{\n  a_very_long_name = ({items}) -> Concat\n}}\n"
    assert _format(text) == (
        f"model N {{\n  a_very_long_name = (\n    {items}\n  ) -> Concat\n}}\n"
    )


def test_slices_and_rows() -> None:
    lines = "let x = xs [ 1 : ]+ys[ : - 1][::2 ]*3", "repeat  rows as i,( a ,b) { A; B }"
    assert _format(NET.format("\n".join(lines))) == NET.format(
        "let x = xs[1:] + ys[:-1][::2] * 3\n  repeat rows as i, (a, b) { A; B }"
    )


@pytest.mark.parametrize("inner", ["parallel { { A } { } } -> Add", "(a, b, c) -> Concat -> B"])
def test_a_body_that_begins_with_what_has_brackets_too(inner: str) -> None:
    head = f"h = when flag {{ {' -> '.join(['Tanh'] * 8)} }}"
    wrapped = NET.format(f"{head} otherwise {{\n    {inner}\n  }}")
    assert _format(NET.format(f"{head} otherwise {{ {inner} }}")) == wrapped


def test_files_of_the_repository() -> None:
    for folder in (SPECS, EXAMPLES):
        for path in folder.rglob("*.msl"):
            _format(path.read_text(encoding="utf-8"))


def test_deep_nesting_is_quick() -> None:
    for opening, closing in (("repeat 2 { ", " }"), ("(a, ", ") -> B"), ("residual {\n", "}\n")):
        _format(NET.format(opening * 40 + "A" + closing * 40))


# --- any text of the language -----------------------------------------------------------------

_names = st.sampled_from(["x", "width", "train", "loss", "layer", "a_rather_long_name_for_a_value"])
_kinds = st.sampled_from(["ReLU", "Conv2d", "ALongNameOfAKindThatFillsTheLine"])
_atoms = st.one_of(
    _names, _kinds, st.sampled_from(["3", "0.1", "1_000", "12M", "8GiB", "5epochs", "true"]),
    st.sampled_from(['"text"', '"a\\n\\"#\\""', "input", "input.channels", "x.shape[0]"]),
)  # fmt: skip
_blanks = st.sampled_from(["", "", " ", "\n", "  # note\n", "\n# own line\n  "])


def _join(separator: str, parts: list[str], blanks: list[str]) -> str:
    """Parts inside a bracket, with blanks and comments between them."""
    pieces = []
    for number, part in enumerate(parts):
        pieces.append(blanks[number % len(blanks)] + part)
    return separator.join(pieces) + blanks[0]


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    some = st.lists(inner, min_size=1, max_size=4)
    gaps = st.lists(_blanks, min_size=1, max_size=4)
    signs = st.sampled_from(["+", "-", "*", "/", "//", "%"])
    return st.one_of(
        st.builds(lambda parts, gap: f"[{_join(',', parts, gap)}]", some, gaps),
        st.builds(lambda kind, parts, gap: f"{kind}({_join(',', parts, gap)})", _kinds, some, gaps),
        st.builds(lambda name, value: f"Kind({name}={value})", _names, inner),
        st.builds(lambda a, sign, b: f"{a} {sign} {b}", inner, signs, inner),
        st.builds(
            lambda a, sign, b: f"({a} {sign} {b})", inner, st.sampled_from(["<", "in"]), inner
        ),
        st.builds(lambda a, b, c: f"({a} if {b} else {c})", inner, inner, inner),
        st.builds(lambda a, gap: f"({gap}{a}{gap})", inner, _blanks),
        st.builds(lambda a: f"-{a}", inner),
        st.builds(lambda parts: f"max({', '.join(parts)})", some),
    )


_values = st.recursive(_atoms, _compound, max_leaves=8)
_calls = st.builds(
    lambda kind, parts, gap: f"{kind}({_join(',', parts, gap)})",
    _kinds, st.lists(_values, min_size=1, max_size=4), st.lists(_blanks, min_size=1, max_size=3),
)  # fmt: skip
_elements = st.one_of(_names, _kinds, _calls)
_arrows = st.sampled_from([" -> ", "->", "\n  -> ", "  # note\n  -> ", "\n# own\n\n  -> "])


def _structures(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    chains = st.builds(
        lambda parts, arrow: arrow.join(parts), st.lists(inner, min_size=1, max_size=5), _arrows
    )
    ends = st.sampled_from(["\n", "; ", "  # after\n", "\n\n# above\n", "\n\n\n"])
    bodies = st.builds(
        lambda parts, end, start: f"{{{start}{end.join(parts)}{end}}}",
        st.lists(st.one_of(chains, st.builds("a = {}".format, chains)), max_size=3),
        ends, st.sampled_from(["", " ", "\n", "  # open\n", "\n  # first\n"]),
    )  # fmt: skip
    return st.one_of(
        chains,
        st.builds("residual {} shortcut {}".format, bodies, bodies),
        st.builds("repeat 3 as i {}".format, bodies),
        st.builds("when x < 3 {}\n\n# why\notherwise {}".format, bodies, bodies),
        st.builds("parallel {{ {}\n# between\n{} }}".format, bodies, bodies),
        st.builds("({}, b -> {}, mask={})".format, _elements, inner, inner),
    )


_statements = st.recursive(_elements, _structures, max_leaves=6)


@settings(max_examples=60, deadline=None)
@given(st.lists(_statements, min_size=1, max_size=3), _values)
def test_any_model(statements: list[str], value: str) -> None:
    body = "\n".join(statements)
    _format(f"# head\nmodel N(a: int = ({value}), # p\n b: layer) {{ # open\n{body}\n}} # end\n")


@settings(max_examples=40, deadline=None)
@given(st.lists(_values, min_size=1, max_size=4), st.sampled_from(["; ", "\n", " # c\n"]))
def test_any_section(values: list[str], end: str) -> None:
    entries = end.join(f"name_{n} = {value}" for n, value in enumerate(values))
    _format(f"train {{ {entries}\n}}\nloss Kind({values[0]}) # last\n")
