"""``msl cost``."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import BROKEN, NET, Msl, written
from tests.conftest import SPECS


def test_table(msl: Msl) -> None:
    result = msl("cost", SPECS / "resnet50.msl")
    assert result.exit_code == 0
    assert "25,557,032" in result.stdout
    assert "4.089 G" in result.stdout


def test_json(msl: Msl) -> None:
    record = json.loads(msl("cost", SPECS / "gpt2.msl", "--json").stdout)
    assert record["params"]["total"] == 124_439_808
    assert record["flops"] == {"forward": 291_648_307_200, "train_step": 874_944_921_600}
    larger = msl("cost", SPECS / "gpt2.msl", "--json", "--model", "GPT2XL", "--batch", "2")
    assert json.loads(larger.stdout)["params"]["total"] == 1_557_611_200
    assert json.loads(larger.stdout)["batch"] == 2


def test_parameters_change_it(msl: Msl, net: Path) -> None:
    record = json.loads(msl("cost", net, "--json", "-D", "width=16").stdout)
    assert record["params"]["total"] == 4 * 16 + 16 + 16 * 2 + 2
    assert json.loads(msl("cost", "-", "--json", input=NET).stdout)["model"] == "Net"


def test_ways_to_fold(msl: Msl) -> None:
    spec = SPECS / "gpt2.msl"
    assert "DecoderLayer x12" in msl("cost", spec).stdout
    assert "decoder_layer.0..11.self_attention" in msl("cost", spec, "--by", "layer").stdout
    assert "decoder_layer.0..11.self_attention" in msl("cost", spec, "--depth", 3).stdout
    by_kind = msl("cost", spec, "--by", "kind").stdout
    assert "3 rows" in by_kind and "LayerNorm" in by_kind


def test_a_spec_with_mistakes_has_no_cost(msl: Msl, tmp_path: Path) -> None:
    result = msl("cost", written(tmp_path, "net.msl", BROKEN), "--json")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "error[MSL" in result.stderr


def test_a_model_over_its_budget_is_shown_all_the_same(msl: Msl) -> None:
    result = msl("cost", "-", input=NET + "budget { params <= 10 }\n")
    assert result.exit_code == 1
    assert "  total " in result.stdout
    assert "error[MSL432]" in result.stderr


def test_a_wrong_batch_is_a_usage_error(msl: Msl, net: Path) -> None:
    assert msl("cost", net, "--batch", "0").exit_code == 2
    assert msl("cost", net, "--batch", "many").exit_code == 2
