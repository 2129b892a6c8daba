"""``msl plan``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import BROKEN, Msl, written
from tests.conftest import SPECS

LLAMA, GPT, RESNET = (SPECS / f"{name}.msl" for name in ("llama3_8b", "gpt2", "resnet50"))


def test_table_with_the_smallest_count_and_a_price(msl: Msl) -> None:
    result = msl("plan", LLAMA, "--on", "h100-sxm", "--tokens", "15T")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0].startswith("Llama3: 8,030,261,248 parameters on h100-sxm")
    assert "15.00 T tokens" in lines[1] and "about 20" in lines[1]
    marked = {word: line.split()[0] for line in lines for word in line.partition("<-")[2].split()}
    assert marked["wanted"] == "64"
    assert {"smallest,", "cheapest", "fastest"} <= set(marked) | {"smallest,"}
    assert "Price: 1.99 to 5 US dollars an hour" in result.output
    assert "2026-05" in result.output


def test_one_count_tells_where_memory_and_time_go(msl: Msl) -> None:
    result = msl("plan", GPT, "--on", "a100-40gb", "--count", "8", "--price", "2")
    assert result.exit_code == 0
    assert "12 x 5" in result.output
    assert "all-reduce (data)" in result.output
    assert "Price: 2 US dollars an hour, yours." in result.output
    assert "600,000 steps" in result.output


def test_exit_code_where_nothing_fits(msl: Msl) -> None:
    result = msl("plan", LLAMA, "--on", "rtx-3060", "--strategy", "ddp")
    assert result.exit_code == 3
    assert "DOES NOT FIT" in result.output
    assert "FITS  " not in result.output.replace("DOES NOT FIT", "")


def test_json_has_a_unit_and_a_basis_for_each_number(msl: Msl) -> None:
    result = msl("plan", GPT, "--on", "a100-40gb", "--samples", "1M", "--json", "--most", "16")
    found = json.loads(result.output)
    assert found["smallest"] == found["cheapest"] == 1
    assert found["wanted"] == 8
    assert found["samples"] == {"value": 1_000_000, "unit": "samples", "basis": "exact"}
    assert [row["count"] for row in found["rows"]] == [1, 2, 4, 8, 16]
    numbers = list(figures(found["rows"]))
    assert len(numbers) > 50
    for number in numbers:
        assert number["unit"]
        assert number["basis"] in ("exact", "calibrated", "prior")
        if "low" in number:
            assert number["low"] <= number["mid"] <= number["high"]


def figures(value: Any) -> Any:
    """Every number with its unit in a plan."""
    if isinstance(value, dict):
        if "unit" in value:
            yield value
        else:
            for inner in value.values():
                yield from figures(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from figures(inner)


def test_options_count_more_than_the_spec(msl: Msl) -> None:
    words = ("plan", GPT, "--on", "h100-sxm", "--count", "4", "--json")
    row = json.loads(msl(*words, "--strategy", "zero2", "--batch", "64", "--micro", "8").output)
    (row,) = row["rows"]
    assert (row["strategy"], row["batch"], row["micro_batch"], row["micro_batches"]) == (
        "zero2", 64, 8, 2
    )  # fmt: skip
    again = json.loads(msl(*words, "--recompute", "DecoderLayer").output)["rows"][0]
    none = json.loads(msl(*words, "--recompute", "none").output)["rows"][0]
    assert again["recompute"] == ["DecoderLayer"] and none["recompute"] == []
    assert again["memory"]["live"]["value"] < none["memory"]["live"]["value"]


def test_auto_forgets_the_strategy_of_the_spec(msl: Msl) -> None:
    words = ("plan", LLAMA, "--on", "h200", "--count", "2", "--json")
    fixed, free = (json.loads(msl(*words, *more).output)["rows"][0]["strategy"]
                   for more in ((), ("--strategy", "auto")))  # fmt: skip
    assert fixed == "fsdp"
    assert free in ("ddp", "zero1", "zero2", "fsdp", "tp=2,fsdp")


def test_epochs_multiply_samples(msl: Msl) -> None:
    words = ("plan", RESNET, "--on", "a100-80gb", "--count", "8", "--batch", "256", "--json")
    once = json.loads(msl(*words, "--samples", "1281167").output)["rows"][0]
    often = json.loads(msl(*words, "--samples", "1281167", "--epochs", "90").output)["rows"][0]
    assert once["steps"] == 5005
    assert often["steps"] == -(-90 * 1281167 // 256)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--tokens", "15Q"], "`Q` is no suffix"),
        (["--tokens", "8GiB"], "is no count"),
        (["--tokens", "5M"], "--samples says how long the run is"),
        (["--tokens", "5M", "--samples", "1K"], "leave one out"),
        (["--epochs", "3"], "add --samples N"),
        (["--strategy", "fdsp"], "did you mean `fsdp`?"),
        (["--strategy", "tp=8"], "`fsdp` shares any model"),
        (["--strategy", "pp=40"], "ResNet50 has 12"),
        (["--strategy", "pp=2", "--count", "7"], "multiple of 2 devices; 6 would do"),
        (["--batch", "4", "--count", "8"], "4 of them are the most"),
        (["--recompute", "Botleneck"], "did you mean `Bottleneck`?"),
        (["--network", "400"], "write `400Gb` or `50GB`"),
        (["--network", "0Gb"], "write `400Gb` or `50GB`"),
        (["--price", "0"], "--price"),
        (["--count", "0"], "--count"),
        (["--precision", "int8"], "--precision"),
    ],
)
def test_wrong_arguments_come_with_a_cure(msl: Msl, words: list[str], message: str) -> None:
    result = msl("plan", RESNET, "--on", "h100-sxm", *words)
    assert result.exit_code == 2
    assert message in result.output


def test_unknown_devices_and_missing_ones(msl: Msl) -> None:
    unknown = msl("plan", GPT, "--on", "h100")
    assert unknown.exit_code in (0, 2)
    assert msl("plan", GPT, "--on", "h9000x").exit_code == 2
    assert msl("plan", GPT).exit_code == 2


def test_mistakes_of_the_spec_are_shown(msl: Msl, tmp_path: Path) -> None:
    result = msl("plan", written(tmp_path, "broken.msl", BROKEN), "--on", "h100-sxm")
    assert result.exit_code == 1
    assert "Linaer" in result.output


def test_a_model_without_sections_is_planned_with_adam(msl: Msl, net: Path) -> None:
    result = msl("plan", net, "--on", "a100-40gb", "--batch", "64", "--most", "2")
    assert result.exit_code == 0
    assert "Adam's state" in result.output
