"""Convolutional networks of the zoo in both frameworks: counts, keys, results and gradients."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backends.harness_models import Subject
from tests.backends.test_models import hold, in_double, make  # noqa: F401  (a fixture)
from tests.conftest import EXAMPLES

SAMPLE = {
    "mnist": ("", {}),
    "lstm_lm": ("LSTMLanguageModelTwoBiases", {"vocab": "50", "width": "8", "hidden": "8"}),
    "squeezenet": ("SqueezeNet", {"size": "64", "classes": "10"}),
    "unet": ("", {"size": "32", "width": "4"}),
    "resnet": ("", {"depths": "[1, 2, 1]", "size": "32", "classes": "10"}),
}


@pytest.mark.parametrize("name", SAMPLE)
def test_both_frameworks_agree(name: str, tmp_path: Path) -> None:
    model, define = SAMPLE[name]
    case = Subject(EXAMPLES / "zoo" / f"{name}.msl", define, (), (), model)
    hold(case, make(case, "torch", tmp_path), make(case, "tensorflow", tmp_path), define)
