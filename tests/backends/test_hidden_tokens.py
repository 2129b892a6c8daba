"""`Text(mask=)`: tokens hidden as in BERT, the same in both scripts, drawn by the seed alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.backends.twins import twins

pytestmark = [pytest.mark.torch, pytest.mark.tensorflow]

SPEC = """\
model Net {{
  input tokens: int64[time=40]
  Embedding(257, 8) -> SelfAttention(2)
  output byte = Linear(257)
}}
loss CrossEntropy
data Text("book.txt", mask={share})
train {{ metrics = [Accuracy] }}
"""


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    return twins(SPEC.format(share=0.15), tmp_path_factory.mktemp("hidden"))


def text(count: int = 20_000) -> dict[str, Any]:
    return {"tokens": np.random.default_rng(3).integers(0, 256, count).astype(np.uint8)}


def test_both_scripts_hide_the_same_tokens(scripts: tuple[Any, Any]) -> None:
    ours, theirs = (script.hide(text(), (7, 2)) for script in scripts)
    for name in ("tokens", "byte"):
        np.testing.assert_array_equal(ours[name], theirs[name])
    again = scripts[0].hide(text(), (7, 3))
    assert (again["tokens"] != ours["tokens"]).any()


def test_shares_are_those_of_bert(scripts: tuple[Any, Any]) -> None:
    data, script = text(), scripts[1]
    hidden = script.hide(data, 0)
    whole = data["tokens"].reshape(-1, 40)
    chosen = hidden["byte"] != -100
    assert (chosen.sum(1) == 6).all()  # 15 % of 40 in each window
    np.testing.assert_array_equal(hidden["byte"][chosen], whole[chosen])
    np.testing.assert_array_equal(hidden["tokens"][~chosen], whole[~chosen])
    assert script.MASK == 256
    seen, true = hidden["tokens"][chosen], whole[chosen]
    masked, kept = (seen == 256).mean(), (seen == true).mean()
    assert abs(masked - 0.8) < 0.03 and abs(kept - 0.1) < 0.03


def test_the_rest_of_a_text_is_left_out(scripts: tuple[Any, Any]) -> None:
    hidden = scripts[0].hide(text(119), 0)
    assert hidden["tokens"].shape == (2, 40)
    assert len(scripts[0].all_rows(hidden)) == 2


def test_a_window_has_a_hidden_token_at_least(tmp_path: Path) -> None:
    _, script = twins(SPEC.format(share=0.001), tmp_path)
    assert script.HIDDEN == 1
