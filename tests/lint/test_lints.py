"""Lints: through blocks, repeats, branches and names; what they leave alone; their fixes."""

from __future__ import annotations

import time

import pytest

from dsl.compilation import Compilation
from dsl.diagnostics.fixes import apply_fixes
from dsl.diagnostics.model import Diagnostic, Reporter
from dsl.lint.engine import lint
from dsl.source import Source

TEXT = '\nloss CrossEntropy\ndata Text("corpus.txt")\n'


def found(text: str) -> tuple[Diagnostic, ...]:
    return Compilation(Source("net.msl", text)).diagnostics


def codes(text: str) -> list[str]:
    return [finding.rule.code for finding in found(text)]


def marked(text: str) -> list[str]:
    return [finding.primary.span.text for finding in found(text) if finding.primary]


def net(lines: str, top: str = "", sections: str = "", given: str = "x: float32[8]") -> str:
    return f"{top}model Net {{\n  input {given}\n{lines}\n}}\n{sections}"


def image(lines: str, top: str = "", sections: str = "") -> str:
    return net(lines, top, sections, "image: float32[3, 32, 32]")


class TestThroughStructure:
    def test_an_activation_in_a_block_meets_the_loss(self):
        block = "block Head {\n  Linear(3) -> Softmax\n}\n"
        text = net("  output y = Head", block, "loss CrossEntropy\n")
        assert codes(text) == ["MSL502"]
        assert found(text)[0].fix is None

    def test_an_activation_before_a_reshape_and_a_condition_meets_the_loss(self):
        text = net(
            "  when x.features == 8 { Linear(6) -> Softmax }\n  output y = Reshape([2, 3])",
            sections="loss CrossEntropy\n",
        )
        assert codes(text) == ["MSL502"]

    def test_linear_layers_at_the_ends_of_two_blocks_meet(self):
        block = "block Half(n: int) {\n  Linear(n)\n}\n"
        assert codes(net("  Half(8)\n  output y = Linear(3)", block)) == ["MSL514"]

    def test_a_block_is_right_if_it_is_right_in_one_use(self):
        block = "block Half(n: int) {\n  Linear(n)\n}\n"
        assert codes(net("  Half(8) -> ReLU -> Half(8)\n  output y = Linear(3)", block)) == []

    def test_a_repeat_follows_itself(self):
        text = net("  repeat 4 { Linear(8) }\n  output y = ReLU -> Linear(3)")
        assert codes(text) == ["MSL514"]

    def test_rounds_that_differ_follow_each_other(self):
        text = net("  repeat 4 as i { Linear(8 * (i + 1)) -> LayerNorm }\n  output y = Linear(3)")
        assert codes(text) == []

    def test_two_heads_on_one_linear_layer_are_taken_together(self):
        lines = "  h = Linear(16)\n  output a = h -> Linear(12)\n  output b = h -> Linear(12)"
        assert marked(net(lines)) == ["Linear(16)"]

    def test_a_named_value_with_another_use_is_left_alone(self):
        lines = "  h = Linear(16)\n  a = h -> Linear(16)\n  output y = (a, h) -> Add"
        assert codes(net(lines)) == []

    def test_a_bias_in_a_block_before_a_norm_outside(self):
        block = "block Conv(n: int) {\n  Conv2d(n, 3)\n}\n"
        lines = "  Conv(8) -> BatchNorm -> ReLU\n  output y = GlobalAvgPool -> Linear(3)"
        assert marked(image(lines, block)) == ["Conv2d(n, 3)"]

    def test_a_stack_in_repeats_counts_its_rounds(self):
        few = net("  repeat 3 { Linear(8) -> Sigmoid }\n  output y = Linear(3)")
        many = net("  repeat 4 { Linear(8) -> Sigmoid }\n  output y = Linear(3)")
        assert (codes(few), codes(many)) == ([], ["MSL513"])
        assert "4 times" in found(many)[0].message

    def test_a_stack_line_by_line_is_told_once_at_its_first(self):
        lines = "\n".join("  Linear(8) -> Sigmoid" for _ in range(6))
        text = net(f"{lines}\n  output y = Linear(3)")
        assert [finding.primary.span.position for finding in found(text)] == [(3, 16)]

    def test_a_residual_carries_gradients_past_a_stack(self):
        text = net("  repeat 9 { residual { Linear(8) -> Sigmoid } }\n  output y = Linear(3)")
        assert codes(text) == []


class TestWhatIsMeant:
    @pytest.mark.parametrize(
        "lines",
        [
            "  Linear(64) -> ReLU -> Linear(4) -> Linear(64) -> ReLU\n  output y = Linear(8)",
            "  Linear(16) -> LayerNorm\n  output y = Linear(3)",
            "  (x -> Linear(8), x -> Linear(8)) -> Multiply\n  output y = Linear(3)",
            "  residual { Linear(8) }\n  output y = Linear(3)",
            "  output y = Linear(16)\n  output z = y -> Linear(3)",
        ],
        ids=["bottleneck", "norm", "gate", "residual", "output"],
    )
    def test_linear_layers(self, lines: str):
        assert codes(net(lines)) == []

    @pytest.mark.parametrize(
        "lines",
        [
            "  Conv2d(8, 3, groups=1) -> Conv2d(8, 1)\n  output y = GlobalAvgPool",
            "  Conv2d(3, 3, groups=3) -> Conv2d(8, 3)\n  output y = GlobalAvgPool",
            "  Conv2d(8, [3, 1]) -> Conv2d(8, [1, 3])\n  output y = GlobalAvgPool",
            "  ConvTranspose2d(8, 2, stride=2) -> Conv2d(8, 3)\n  output y = GlobalAvgPool",
        ],
        ids=["pointwise", "depthwise", "separable", "upsampling"],
    )
    def test_convolutions(self, lines: str):
        assert codes(image(lines)) == []

    def test_a_bias_before_layer_norm_or_groups_has_an_effect(self):
        assert codes(net("  Linear(16) -> LayerNorm -> ReLU\n  output y = Linear(3)")) == []
        lines = "  Conv2d(8, 3) -> GroupNorm(%d) -> ReLU\n  output y = GlobalAvgPool"
        assert codes(image(lines % 2)) == []
        assert codes(image(lines % 8)) == ["MSL501"]

    def test_a_rate_that_a_search_sets_is_left_alone(self):
        sections = "loss MSE\noptimizer Adam(lr=0.5)\nsearch { lr = LogUniform(1e-5, 1e-2) }\n"
        assert codes(net("  output y = Linear(3)", sections=sections)) == []

    def test_a_silenced_lint_is_silent(self):
        text = net(
            "  Linear(16)  # msl: allow MSL514 a deep linear network\n  output y = Linear(3)"
        )
        assert codes(text) == []

    def test_a_warning_keeps_silent_where_the_text_has_mistakes(self):
        assert codes(net("  Linear(16)\n  output y = Linear(3)", sections="loss MES\n")) == [
            "MSL104"
        ]


class TestBesideMistakes:
    def test_an_activation_before_the_loss_is_seen_in_a_model_that_fails(self):
        lines = "  Conv2d(8, 3) -> ReLU\n  output y = Linear(10) -> Softmax"
        assert codes(image(lines, sections="loss CrossEntropy\n")) == ["MSL301", "MSL502"]
        assert codes(image(lines, sections="loss { y: CrossEntropy * 2 }\n"))[1:] == ["MSL502"]

    def test_it_is_that_of_the_named_output_and_no_block(self):
        lines = "  z = Linear(8, 9)\n  output y = x -> Linear(3)\n  output p = z -> Softmax"
        assert codes(net(lines, sections="loss { y: CrossEntropy }\n")) == ["MSL205"]
        block = "block Softmax {\n  Linear(3)\n}\n"
        lines = "  output y = Linear(8, 9) -> Softmax"
        assert codes(net(lines, block, "loss CrossEntropy\n")) == ["MSL135", "MSL205"]

    def test_shared_weights_that_nothing_applies(self):
        assert codes(net("  shared t = Linear(8)\n  output y = Linear(3)")) == ["MSL106"]
        assert codes(net("  shared t = Linear(8)\n  output y = t -> ReLU -> Linear(3)")) == []


class TestKnownLengths:
    def test_synthetic_data_has_a_length(self):
        sections = (
            "loss MSE\nschedule Cosine(warmup=%d)\ndata Synthetic(samples=1000, validation=0.1)\n"
            "train { epochs = 2; batch = 100; accumulate = 3 }\n"
        )
        text = net("  output y = Linear(3)", sections=sections)
        assert codes(text % 6) == []
        assert codes(text % 7) == ["MSL506"]

    def test_a_table_for_a_symbol_is_held_against_its_declared_size(self):
        lines = "  PositionEmbedding(%d) -> GRU(4)\n  output y = Linear(3)"
        text = net(lines, given="x: float32[time=32, 8]")
        assert codes(text % 32) == []
        assert marked(text % 31) == ["31"]

    def test_bytes_need_a_row_each(self):
        lines = "  Embedding(%d, 8) -> GRU(8, return_sequences=true)\n  output y = Linear(256)"
        text = net(lines, sections=TEXT, given="tokens: int64[time=16]")
        assert codes(text % 256) == []
        assert codes(text % 128) == ["MSL512"]

    def test_reading_backwards_sees_the_future(self):
        lines = (
            "  Embedding(256, 8) -> GRU(8, bidirectional=true, return_sequences=true)\n"
            "  output y = Linear(256)"
        )
        assert codes(net(lines, sections=TEXT, given="tokens: int64[time=16]")) == ["MSL521"]
        hidden = TEXT.replace('.txt"', '.txt", mask=0.15')
        lines = lines.replace("256", "257")
        assert codes(net(lines, sections=hidden, given="tokens: int64[time=16]")) == []


class TestFixes:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("  output y = Linear(3) -> Softmax", "  output y = Linear(3)"),
            ("  Linear(3)\n  Softmax\n  output y", "  Linear(3)\n  output y"),
            ("  Linear(3)\n  output y = Softmax", "  Linear(3)\n  output y"),
            ("  Linear(3)\n  output y = Softmax -> Identity", "  Linear(3)\n  output y = Identity"),
            ("  output y = Linear(3) -> Dropout(0.1)", "  output y = Linear(3)"),
            (
                "  output y = Linear(3)\n    -> Softmax",
                "  output y = Linear(3)",
            ),
        ],
    )
    def test_what_the_loss_owns_is_removed(self, before: str, after: str):
        text = net(before, sections="loss CrossEntropy\n")
        fixed = apply_fixes(text, found(text))
        assert fixed == net(after, sections="loss CrossEntropy\n")
        assert codes(fixed) == []

    def test_a_bias_is_switched_off_where_it_stands(self):
        lines = "  Conv2d(8, 3%s) -> BatchNorm -> ReLU\n  output y = GlobalAvgPool"
        for given in ("", ", bias=true"):
            text = image(lines % given)
            assert apply_fixes(text, found(text)) == image(lines % ", bias=false")

    def test_a_bias_that_is_computed_is_left_to_the_author(self):
        lines = "  Conv2d(8, 3, bias=1 < 2) -> BatchNorm -> ReLU\n  output y = GlobalAvgPool"
        (finding,) = found(image(lines))
        assert finding.rule.code == "MSL501" and finding.fix is None

    def test_a_comment_is_not_removed_with_a_layer(self):
        lines = "  output y = Linear(3)\n    # as probabilities\n    -> Softmax"
        (finding,) = found(net(lines, sections="loss CrossEntropy\n"))
        assert finding.fix is None

    def test_an_activation_is_offered_and_not_applied(self):
        text = net("  Linear(16)\n  output y = Linear(3)")
        (finding,) = found(text)
        assert finding.fix is not None and not finding.fix.safe
        assert apply_fixes(text, [finding]) == text


def test_lints_take_a_small_part_of_a_check():
    lines = "\n".join("  Linear(64) -> LayerNorm -> ReLU" for _ in range(1000))
    compilation = Compilation(Source("net.msl", net(f"{lines}\n  output y = Linear(3)")))
    model, training = compilation.model, compilation.training
    assert model is not None
    begin = time.perf_counter()
    lint(compilation.plain.module, model, training, Reporter())
    assert time.perf_counter() - begin < 0.3
