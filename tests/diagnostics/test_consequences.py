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


def findings(text: str) -> list[tuple[str, str]]:
    """Code of each finding, and the text that it points at."""
    found = Compilation(Source("net.msl", text)).diagnostics
    return [(one.rule.code, one.primary.span.text) for one in found if one.primary]


def test_what_applies_a_block_declared_twice_is_not_held_to_either():
    blocks = "block B(n: int) { Linear(n) }\nblock B(n: int, m: int) { Linear(n + m) }\n"
    assert findings(blocks + net("output y = B(3, 4)")) == [("MSL109", "B")]


def test_a_model_declared_twice_is_not_two_models():
    assert codes(net("output y = Linear(2)") + net("output y = Linear(3)")) == ["MSL109"]


def test_settings_in_braces_are_one_mistake_each():
    assert findings(net("Linear{16}", "output y = Dropout{0.1} -> Tanh")) == [("MSL001", "{")] * 2
    assert findings(net("Linear { out_features = 16 }", "output y = Tanh")) == [("MSL001", "{")]


def test_a_body_without_its_structure_is_one_mistake():
    for body in ("{ ... }", "{…}", "{ Linear(4); ReLU }", "{\n Linear(4)\n}", "{ }"):
        text = net("p = Linear(8)", f"q = p -> {body}", "output y = (p, q) -> Add")
        assert findings(text) == [("MSL001", "{")], body


def test_mistakes_inside_such_a_body_are_found():
    text = net("q = x -> { Linear(4,, 5); ReLU }", "output y = q -> Linear(2)")
    assert codes(text) == ["MSL001", "MSL005"]


def test_a_parameter_named_like_a_keyword_is_told_once():
    text = "model Net(on: int = 3) {\n  input x: float32[8]\n  output y = Linear(on)\n}\n"
    assert findings(text) == [("MSL007", "on")]
    assert findings("param from: int = 3\n" + net("output y = Linear(from)")) == [
        ("MSL007", "from")
    ]
    text = "let on = 3\nlet from = 4\n" + net("output y = Linear(4)")
    assert codes(text) == ["MSL007", "MSL007"]


def test_a_bare_word_for_a_string_is_told_its_quotes():
    lines = ("Reshape([2, 4], axes=[time, features])", "output y = Linear(2)")
    text = net(*lines)
    (finding,) = Compilation(Source("net.msl", text)).diagnostics
    assert (finding.rule.code, finding.primary.span.text) == ("MSL205", "time")
    assert finding.fix is not None
    assert [edit.replacement for edit in finding.fix.edits] == ['"time"', '"features"']
    assert findings(text.replace("[time, features]", '["time", "features"]')) == []
    assert findings(net("Pad(1, mode=reflect)", lines[1])) == [("MSL205", "reflect")]
    image = "Reshape([2, 2, 2]) -> Conv2d(2, 3, padding=same)"
    assert findings(net(image, "output y = Flatten")) == [("MSL205", "same")]


def test_a_declared_name_may_hold_a_string():
    lines = ('let how = "reflect"', "Pad(1, mode=how, dim=features)", "output y = Linear(2)")
    assert codes(net(*lines)) == []


def test_every_bad_default_of_a_signature_is_told():
    block = "block B(n: int = 2.5, k: int = true, q: integer = 3) {\n  Linear(n + k + q)\n}\n"
    expected = [("MSL205", "2.5"), ("MSL205", "true"), ("MSL212", "integer")]
    assert findings(block + net("output y = B")) == expected


def test_a_shared_layer_that_does_not_fit_is_marked_where_it_is_applied():
    lines = ("shared cross = CrossAttention(4)", "shared s = Softmax(dim=3)", "x -> Linear(4)")
    text = net(*lines, "a = x -> cross", "b = x -> s", "output y = (a, b) -> Add")
    assert findings(text.replace("  x -> Linear(4)\n", "")) == [
        ("MSL312", "cross"),
        ("MSL307", "s"),
    ]
    block = "block Two {\n  input a\n  input b\n  (a, b) -> Add\n}\n"
    text = block + net("shared two = Two", "output y = x -> two")
    assert findings(text) == [("MSL312", "two")]
    (finding,) = Compilation(Source("net.msl", text)).diagnostics
    assert finding.helps == ("hand them over together: `(a, b) -> two`",)


def test_a_constant_that_cannot_be_read_is_not_taken_for_a_value():
    for use in ("xs[0]", "xs", "xs[1:][0]", "len(xs)", "2 * xs"):
        assert codes(net("let xs = [1, 2", f"output y = Linear({use})")) == ["MSL002"], use
