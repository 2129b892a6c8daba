"""The type of a residual's result."""

from __future__ import annotations

from tests.passes.finding import compiled, found

SEQUENCE = """
model Net {
  input x: float32[time=6, 8]
  repeat 2 {
    residual { Permute([1, 0]) -> Conv1d(8, 3, padding=1) -> Permute([1, 0]) }
    LayerNorm
  }
  a, b = Split(2, dim=features)
  output y = (a, b) -> Add
}
"""


def test_axes_keep_their_names_past_a_body_that_renames_them() -> None:
    assert found(SEQUENCE) == []
    model = compiled(SEQUENCE).model
    assert model is not None
    assert model.body.outputs[0].value.type.axes == ("time", "features")


def test_axes_are_named_by_the_shortcut_that_makes_them() -> None:
    text = """
model Net {
  input image: float32[3, 4, 4]
  residual { Conv2d(8, 1) -> ToSequence } shortcut { Conv2d(8, 1) -> ToSequence }
  output y = Slice(0, 4, dim=features)
}
"""
    assert found(text) == []


def test_a_layer_that_the_parentheses_behind_it_pass_over() -> None:
    text = """
model Net {
  input x: float32[time=6, 8]
  input memory: float32[words=5, 8]
  x -> residual { LayerNorm(1e-6) -> (input, memory) -> CrossAttention(2) }
  output y
}
"""
    (finding,) = compiled(text).diagnostics
    assert (finding.rule.code, finding.primary.span.text) == ("MSL106", "LayerNorm(1e-6)")
    assert "`(LayerNorm(1e-6), ..)`" in finding.helps[0]
    assert found(text.replace("LayerNorm(1e-6) -> (input,", "(LayerNorm(1e-6),")) == []


def test_a_body_that_says_where_channels_are_names_the_axes_of_an_input() -> None:
    text = """
model Net {
  input signal: float32[8, 100]
  residual { Conv1d(8, 3, padding=1) }
  output y = BatchNorm
}
"""
    assert found(text) == []
    model = compiled(text).model
    assert model is not None
    assert model.body.outputs[0].value.type.axes == ("channels", "time")
