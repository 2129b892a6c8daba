"""One mistake, one finding: what follows from a mistake keeps silent, what does not is told."""

from __future__ import annotations

from dsl.compilation import Compilation, Options
from dsl.source import Source


def codes(text: str) -> list[str]:
    return [finding.rule.code for finding in Compilation(Source("net.msl", text)).diagnostics]


def net(*lines: str, sections: str = "") -> str:
    body = "\n".join(f"  {line}" for line in lines)
    return f"model Net {{\n  input x: float32[8]\n{body}\n}}\n{sections}"


def test_an_unknown_name_is_told_once():
    lines = ("a = z -> Linear(4)", "b = z -> Linear(4)", "output y = (a, b) -> Add")
    assert codes(net(*lines)) == ["MSL101"]


def test_a_name_used_too_early_may_still_be_declared():
    lines = ("a = z -> Linear(4)", "z = x -> Linear(8) -> ReLU", "output y = (a, z) -> Concat")
    assert codes(net(*lines)) == ["MSL101"]


def test_two_unknown_names_are_two_mistakes():
    lines = ("a = p -> Linear(4)", "b = q -> Linear(4)", "output y = (a, b) -> Add")
    assert codes(net(*lines)) == ["MSL101", "MSL101"]


def test_sections_are_checked_beside_a_mistake_in_the_model():
    text = net("output y = Lnear(3)", sections="loss CrossEntropy\noptimizer Adam(rate=0.1)\n")
    assert codes(text) == ["MSL104", "MSL201"]


def test_a_torn_body_is_one_mistake_and_the_rest_is_checked():
    lines = ("repeat 3 { Linear(8) -> ReLU", "output y = Linear(3)")
    text = net(*lines, sections="loss CrossEntropy\noptimizer Adam(rate=0.1)\n")
    assert codes(text) == ["MSL002", "MSL201"]


def test_a_tie_within_the_rounds_of_a_repeat():
    rounds = "repeat 2 { up = Linear(8, bias=false) -> Tanh; Linear(8, tie=up) -> ReLU }"
    assert codes(net(rounds, "output y = Linear(3)")) == []


def test_a_misspelt_block_is_known_by_its_name():
    assert codes("blck Half(n: int) {\n  Linear(n)\n}\n" + net("output y = Half(3)")) == ["MSL001"]


def test_an_argument_out_of_order_is_one_mistake():
    assert codes(net("output y = Linear(out_features=3, 4)")) == ["MSL021"]


def test_a_default_of_another_type_is_found_though_every_use_gives_a_value():
    block = "block Half(n: int = 2.5, wide: bool = true) {\n  when wide { Linear(n) }\n}\n"
    assert codes(block + net("output y = Half(3)")) == ["MSL205"]


def test_a_variant_that_does_not_fit_is_found_without_asking_for_it():
    model = (
        "model Net(heads: int = 2) {\n  input x: float32[time=4, 8]\n"
        "  output y = SelfAttention(heads)\n}\nvariant More = Net(heads=4)\n"
    )
    assert codes(model) == []
    source = Source("net.msl", model + "variant Odd = Net(heads=3)\n")
    found = Compilation(source, Options(needs_model=False)).diagnostics
    assert [finding.rule.code for finding in found] == ["MSL313"]
    assert "with the values of `Odd`" in [label.text for label in found[0].labels]


def test_a_value_from_outside_is_no_default():
    text = "param width: int = 64 in 16..512\n" + net("output y = Linear(width)")
    found = Compilation(Source("net.msl", text), Options(define={"width": "8"})).diagnostics
    assert [finding.message for finding in found] == ["`width` takes an int in 16..512, not 8"]
