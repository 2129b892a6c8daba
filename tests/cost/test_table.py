"""The cost table: folding, columns, numbers with their units."""

from __future__ import annotations

import pytest

import dsl
from dsl.cost.fold import first_levels, fold
from dsl.cost.report import estimate
from dsl.cost.table import plain_table, rich_table, short
from tests.cost.test_report import SPECS, whole


def lines_of(name: str, **options):
    """The folded lines of a spec's cost."""
    model = whole(dsl.load(str(SPECS / name)))
    found = estimate(model)
    return found, fold(found, model, **options)


@pytest.mark.parametrize("by", ["block", "layer", "kind"])
@pytest.mark.parametrize("depth", [1, 2, 3, 9])
def test_every_folding_adds_up(by: str, depth: int) -> None:
    for name in ("resnet50.msl", "two_towers.msl", "gpt2.msl"):
        found, lines = lines_of(name, by=by, depth=depth)
        assert sum(line.params for line in lines) == found.params
        assert sum(line.macs for line in lines) == found.macs
        assert sum(line.layers for line in lines) == len(found.layers)


def test_blocks_are_named_and_repeats_counted() -> None:
    _, lines = lines_of("gpt2.msl")
    words = {line.path: (line.kind, line.output) for line in lines}
    assert words["decoder_layer"] == ("DecoderLayer x12", "[1024, 768]")
    assert words["logits"] == ("Linear", "[1024, 50257]")
    _, lines = lines_of("resnet50.msl", depth=2)
    kinds = {line.path: line.kind for line in lines}
    assert kinds["stage.bottleneck"] == "Bottleneck"
    assert kinds["stage.bottleneck_2"] == "Bottleneck x2"


def test_a_level_is_a_name_or_a_round() -> None:
    assert first_levels("layer.0..11.norm", 1) == "layer"
    assert first_levels("layer.0..11.norm", 2) == "layer.0..11"
    assert first_levels("norm", 3) == "norm"


def test_plain_table() -> None:
    text = plain_table(*lines_of("resnet50.msl"))
    head, columns, *rows = text.splitlines()
    assert head == "ResNet50  input image float32[3, 224, 224]  batch 1"
    assert columns.split() == ["path", "kind", "output", "params", "MACs", "share"]
    stage = next(row for row in rows if row.startswith("  stage_3 "))
    assert stage.split() == ["stage_3", "Stage", "[1024,", "14,", "14]", "7,098,368", "1.464",
        "G", "35.8", "%", "#" * 13]  # fmt: skip
    assert "8.178 GFLOPs forward, 24.30 GFLOPs a training step (forward + backward)" in text
    assert "53,120 more values are kept but not trained" in text
    assert max(map(len, text.splitlines())) <= 130


def test_the_table_of_a_model_with_symbols_says_how_it_depends_on_them() -> None:
    text = plain_table(*lines_of("gpt2.msl"))
    assert "counted at time = 1024; macs = 18432 * time * time + 123532032 * time" in text


def test_the_table_of_a_mixture_says_how_much_of_it_is_at_work() -> None:
    text = "model M { input x: float32[4]; output y = MixtureOfExperts(8, 2, 16) }"
    model = whole(dsl.loads(text))
    found = estimate(model)
    drawn = plain_table(found, fold(found, model))
    assert "1,568 parameters, 416 of them active for each position; " in drawn
    assert "active" not in plain_table(*lines_of("gpt2.msl"))


@pytest.mark.parametrize("width", ["60", "80", "120", "200"])
def test_a_terminal_shows_all_numbers(width: str, monkeypatch, capsys) -> None:
    pytest.importorskip("rich")
    monkeypatch.setenv("COLUMNS", width)
    rich_table(*lines_of("resnet50.msl"))
    text = capsys.readouterr().out
    assert "25,557,032" in text
    assert "1.464 G" in text
    assert ("35.8 %" in text) == (int(width) >= 80)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 "),
        (9_999, "9,999 "),
        (10_000, "10.00 k"),
        (999_949, "999.9 k"),
        (999_951, "1.000 M"),
        (4_089_184_256, "4.089 G"),
        (874_944_921_600, "874.9 G"),
        (10**30, "1000000000000.0 E"),
    ],
)
def test_counts_are_short(count: int, text: str) -> None:
    assert short(count) == text


SMALL = """
block Two { Linear(4) -> ReLU }
model M {
  input x: float32[4]
  head = Linear(4)
  repeat 3 { Two }
  repeat 2 { Linear(4) }
  repeat 2 { Linear(4) -> ReLU }
  parallel { { Linear(2) } { Linear(3) } } -> Concat
  residual { BatchNorm }
  output y = Linear(1)
}
"""


def small(text: str = SMALL, **options):
    model = whole(dsl.loads(text))
    return fold(estimate(model), model, **options)


def test_lines_by_kind_come_with_the_dearest_first() -> None:
    lines = [(line.path, line.kind, line.params, line.macs, line.elementwise, line.output)
        for line in small(by="kind")]  # fmt: skip
    assert lines == [
        ("7 rows", "Linear", 20 + 3 * 20 + 4 * 20 + 10 + 15 + 6, 8 * 16 + 8 + 12 + 5, 38, ""),
        ("1 row", "BatchNorm", 10, 0, 10, ""),
        ("2 rows", "ReLU", 0, 0, 5 * 4, ""),
        ("1 row", "Concat", 0, 0, 0, ""),
        ("1 row", "Add", 0, 0, 5, ""),
    ]


def test_lines_by_block_say_what_stands_there_and_how_often() -> None:
    lines = [(line.path, line.kind, line.layers, line.output) for line in small()]
    assert lines == [
        ("head", "Linear", 1, "[4]"),
        ("two", "Two x3", 2, "[4]"),
        ("linear", "Linear x2", 1, "[4]"),
        ("repeat", "repeat x2", 2, "[4]"),
        ("parallel", "parallel", 2, "[3]"),
        ("concat", "Concat", 1, "[5]"),
        ("batch_norm", "BatchNorm", 1, "[5]"),
        ("add", "Add", 1, "[5]"),
        ("y", "Linear", 1, "[1]"),
    ]


def test_lines_by_layer_are_the_layers() -> None:
    lines = small(by="layer")
    model = whole(dsl.loads(SMALL))
    assert [line.path for line in lines] == [row.path for row in estimate(model).layers]
    assert [line.kind for line in lines] == [row.kind for row in estimate(model).layers]
    assert {line.layers for line in lines} == {1}
