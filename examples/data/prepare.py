"""Makes every file in this directory from its named source, byte for byte.

The tables and the series come with two Python packages, the text with a public repository::

    pip install scikit-learn==1.9.1 statsmodels==0.15.0
    git clone https://github.com/karpathy/char-rnn
    python examples/data/prepare.py --text char-rnn/data/tinyshakespeare/input.txt

Nothing else in MSL needs this script or those packages: the results are kept in the repository.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent

PARTIES = (
    "strong_democrat",
    "weak_democrat",
    "independent_democrat",
    "independent",
    "independent_republican",
    "weak_republican",
    "strong_republican",
)
EDUCATION = (
    "grades_1_to_8",
    "some_high_school",
    "high_school",
    "some_college",
    "college_degree",
    "masters_degree",
    "phd",
)

WINDOW = 24
"""Months that the sequence model sees before the one it predicts."""

OFFSET = 23.0
"""Degrees Celsius taken off, so that values are of order one; a constant, fitted to no data."""

TEXT_SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
NEXT_PLAY = "SAMPSON:\nGregory, o' my word"
"""Where `Romeo and Juliet`, the first play left out, begins."""


def write_table(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes a CSV file with a header line and Unix line ends."""
    with open(HERE / name, "w", newline="", encoding="ascii") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(header)
        table.writerows(rows)


def digits() -> None:
    """8x8 grey images of handwritten digits, pixels 0 to 16, row by row, then the digit."""
    from sklearn.datasets import load_digits

    data = load_digits()
    header = [f"pixel_{row}_{column}" for row in range(8) for column in range(8)]
    pixels = data.data.astype(int).tolist()
    rows = ([*image, int(label)] for image, label in zip(pixels, data.target, strict=True))
    write_table("digits.csv", [*header, "label"], rows)


def voters() -> None:
    """Voters of the 1996 presidential election: numbers, two categories and the expected vote."""
    from statsmodels.datasets import anes96

    table = anes96.load_pandas().data
    header = (
        "log_town_size",
        "tv_news_days",
        "own_view",
        "view_of_clinton",
        "view_of_dole",
        "age",
        "income_bracket",
        "party",
        "education",
        "vote",
    )
    numbers = ["TVnews", "selfLR", "ClinLR", "DoleLR", "age", "income"]
    rows = (
        [
            f"{row['logpopul']:.4f}",
            *(int(row[name]) for name in numbers),
            PARTIES[int(row["PID"])],
            EDUCATION[int(row["educ"]) - 1],
            "dole" if row["vote"] else "clinton",
        ]
        for _, row in table.iterrows()
    )
    write_table("voters.csv", header, rows)


def investment() -> None:
    """Yearly investment of eleven firms, 1935 to 1954, as logarithms of 1947 dollars (millions)."""
    from statsmodels.datasets import grunfeld

    table = grunfeld.load_pandas().data
    rows = (
        [
            str(row["firm"]).lower().replace(" ", "_").replace("&", "and"),
            int(row["year"]),
            *(f"{math.log(row[name]):.5f}" for name in ("value", "capital", "invest")),
        ]
        for _, row in table.iterrows()
    )
    write_table(
        "investment.csv", ("firm", "year", "log_value", "log_capital", "log_investment"), rows
    )


def sea_temperature() -> None:
    """Windows of 24 monthly sea surface temperatures off Peru, and the month after each."""
    from statsmodels.datasets import elnino

    table = elnino.load_pandas().data
    months = table.drop(columns="YEAR").to_numpy(np.float64).reshape(-1) - OFFSET
    windows = np.lib.stride_tricks.sliding_window_view(months, WINDOW + 1).astype(np.float32)
    np.savez_compressed(
        HERE / "sea_temperature.npz",
        months=windows[:, :WINDOW, None],  # [N, time=24, 1]
        next_month=windows[:, WINDOW:],  # [N, 1]
    )


def shakespeare(source: Path) -> None:
    """Three whole plays: Coriolanus, Richard III and Richard II."""
    raw = source.read_bytes()
    if hashlib.sha256(raw).hexdigest() != TEXT_SHA256:
        raise SystemExit(f"{source} is not the text that README.md names")
    text = raw.decode("ascii")
    end = text.index(NEXT_PLAY)
    (HERE / "shakespeare.txt").write_text(text[:end].rstrip() + "\n", encoding="ascii")


def main() -> None:
    """Makes the files; the text only where its source is given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", type=Path, help="tinyshakespeare's input.txt")
    arguments = parser.parse_args()
    digits()
    voters()
    investment()
    sea_temperature()
    if arguments.text:
        shakespeare(arguments.text)


if __name__ == "__main__":
    main()
