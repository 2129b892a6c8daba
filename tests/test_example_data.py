"""The data of the examples is what its README says."""

from __future__ import annotations

import csv
import math
import re
import statistics
from pathlib import Path

import numpy as np
import pytest

DATA = Path(__file__).resolve().parent.parent / "examples" / "data"
README = (DATA / "README.md").read_text(encoding="utf-8")
FILES = {path.name: path for path in DATA.iterdir() if path.suffix in (".csv", ".npz", ".txt")}


def rows(name: str) -> list[dict[str, str]]:
    """The rows of a table."""
    with open(DATA / name, newline="", encoding="ascii") as file:
        return list(csv.DictReader(file))


def test_every_file_has_a_source_and_a_licence() -> None:
    listed = re.findall(r"^\| `([^`]+)` \|(.+)\|(.+)\|(.+)\|(.+)\|$", README, re.MULTILINE)
    assert {name for name, *_ in listed} == set(FILES)
    assert all(cell.strip() for line in listed for cell in line)


def test_the_files_are_small() -> None:
    assert sum(path.stat().st_size for path in FILES.values()) < 3_000_000


@pytest.mark.parametrize(
    ("name", "count"), [("digits.csv", 1797), ("voters.csv", 944), ("investment.csv", 220)]
)
def test_tables_have_the_rows_they_claim_and_no_gaps(name: str, count: int) -> None:
    table = rows(name)
    assert len(table) == count
    assert f"{count:,}" in README
    assert all(value not in (None, "") for row in table for value in row.values())


def test_digits_are_pixels_and_a_label() -> None:
    table = rows("digits.csv")
    names = [f"pixel_{row}_{column}" for row in range(8) for column in range(8)]
    assert list(table[0]) == [*names, "label"]
    assert {int(row["label"]) for row in table} == set(range(10))
    assert {int(row[name]) for row in table for name in names} == set(range(17))


def test_voters_have_categories_and_the_base_rate_that_is_stated() -> None:
    table = rows("voters.csv")
    assert len({row["party"] for row in table}) == len({row["education"] for row in table}) == 7
    share = sum(row["vote"] == "clinton" for row in table) / len(table)
    assert f"right for {share:.0%}".replace("%", " %") in README


def test_investment_has_eleven_firms_over_twenty_years() -> None:
    table = rows("investment.csv")
    assert len({(row["firm"], row["year"]) for row in table}) == 11 * 20
    spread = statistics.pstdev(float(row["log_investment"]) for row in table)
    assert f"standard deviation of {spread:.1f}" in README


def test_sea_temperature_windows_follow_each_other() -> None:
    with np.load(DATA / "sea_temperature.npz", allow_pickle=False) as file:
        months, following = file["months"], file["next_month"]
    assert months.shape == (708, 24, 1) and following.shape == (708, 1)
    assert months.dtype == following.dtype == np.float32
    assert (months[1:, -1] == following[:-1]).all()
    assert (months[1:, :-1] == months[:-1, 1:]).all()
    last = math.sqrt(np.mean((months[:, -1] - following) ** 2))
    year = math.sqrt(np.mean((months[:, -12] - following) ** 2))
    assert f"errs by {last:.2f} degrees" in README
    assert f"before by {year:.2f}" in README


def test_shakespeare_is_ascii_and_whole() -> None:
    text = (DATA / "shakespeare.txt").read_bytes()
    assert text.isascii() and b"\r" not in text and text.endswith(b".\n")
    assert f"{len(text):,} bytes" in README
    assert f"{len(set(text))} different bytes" in README
    assert f"{math.log(256):.2f} nats" in README
