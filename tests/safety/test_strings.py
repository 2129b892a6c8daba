"""Whatever strings, comments and file names a spec has, they are literals and comments in code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import backends.writing
from dsl.compilation import Compilation, Options
from dsl.diagnostics.render import FORMATS, render
from dsl.source import Source
from dsl.syntax.literals import quote
from tests.cli.conftest import NET, Msl, written
from tests.safety.naming import generated
from tests.safety.trees import differences

pytestmark = pytest.mark.slow

STRINGS = [
    '"', "'", '"""', "'''", '""" + boom() + """', "\\", "\\\\", '\\"', "\\n", "\\x00",
    "\\N{BULLET}",
    "{{ 7 * 7 }}",
    "{% for x in y %}", "{# gone #}", "{%- raw -%}", "{0} {x!r} {", "}", "%s %(x)s",
    "$HOME `id` $(id)", "\n", "\nimport os\nos.abort()\n", "\t", "# no comment", "f'{boom()}'",
    "msl: sha256=" + "0" * 32, "a\u200bb", "\U0001f600", "\u00e4\u00f6", "\u4e2d\u6587", "-",
    "__import__('os').abort()", "../../etc/passwd", "https://h/x.csv", "con", "a" * 300, " ", "; x",
    "caf\u0065\u0301", "\ufb01", "\ufeff", "None", "-*- coding: utf-7 -*-", "\x0c",
]  # fmt: skip

PATHS = """\
model Net {{
  input x: float32[8]
  output y = Linear(2)
}}
loss CrossEntropy
optimizer SGD(lr=0.1)
data CSV({0}, target={1}) {{ x: {2} }}
"""
CODE = """\
model Net {{
  input x: float32[8]
  output y = Linear(2)
}}
loss CrossEntropy
optimizer SGD(lr=0.1)
data Python({0})
"""


@pytest.fixture(autouse=True)
def untidied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Layout changes no tree, and takes most of the time."""
    monkeypatch.setattr(backends.writing, "tidy", lambda text: text)


@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
def test_strings_are_literals(backend: str) -> None:
    """Columns have other signs than ``*?[``, which are patterns, and ask for other code."""
    for spec, slots in ((PATHS, 3), (CODE, 1)):
        plain = generated(spec.format(*[quote("zq") for _ in range(slots)]), backend, place="o.py")
        for turn in range(0, len(STRINGS), slots):
            texts = [STRINGS[(turn + place) % len(STRINGS)] for place in range(slots)]
            columns = [re.sub(r"[*?\[]", "", text) or "zq" for text in texts[1:]]
            code = generated(spec.format(*map(quote, [texts[0], *columns])), backend, place="o.py")
            assert code.isascii() and differences(plain, code) == [], texts


@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
def test_comments_are_comments(backend: str) -> None:
    head = "# @@\n\n# @@\nlet wide = 3  # @@\n# @@\n"
    spec = head + NET.replace("{", "{ # @@", 1).replace("= Linear(width)", "= Linear(wide)")
    spec = spec.replace("width: int = 8", "other: int = 8").replace("Linear(2)", "Linear(other)")
    spec = spec.replace("float32[2]", "float32[8]")
    plain = generated(spec.replace("@@", "zq"), backend)
    for turn in range(0, len(STRINGS), 4):
        line = " ".join(" ".join(STRINGS[turn : turn + 4]).split("\n"))
        code = generated(spec.replace("@@", line), backend)
        assert code.isascii() and differences(plain, code) == [], line


@pytest.mark.parametrize("backend", ["torch", "tensorflow"])
def test_file_names_are_prose(backend: str) -> None:
    """A name on a disk may hold what no spec may: controls, and bytes that are no UTF-8."""
    plain = generated(NET, backend)
    for text in [*STRINGS[::5], "\x1b[31m", "\r", "\udcff", "\u202e", '"""\nboom()\n"""']:
        name = f"{text}.msl".replace("/", "_")
        code = generated(NET, backend, name=name, place=f"out {text}.py".replace("/", "_"))
        assert code.isascii() and differences(plain, code) == [], text
        assert "boom" not in {
            node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)
        }


CONTROLS = [*range(0x20), *range(0x7F, 0xA0), 0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F),
    *range(0x2066, 0x206A)]  # fmt: skip


def test_controls_are_refused_and_never_shown(tmp_path: Path) -> None:
    """In comments and strings as anywhere; nothing but line ends and tabs is left of them."""
    allowed = {ord(char) for char in "\t\n\r\x0c"}
    for number in CONTROLS:
        text = f'# a{chr(number)}b\ndata CSV("c{chr(number)}d")\n{NET}'
        findings = list(Compilation(Source("net.msl", text)).diagnostics)
        codes = [finding.rule.code for finding in findings]
        assert ("MSL012" in codes) != (number in allowed), hex(number)
        for style in FORMATS:
            shown = render(findings, style)
            assert all(char == "\n" or char.isprintable() for char in shown), (hex(number), style)


def test_settings_of_the_command_line_are_expressions() -> None:
    for text in (
        *STRINGS,
        "\x1b[2J",
        "1; import os",
        "open('x')",
        "\udcff",
        "().__class__",
        "9" * 400,
    ):
        for options in (Options("", {"width": text}), Options("", {}, {"train.epochs": text}),
                Options(text)):  # fmt: skip
            findings = list(Compilation(Source("net.msl", NET), options).diagnostics)
            shown = render(findings)
            assert all(char == "\n" or char.isprintable() for char in shown)


def test_names_of_files_do_not_command_the_terminal(msl: Msl, tmp_path: Path) -> None:
    name = "a\x1b[31m\u202eb.msl"
    written(tmp_path, name, NET.replace("Linear(2)\n", "Linaer(2)\n"))
    good = written(tmp_path, "c\x1b[2J.msl", NET.replace("= Lin", "=  Lin"))
    commands = [("check", name), ("cost", name), ("check", name, "--format", "concise"),
        ("check", name, "--format", "github"), ("check", name, "--format", "json"), ("fmt", name),
        ("fmt", good.name), ("fmt", "none\x1b[2J"), ("compile", name, "--backend", "torch"),
        ("compile", good.name, "--backend", "torch", "-o", name), ("init", "mlp", "-o", "d\x1bx"),
        ("che\x1bck", name), ("check", "--mo\x1bdel"), ("explain", "\x1b[31m")]  # fmt: skip
    for words in commands:
        assert "\x1b" not in msl(*words).output, words
