"""Candidates trained briefly on the digits, with the code that they compile to."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Msl
from tests.conftest import EXAMPLES


@pytest.mark.torch
@pytest.mark.slow
def test_candidates_are_measured_on_the_users_data(msl: Msl) -> None:
    spec = EXAMPLES / "digits_cnn.msl"
    result = msl(
        "choose", spec, f"{spec}:DigitsCNN", "--on", "rtx-3090", "--probe", "--seeds", 1,
        "--probe-time", "5min", "--json",
    )  # fmt: skip
    assert result.exit_code == 0
    rungs = json.loads(result.stdout)["probe"]
    assert [len(rung) for rung in rungs] == [2, 1]
    assert [rung[0]["steps"] for rung in rungs] == [
        50,
        100,
    ]
    assert rungs[0][0]["figure"] == "val_accuracy" and rungs[-1][0]["mean"] > 0.8
