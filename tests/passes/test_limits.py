"""What a text may ask for, at each limit and one beyond it; and that the end comes in time."""

from __future__ import annotations

from pathlib import Path
from time import process_time

import pytest

from dsl.compilation import Compilation, Options
from dsl.cost.report import estimate
from dsl.diagnostics.render import render
from dsl.passes.modules import DEPTH_LIMIT as IMPORTS_DEEP
from dsl.passes.modules import FILE_LIMIT, FileLoader
from dsl.passes.work import MOST, MOST_ERRORS, Exhausted, Work
from dsl.source import Source, Span
from dsl.syntax.formatter import format_file

pytestmark = pytest.mark.slow

SECONDS = 15.0
"""What the slowest of these may take, on a machine that is busy with others."""


def net(body: str, size: str = "8", head: str = "") -> str:
    """A spec around some lines of a model."""
    return f"{head}model Net {{\n  input x: float32[{size}]\n{body}\n  output y = Linear(2)\n}}\n"


def errors(text: str) -> list[str]:
    """The codes of the errors of a text; what a command does with it must end in time."""
    begun = process_time()
    compilation = Compilation(Source("net.msl", text), Options(needs_model=False))
    found = [one for one in compilation.diagnostics if one.is_error]
    for style in ("text", "json", "sarif"):
        assert len(render(compilation.diagnostics, style)) < 1_000_000
    assert all(one.primary is not None and one.helps for one in found if one.rule.code in CURED)
    if not any(one.is_error for one in compilation.unread):
        format_file(compilation.syntax)
    if compilation.model is not None and not found:
        estimate(compilation.model, 1).record()
    assert process_time() - begun < SECONDS
    return [one.rule.code for one in found]


CURED = ("MSL142", "MSL143", "MSL144", "MSL145", "MSL018", "MSL124")


def deep(count: int) -> str:
    """Blocks that apply one another."""
    blocks = ["block B0 { Tanh }\n"]
    blocks += [f"block B{n} {{ B{n - 1} }}\n" for n in range(1, count)]
    return net(f"  B{count - 1}", head="".join(blocks))


def doubled(levels: int, last: int) -> str:
    """A tower of blocks with ``2**levels * last`` layers."""
    blocks = [f"block B0 {{ {' -> '.join(['Linear(8) -> Tanh'] * (last // 2))} }}\n"]
    blocks += [f"block B{n} {{ B{n - 1} -> B{n - 1} }}\n" for n in range(1, levels + 1)]
    return net(f"  B{levels}", head="".join(blocks))


WITHIN_AND_BEYOND = {
    "bytes": (
        net("").ljust(1 << 20), net("").ljust((1 << 20) + 1), "MSL018",
    ),
    "brackets": (
        net(f"  Linear({'(' * 62}1{')' * 62})"), net(f"  Linear({'(' * 63}1{')' * 63})"), "MSL017",
    ),
    "bodies": (
        net(f"  {'residual { ' * 63}Tanh{' }' * 63}"),
        net(f"  {'residual { ' * 64}Tanh{' }' * 64}"),
        "MSL017",
    ),
    "signs": (
        net(f"  Linear({'- ' * 126}1)"), net(f"  Linear({'- ' * 127}1)"), "MSL017",
    ),
    "a name": (
        net(f"  {'a' * 64} = Tanh"), net(f"  {'a' * 65} = Tanh"), "MSL015",
    ),
    "digits": (
        net(f"  LeakyReLU({'9' * 18} / 10**18)"),
        net(f"  LeakyReLU({'9' * 19} / 10**18)"), "MSL014",
    ),
    "digits of a fraction": (
        net(f"  Dropout(0.{'1' * 17})"), net(f"  Dropout(0.{'1' * 18})"), "MSL014",
    ),
    "a result": (
        net("  LeakyReLU(1 / (2**62 - 1 + 2**62))"), net("  LeakyReLU(1 / 2**63)"), "MSL209",
    ),
    "a list": (
        net("  Linear(len([1] * 10000) // 100)"),
        net("  Linear(len([1] * 10001) // 100)"), "MSL209",
    ),
    "a list of lists": (
        net("  Linear(len([[1] * 99] * 100))"), net("  Linear(len([[1] * 100] * 100))"), "MSL209",
    ),
    "rounds that differ": (
        net("  repeat 10_000 as i { LeakyReLU(1 / (i + 2)) }"),
        net("  repeat 10_001 as i { LeakyReLU(1 / (i + 2)) }"), "MSL126",
    ),
    "blocks in blocks": (deep(256), deep(257), "MSL124"),
    "layers with blocks written out": (
        doubled(13, 10), doubled(13, 12), "MSL143",
    ),
    "layers with repeats written out": (
        net("  repeat 2**62 - 1 { Tanh -> ReLU }\n  Tanh"),
        net("  repeat 2**62 - 1 { Tanh -> ReLU }\n  Tanh -> ReLU"), "MSL143",
    ),
    "sizes of a shape": (
        net("  Flatten", ", ".join(["1"] * 64)), net("  Flatten", ", ".join(["1"] * 65)), "MSL145",
    ),
    "a size": (
        net("  Flatten -> Dropout(0.5)", "2**31, 2**31"),
        net("  Flatten", "2**32, 2**31"), "MSL145",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WITHIN_AND_BEYOND)
def test_a_limit(name: str) -> None:
    within, beyond, code = WITHIN_AND_BEYOND[name]
    assert errors(within) == []
    assert code in errors(beyond)


def test_mistakes() -> None:
    lines = [f"  Linear(width{number})" for number in range(MOST_ERRORS)]
    assert errors(net("\n".join(lines[:-1]))) == ["MSL101"] * (MOST_ERRORS - 1)
    assert sorted(errors(net("\n".join(lines)))) == ["MSL101"] * MOST_ERRORS + ["MSL144"]


def test_mistakes_of_syntax() -> None:
    assert len(errors(net("\n".join(["a b c"] * 19)))) == 19
    found = errors(net("\n".join(["a b c"] * 200)))
    assert len(found) == 21
    assert found[-1] == "MSL144"


def test_work() -> None:
    span = Span(Source("net.msl", "x"), 0, 1)
    work = Work()
    work.spend(MOST, span)
    with pytest.raises(Exhausted):
        work.spend(1, span)
    lines = "repeat 9_999 as i { repeat 9_999 as j { Linear(i + j + 1) } }"
    assert errors(net(f"  {lines}")) == ["MSL142"]
    assert errors(net(f"  {lines}".replace("9_999", "99"))) == []


@pytest.mark.parametrize("name, count, code", [("deep", IMPORTS_DEEP, "MSL133")])
def test_imports_deep(name: str, count: int, code: str, tmp_path: Path) -> None:
    for number in range(count + 2):
        text = f'import "{name}{number + 1}.msl"\n' if number <= count else ""
        (tmp_path / f"{name}{number}.msl").write_text(f"{text}block B{number} {{ ReLU }}\n")
    assert imported(tmp_path, f"{name}1.msl") == []
    assert imported(tmp_path, f"{name}0.msl") == [code]


def test_imports_wide(tmp_path: Path) -> None:
    for number in range(FILE_LIMIT):
        (tmp_path / f"b{number}.msl").write_text(f"block B{number} {{ ReLU }}\n")
    lines = [f'import "b{number}.msl"\n' for number in range(FILE_LIMIT)]
    (tmp_path / "most.msl").write_text("".join(lines[:-1]))
    (tmp_path / "more.msl").write_text("".join(lines))
    assert imported(tmp_path, "most.msl") == []
    assert imported(tmp_path, "more.msl") == ["MSL133"]


def imported(folder: Path, name: str) -> list[str]:
    """The codes of the errors of a file that imports others."""
    path = folder / name
    compilation = Compilation(
        Source(name, path.read_text()), Options(needs_model=False), FileLoader(str(path)), str(path)
    )
    return [one.rule.code for one in compilation.diagnostics if one.is_error]


def test_many_rounds_cost_in_closed_form() -> None:
    text = net("  repeat 10**9 { repeat 10**9 { Linear(8) -> ReLU } }")
    model = Compilation(Source("net.msl", text)).model
    assert model is not None
    report = estimate(model, 1)
    assert report.params == 10**18 * 72 + 18
    assert report.macs == 10**18 * 64 + 16


BOMBS = {
    "names that resemble": net("\n".join(f"  Linear({'ab' * 20}{n})" for n in range(9_000)),
        head="".join(f"let {'ba' * 20}{n} = 1\n" for n in range(9_000))),
    "one line": net("  " + " -> ".join(["Linear(8)"] * 10_000)),
    "activations in a row": net("  ReLU\n" * 10_000),
    "lists in lists": net("  let a = [0] * 10_000\n"
        + "".join(f"  let a{'a' * n} = [a{'a' * (n - 1)}] * 10_000\n" for n in range(1, 9))),
    "blocks that differ": net("  B30(1)", head="block B0(n: int) { Linear(8) }\n" + "".join(
        f"block B{n}(n: int) {{ B{n - 1}(2 * n) -> B{n - 1}(2 * n + 1) }}\n" for n in range(1, 31)
    )),
    "shapes that differ": net("  B40", head="block B0 { Linear(input.features + 1) }\n" + "".join(
        f"block B{n} {{ B{n - 1} -> B{n - 1} }}\n" for n in range(1, 41))),
    "a block in itself": net(
        "  R(200)", head="block R(n: int) { when n > 0 { R(n - 1) -> R(n - 1) } }\n"),
    "formulas": net("  let a = x.time + x.other + 1\n" + "".join(
        f"  let {'a' * n} = {'a' * (n - 1)} * {'a' * (n - 1)}\n" for n in range(2, 40)),
        "time=5, other=6, 7"),
    "powers": net("  Linear(10**10**10)\n  Linear((0 - 3)**10**18)\n  Dropout(0.5**10**18)"),
    "signs that fit nowhere": ") ( = " * 100_000,
    "control characters": "\0" * 500_000,
    "indices": net("  Linear([1]" + "[0]" * 40_000 + ")"),
    "slices": net("  Linear([1]" + "[0:]" * 40_000 + "[0])"),
    "models": "model N { input x: float32[8]; output y = ReLU }\n" * 4_000,
    "variants": "model N(n: int) { input x: float32[8]; output y = Linear(n) }\n" + "".join(
        f"variant V{n} = N({n + 1})\n" for n in range(9_000)),
    "whens": net("  when n > 1 { ReLU } otherwise { Tanh }\n" * 3_000).replace(
        "model Net", "model Net(n: int = 1)"),
    "keys of many rounds": net("  repeat 99_999 { Linear(8) }")
        + "loss MSE\noptimizer AdamW(lr=1e-3, weight_decay=0.1)\n",
    "keys of more rounds": net("  repeat 10**9 { Linear(8) }")
        + "loss MSE\noptimizer AdamW(lr=1e-3, weight_decay=0.1)\n",
    "places": net("  Linear(round(15, 0 - 10**18))"),
    "open braces": "model N {\n" * 90_000,
    "wide letters": net("  Linxar # " + "\u4e00" * 300_000),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_defused(name: str) -> None:
    errors(BOMBS[name])


def test_a_hundred_inputs() -> None:
    names = [f"x{number}" for number in range(100)]
    inputs = "".join(f"  input {name}: float32[8]\n" for name in names)
    text = f"model Net {{\n{inputs}  ({', '.join(names)}) -> Concat\n  output y = Linear(2)\n}}\n"
    assert errors(text) == []
