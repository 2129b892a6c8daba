"""Findings as text, JSON, SARIF and workflow commands; fixes; silencing."""

from __future__ import annotations

import json

import pytest

from dsl.diagnostics.fixes import apply_fixes
from dsl.diagnostics.model import Diagnostic, Edit, Fix, Label, Reporter, Rule, Severity
from dsl.diagnostics.render import FORMATS, LIMIT, render
from dsl.diagnostics.rules import RULES
from dsl.diagnostics.suggest import nearest
from dsl.lint.allow import suppressed
from dsl.source import Source, Span
from dsl.syntax.parser import parse

TEXT = """\
model Net {
  input image: float32[1, 28, 28]

  conv2 = Conv2d(64, 3, padding=1) -> ReLU
  output logits: float32[10] = Linear(10)
}
"""
RULE = Rule("MSL301", "linear-on-image", Severity.ERROR, "A linear layer acts on an image.")
LINT = Rule("MSL599", "doubtful", Severity.ERROR, "Something is doubtful.")
WARNING = Rule("MSL499", "odd", Severity.WARNING, "Something is odd.")
SCREEN = """\
error[MSL301] linear-on-image: `Linear` would act on the width of an image
  --> net.msl:5:32
   |
 4 |   conv2 = Conv2d(64, 3, padding=1) -> ReLU
   |           ------------------------ this makes [channels=64, height=28, width=28]
 5 |   output logits: float32[10] = Linear(10)
   |                                ^^^^^^ takes the last dimension, width=28
   = note: a linear layer over the whole image needs it flat: 64 * 28 * 28 = 50176 values
   = help: flatten first
   |
 5 |   output logits: float32[10] = Flatten -> Linear(10)
   |                                +++++++++++
"""


def _span(source: Source, words: str) -> Span:
    start = source.text.index(words)
    return Span(source, start, start + len(words))


def _example() -> Diagnostic:
    source = Source("net.msl", TEXT)
    linear = _span(source, "Linear")
    edit = Edit(Span(source, linear.start, linear.start), "Flatten -> ")
    conv = _span(source, "Conv2d(64, 3, padding=1)")
    return Diagnostic(
        RULE,
        "`Linear` would act on the width of an image",
        (
            Label(linear, "takes the last dimension, width=28", primary=True),
            Label(conv, "this makes [channels=64, height=28, width=28]"),
        ),
        ("a linear layer over the whole image needs it flat: 64 * 28 * 28 = 50176 values",),
        ("flatten first",),
        Fix("flatten first", (edit,)),
    )


def _at(text: str, words: str, rule: Rule = RULE, label: str = "") -> Diagnostic:
    return Diagnostic(rule, "wrong", (Label(_span(Source("a.msl", text), words), label, True),))


def test_the_screen() -> None:
    assert render([_example()]) == SCREEN


def test_color_changes_no_text() -> None:
    import re

    colored = render([_example()], color=True)
    assert colored != SCREEN and re.sub(r"\x1b\[[\d;]*m", "", colored) == SCREEN


@pytest.mark.parametrize(
    ("line", "words", "column"),
    [("\tLinear", "Linear", 4), ("a\tLinear", "Linear", 4), ("# \u6f22\u5b57 Linear", "Linear", 7),
     ("# e\u0301 Linear", "Linear", 4), ("# \x07 Linear", "Linear", 8),
     ("# \u202e Linear", "Linear", 11)],
)  # fmt: skip
def test_the_caret_stands_below(line: str, words: str, column: int) -> None:
    drawn = render([_at(f"x\n{line}\n", words)]).splitlines()
    assert drawn[-1] == "   | " + " " * column + "^" * len(words)
    assert "\x07" not in drawn[-2] and "\u202e" not in drawn[-2] and "\t" not in drawn[-2]


def test_concise_and_github() -> None:
    assert render([_example()], "concise") == (
        "net.msl:5:32: error[MSL301] `Linear` would act on the width of an image\n"
    )
    line = render([_example()], "github")
    assert line.startswith("::error file=net.msl,line=5,endLine=5,title=MSL301 linear-on-image,")
    assert line.count("\n") == 1 and "%0Aflatten first" in line


def test_json() -> None:
    (record,) = (data := json.loads(render([_example()], "json")))["diagnostics"]
    assert data["schema"] == 1
    wanted = {"code": "MSL301", "line": 5, "column": 32, "end_line": 5, "end_column": 38}
    assert wanted.items() <= record.items()
    assert record["labels"][0]["line"] == 4
    assert record["fix"]["edits"][0]["replacement"] == "Flatten -> "


def test_sarif() -> None:
    log = json.loads(render([_example()], "sarif"))
    (result,) = log["runs"][0]["results"]
    assert log["version"] == "2.1.0" and result["ruleId"] == "MSL301"
    region = result["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 5, "startColumn": 32, "endLine": 5, "endColumn": 38}


def test_no_findings() -> None:
    assert [render([], name) for name in ("text", "concise", "github")] == ["", "", ""]
    assert json.loads(render([], "json"))["diagnostics"] == []
    assert json.loads(render([], "sarif"))["runs"][0]["results"] == []


def test_no_place() -> None:
    lost = Diagnostic(RULE, "nowhere", helps=("look",))
    assert render([lost]) == "error[MSL301] linear-on-image: nowhere\n  = help: look\n"
    for name in FORMATS:
        assert "nowhere" in render([lost], name)


def test_sorted_and_capped() -> None:
    text = "".join(f"x{number:03}\n" for number in range(150))
    findings = [_at(text, f"x{number:03}") for number in reversed(range(150))]
    lines = render([*findings, findings[0]], "concise").splitlines()
    assert len(lines) == LIMIT + 1 and lines[0].startswith("a.msl:1:1:")
    assert lines[-1] == "50 more findings not shown"
    assert json.loads(render(findings, "json"))["not_shown"] == 50


def test_unknown_format() -> None:
    with pytest.raises(ValueError, match="yaml"):
        render([], "yaml")


def _fix(source: Source, words: str, replacement: str, safe: bool = True) -> Diagnostic:
    fix = Fix("mend", (Edit(_span(source, words), replacement),), safe)
    return Diagnostic(RULE, "wrong", (), fix=fix)


def test_fixes() -> None:
    source = Source("a", "one two three")
    fixes = [_fix(source, "three", "3"), _fix(source, "one", "1"), _fix(source, "two", "2", False)]
    assert apply_fixes(source.text, fixes) == "1 two 3"
    overlapping = [_fix(source, "one two", "A"), _fix(source, "two three", "B")]
    assert apply_fixes(source.text, overlapping) == "A three"
    assert apply_fixes("another text", fixes) == "another text"


def test_fixes_of_the_parser_cure() -> None:
    text = "model N {\n  Linear(8 9)\n  x => ReLU\n  GELU(a: 'b')\n}\n"
    for _ in range(4):
        reporter = Reporter()
        parse(Source("a", text), reporter)
        text = apply_fixes(text, reporter.diagnostics)
    assert text == 'model N {\n  Linear(8, 9)\n  x -> ReLU\n  GELU(a="b")\n}\n'


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("# msl: allow MSL599 it is so\nlet a = 1\n", []),
        ("let a = 1  # msl: allow doubtful it is so\n", []),
        ("let a = 1  # msl: allow MSL599\n", ["MSL030"]),
        ("let a = 1  # msl: allow MSL499 it is so\n", ["MSL599"]),
        ("let a = 1  # msl: allow MSL998 it is so\n", ["MSL599", "MSL031"]),
        ("let a = 1  # msl: allow MSL301 it is so\n", ["MSL599", "MSL031"]),
        ("# msl: allow MSL599 it is so\nlet b = 1\nlet a = 1\n", ["MSL599"]),
    ],
)
def test_silencing(text: str, left: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from dsl.diagnostics.rules import SLUGS

    for rule in (RULE, LINT, WARNING):
        monkeypatch.setitem(RULES, rule.code, rule)
        monkeypatch.setitem(SLUGS, rule.slug, rule)
    source = Source("a", text)
    tree = parse(source, Reporter())
    finding = Diagnostic(LINT, "doubt", (Label(_span(source, "let a"), "", True),))
    assert [one.rule.code for one in suppressed([finding], tree)] == left


def test_nearest() -> None:
    kinds = ["Conv2d", "Conv1d", "Linear", "LayerNorm", "GELU", "ReLU"]
    assert nearest("Conv2D", kinds)[0] == "Conv2d"
    assert nearest("Linaer", kinds) == ["Linear"]
    assert nearest("layernorm", kinds) == ["LayerNorm"]
    assert nearest("Transformer", kinds) == []
    assert nearest("x", ["y"]) == []


def test_the_catalogue() -> None:
    assert all(code == rule.code for code, rule in RULES.items())
    slugs = [rule.slug for rule in RULES.values()]
    assert len(set(slugs)) == len(slugs)
    families = {code[:4] for code in RULES}
    assert "MSL0" in families
