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
    assert record["flops"] == {
        "forward": 291_648_307_200, "backward": 583_296_614_400, "train_step": 874_944_921_600
    }  # fmt: skip
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


def test_memory_and_time_have_unit_and_basis(msl: Msl, net: Path) -> None:
    asked = ("cost", SPECS / "gpt2.msl", "--json", "--on", "a100-80gb", "--batch", "4")
    record = json.loads(msl(*asked).stdout)
    memory, time = record["memory"], record["time"]
    assert memory["weights"] == memory["gradients"] == 4 * 124_439_808
    assert memory["optimizer"] == 2 * memory["weights"]
    low, high = memory["device"]
    assert memory["live_peak"] < low < high
    low, mid, high = time["step_seconds"]
    assert low < mid < high
    assert time["samples_per_second"] == 4 * 40 / mid
    assert record["fits"] == "fits" and record["basis"]["memory"] == "exact"
    assert record["basis"]["time"] in ("calibrated", "prior")
    assert "device" not in json.loads(msl("cost", net, "--json").stdout)["memory"]


def test_inference_keeps_nothing_to_go_back(msl: Msl) -> None:
    spec = SPECS / "resnet50.msl"
    trained, run = (
        json.loads(msl("cost", spec, "--json", "--batch", "8", way).stdout)["memory"]
        for way in ("--training", "--inference")
    )
    assert run["gradients"] == run["optimizer"] == 0
    assert run["live_peak"] < trained["live_peak"] / 3
    assert "memory to run, batch 8" in msl("cost", spec, "--batch", 8, "--inference").stdout


def test_devices_side_by_side(msl: Msl) -> None:
    table = msl("cost", SPECS / "gpt2.msl", "--on", "t4", "--on", "h100-sxm").stdout
    lines = table.splitlines()
    assert lines[-2].split()[0] == "h100-sxm" and "FITS" in lines[-2]
    assert lines[-1].split()[0] == "t4"
    every = msl("cost", SPECS / "seed_cnn.msl", "--on", "all", "--json").stdout
    assert len(json.loads(every)["devices"]) > 100
    wrong = msl("cost", SPECS / "gpt2.msl", "--on", "h100-smx")
    assert wrong.exit_code == 2 and "h100-sxm" in wrong.stderr


def test_sweeps(msl: Msl, tmp_path: Path) -> None:
    spec = SPECS / "gpt2.msl"
    rows = json.loads(msl("cost", spec, "--sweep", "batch=1..12", "--json").stdout)["rows"]
    assert [row["batch"] for row in rows] == [1, 2, 4, 8, 12]
    peaks = [row["memory"]["live_peak"] for row in rows]
    assert peaks == sorted(set(peaks))
    by_time = json.loads(msl("cost", spec, "--sweep", "time=64,128", "--json").stdout)["rows"]
    assert by_time[1]["flops"]["forward"] > 2 * by_time[0]["flops"]["forward"]
    by_width = json.loads(msl("cost", spec, "--sweep", "width=384,768", "--json").stdout)["rows"]
    assert by_width[1]["params"]["total"] == 124_439_808 > 2 * by_width[0]["params"]["total"]
    shown = msl("cost", spec, "--sweep", "batch=1..64", "--on", "rtx-3090").stdout
    assert "DOES NOT FIT" in shown.splitlines()[-1]


def test_sweeps_that_cannot_be(msl: Msl) -> None:
    spec = SPECS / "gpt2.msl"
    assert "there are batch, time, depth" in msl("cost", spec, "--sweep", "widht=1").stderr
    for text in ("batch", "batch=0..4", "batch=4..x", "batch=", "=4", "batch=1..1" + "0" * 40):
        assert msl("cost", spec, "--sweep", text).exit_code == 2
    assert "one device" in msl("cost", spec, "--sweep", "batch=1", "--on", "all").stderr
    assert msl("cost", spec, "--sweep", "heads=7").exit_code != 0


def test_a_budget_of_memory_is_held(msl: Msl) -> None:
    spec = NET + "loss CrossEntropy\nbudget { train_memory <= 1KiB; memory <= 1GiB }\n"
    result = msl("cost", "-", input=spec)
    assert result.exit_code == 1
    assert "bytes of live tensors in a training step" in result.stderr
    assert "most of it: " in result.stderr and result.stderr.count("MSL432") == 1
