"""Parameters that need not be given: the default `auto`, and what becomes of it."""

from __future__ import annotations

import pytest

import dsl
from tests.passes.finding import compiled, found, keys, net


def widths(*lines: str, above: str = "") -> list[int]:
    """The output width of every weight matrix of a model."""
    from dsl.ir import weight_keys

    text = net(*lines, above=above)
    model = compiled(text).model
    assert model is not None, found(text)
    every = weight_keys(model.body.nodes)
    return [item.weight.shape[0] for item in every if item.key.endswith("weight")]


WIDE = "block Wide(n: int = auto) { Linear(n if n != auto else 5) }"


def test_left_out_and_given() -> None:
    assert widths("Wide(7)", "Tanh", "output y = Wide", above=WIDE) == [7, 5]
    assert widths("Wide(n=auto)", "Tanh", "output y = Wide(auto)", above=WIDE) == [5, 5]


def test_handed_on_from_block_to_block() -> None:
    outer = f"{WIDE}\nblock Outer(m: int = auto, k: int = m) {{ Wide(m); Tanh; Wide(k) }}"
    assert widths("Outer", "output y = Outer(3) -> Tanh", above=outer) == [5, 5, 3, 3]


def test_as_an_argument_of_a_kind_it_is_its_default() -> None:
    block = "block Last(b: bool = auto, n: int = 3) { Linear(n, bias=b) }"
    assert keys(net("output y = Last", above=block)) == ["y.linear.bias", "y.linear.weight"][::-1]
    assert keys(net("output y = Last(false, auto)", above=block)) == ["y.linear.weight"]
    assert widths("output y = Last(n=auto)", above=block) == [3]
    assert found(net("output y = Linear(3, bias=auto) -> Softmax(dim=auto)")) == []


def test_optional_layers_and_files() -> None:
    block = (
        "param last: layer = auto\nblock End(f: layer = auto) { Linear(2); when f != auto { f } }"
    )
    assert widths("output y = End", above=block) == [2]
    assert len(keys(net("output y = End(LayerNorm)", above=block))) == 4
    assert found(net("when last != auto { last }", "output y = Linear(2)", above=block)) == []


def test_from_outside() -> None:
    size = "5 if n == auto else n"
    text = f"model Net(n: int = auto) {{\n  input x: float32[8]\n  output y = Linear({size})\n}}\n"
    assert dsl.loads(text).cost().params == 45
    assert dsl.loads(text, define={"n": "4"}).cost().params == 36
    assert dsl.loads(text, define={"n": "auto"}).cost().params == 45


@pytest.mark.parametrize(
    ("block", "finding"),
    [
        ("block B(n: int = auto) { Linear(n * 2) }", ("MSL206", "n")),
        ("block B(n: int = auto) { Linear(2 + n) }", ("MSL206", "n")),
        ("block B(n: int = auto) { Linear(max(n, 2)) }", ("MSL206", "n")),
        ("block B(n: int = auto) { Linear(2 if n < 3 else 4) }", ("MSL206", "n")),
        ("block B(n: int = auto) { Linear(2 if -n else 4) }", ("MSL206", "n")),
        ("block B(n: bool = auto) { Linear(2 if n else 4) }", ("MSL206", "n")),
        ("block B(n: int = auto) { Linear(n) }", ("MSL205", "n")),
        ("block B(n: int = auto) { repeat n { Linear(4) -> ReLU } }", ("MSL127", "n")),
        ("block B(n: layer = auto) { n }", ("MSL120", "n")),
        ("block B(n: int = auto in 1..4) { Linear(4 if n == auto else n) }", None),
        ("block B(n: int = 2) { Linear(n * auto) }", ("MSL206", "auto")),
    ],
)
def test_it_is_no_value(block: str, finding: tuple[str, str] | None) -> None:
    text = net("output y = B -> Tanh -> Linear(2)", above=block)
    assert found(text) == ([finding] if finding else [])


def test_what_must_be_given_must_be_given() -> None:
    block = "block B(k: float, n: int) { Linear(n) -> Dropout(k) }"
    for call in ("B(0.1, auto)", "B(k=0.1, n=auto)"):
        text = net(f"output y = {call}", above=block)
        assert [code for code, _ in found(text)] == ["MSL205"]
        assert "`n: int = auto`" in compiled(text).diagnostics[0].helps[0]
    assert found(net("output y = Linear(auto)")) == [("MSL205", "auto")]
    assert found(net("output y = Linear(2, auto, bias=true)")) == [("MSL203", "bias=true")]


def test_a_type_is_held() -> None:
    block = "block B(n: int = auto in 1..4) { Linear(4 if n == auto else n) }"
    assert found(net("output y = B(7)", above=block)) == [("MSL205", "7")]
    assert found(net("output y = B(2.5)", above=block)) == [("MSL205", "2.5")]


def test_code_has_none() -> None:
    text = net("Wide", "Tanh", "output y = Wide(7)", above=WIDE)
    for backend in ("torch", "tensorflow"):
        code = dsl.loads(text).compile(backend)
        assert "n=None" in code and "n if n is not None else 5" in code and "n=7" in code


@pytest.mark.parametrize("size", ["n * 2", "max(n, 2)", "-n", "n", "1 if n else 2"])
def test_there_is_a_cure(size: str) -> None:
    block = f"block B(n: int = auto) {{ Linear({size}) }}"
    (finding,) = compiled(net("output y = B -> Tanh -> Linear(2)", above=block)).diagnostics
    assert "n != auto" in finding.helps[0]


def test_what_is_not_given_to_the_model_leaves_no_trace() -> None:
    size = "n if n != auto else 6"
    text = f"""
    model Net(n: int = auto, m: int = auto) {{
      input x: float32[8]
      when n == auto {{ Linear({size}) -> ReLU }}
      output y = Linear(m if m != auto and n == auto else 3)
    }}
    """
    code = dsl.loads(text).compile("torch")
    assert "self.linear = nn.Linear(8, 6)" in code
    assert "m if m is not None else 3" in code and "m=None" in code
    assert "n=None" not in code
    code = dsl.loads(text, define={"n": "7"}).compile("torch")
    assert "None" not in code.split("class Net")[1].replace("m is not None", "")
