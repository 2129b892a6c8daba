"""Whatever a spec calls its things, the generated tree is that of a spec with harmless names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import backends.writing
from backends.pycode.names import (
    CLASSES,
    HELPERS_IN_CAPITALS,
    RESERVED,
    SCRIPT_CONSTANTS,
    constant_names,
    free_class,
    identifier,
    member,
)
from backends.tensorflow.model import MEMBERS as KERAS_MEMBERS
from backends.torch.model import TAKEN
from tests.conftest import ROOT
from tests.safety.naming import BENIGN, NAMES, SPEC, drawn, generated
from tests.safety.trees import differences

pytestmark = pytest.mark.slow

BACKENDS = ("torch", "tensorflow")


@pytest.fixture(autouse=True)
def untidied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Layout changes no tree, and takes most of the time."""
    monkeypatch.setattr(backends.writing, "tidy", lambda text: text)


@pytest.mark.parametrize("backend", BACKENDS)
def test_names_change_nothing_but_names(backend: str) -> None:
    for turn in range(0, len(NAMES), 6):
        names = drawn(turn)
        harmless = {slot: BENIGN[slot].ljust(len(name), "z") for slot, name in names.items()}
        benign = generated(SPEC.format(**harmless), backend)  # as long: width decides on lines
        hostile = generated(SPEC.format(**names), backend)
        renamed = {harmless[slot]: name for slot, name in names.items()}
        assert hostile.isascii()
        assert differences(benign, hostile, renamed) == [], names


PAIRS = {
    "layers": ("{0} = Linear(3)\n  {1} = Linear(4)\n  ({0}, {1}) -> Concat(dim=features)", ""),
    "arguments": ("Unit(3, 4)", "block Unit({0}: int, {1}: int) {{ Linear({0}); Linear({1}) }}\n"),
    "constants": ("Linear({0}); Linear({1})", "let {0} = 3\nlet {1} = 4\n"),
    "indices": ("repeat 2 as {0} {{ Linear({0} + 2); ReLU }}\n  repeat 2 as {1} {{ Linear({1} + 2);"
        " ReLU }}", ""),
    "shared": ("shared {0} = Linear(8)\n  shared {1} = Linear(8)\n  {0} -> {1} -> {0}", ""),
}  # fmt: skip
ALIKE = [
    ("forward", "forward_"), ("forward_", "forward__"), ("len", "len_"), ("name", "name_"),
    ("wide", "wIDE"), ("f", "_2f"), ("nn", "nn_"), ("_x", "_x_"), ("f", "f_"), ("list", "dict"),
]  # fmt: skip


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("slot", PAIRS)
def test_names_that_nearly_agree_stay_apart(slot: str, backend: str) -> None:
    body, before = PAIRS[slot]
    lines = ("model Net {{", "input zqin: float32[8]", body, "output zqout = Linear(2)", "}}")
    text = before + "\n".join(lines) + "\n"
    benign = generated(text.format("zqone", "zqtwo"), backend)
    for pair in ALIKE:
        hostile = generated(text.format(*pair), backend)
        assert differences(benign, hostile, dict(zip(("zqone", "zqtwo"), pair))) == [], pair


@pytest.mark.parametrize("taken", [RESERVED, TAKEN, KERAS_MEMBERS], ids=["local", "torch", "keras"])
def test_mangled_names_stay_different(taken: frozenset[str]) -> None:
    names = [
        f"{stem}{'_' * number}" for stem in [*sorted(taken), "_x", "free"] for number in range(4)
    ]
    names = sorted({name for name in names if name.isidentifier()})
    for mangle in (identifier, member):
        mangled = [mangle(name, taken) for name in names]
        assert len(set(mangled)) == len(names) and not taken & set(mangled)


def test_constants_are_all_different() -> None:
    names = ["@f", "@F_", "@wide", "@wIDE", "@2wide", "@_2wide", "@inputs", "@unit", "@grn"]
    found = constant_names(names, {"UNIT"})
    assert len(set(found.values())) == len(names)
    assert not set(found.values()) & {*CLASSES, *HELPERS_IN_CAPITALS, "UNIT"}
    assert found["@wide"] == "WIDE"


def test_classes_are_numbered() -> None:
    assert free_class("F", CLASSES) == "F2" and free_class("Net", CLASSES) == "Net"


def test_names_of_scripts_are_known() -> None:
    """What templates bind at the top of a file in capitals is what constants keep away from."""
    found = set(_capitals(ROOT / "backends"))
    assert {"INPUTS", "ARRAYS"} <= found <= SCRIPT_CONSTANTS | HELPERS_IN_CAPITALS | {"T"}


def _capitals(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*.jinja"):
        for line in path.read_text().splitlines():
            word = line.removeprefix("class ").split("(")[0].split(" =")[0].split(":")[0].strip()
            if (line[:1].isupper() and " = " in line) or line.startswith("class "):
                if word.isidentifier() and word == word.upper():
                    yield word


EXTERN = """\
extern layer Own({argument}: int = 3) from "{path}" {{
  output = float32[8]
  params = 0
  flops = 0
  torch = "{name}"
  tensorflow = "{name}"
}}
model Net {{
  input x: float32[8]
  Own({argument}=4)
  output y = Linear(2)
}}
loss MSE
optimizer SGD(lr=0.1)
"""


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "change",
    [{"name": "F"}, {"name": "np"}, {"name": "main"}, {"name": "train"}, {"name": "INPUTS"},
     {"name": "SystemExit"}, {"name": "class"}, {"name": "a.lambda"}, {"name": "W\u00e4ve"},
     {"name": "print(1)"}, {"name": "a b"}, {"name": ""}, {"name": "."}, {"path": "m\u00f6d.py"},
     {"path": "class.py"}, {"path": "a b.py"}, {"path": "x;import os.py"}, {"path": "../up.py"},
     {"path": "/abs.py"}, {"argument": "lambda"}, {"argument": "class"}, {"path": "a..b.py"},
     {"path": "x\\nimport os.py"}, {"path": "https://h/x.py"}, {"path": ""}],
    ids=str,
)  # fmt: skip
def test_extern_names_are_refused_in_place(change: dict[str, str], backend: str) -> None:
    from dsl.compilation import Compilation
    from dsl.source import Source

    fields = {"argument": "levels", "path": "own.py", "name": "Own_"} | change
    compilation = Compilation(Source("net.msl", EXTERN.format(**fields)), path="net.msl")
    found = [finding for finding in compilation.diagnostics if finding.is_error]
    if not found:
        emitted = compilation.emit(backends.get(backend), "")
        assert emitted.text is None
        found = list(emitted.diagnostics)
    assert all(finding.primary is not None for finding in found)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_decent_extern_is_imported(backend: str) -> None:
    text = generated(
        EXTERN.format(argument="levels", path="own/ops.py", name="Own_.Inner"), backend
    )
    imports = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    assert ("own.ops", "Own_") in {(node.module, node.names[0].name) for node in imports}
