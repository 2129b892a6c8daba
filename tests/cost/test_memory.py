"""Live memory, counted without a framework, against PyTorch's own tracker on stand-in tensors."""

from __future__ import annotations

import pytest

from tests.cost.memtracker import ARCHITECTURES, Case, rehearsed, tracked

QUICK = (
    Case("tests/specs/gpt2.msl", "GPT2", "depth=2;width=96;heads=4;vocab=1000;context=64"),
    Case("tests/specs/gpt2.msl", "GPT2", "depth=2;width=96;heads=4;vocab=1000;context=64",
        precision="bfloat16", optimizer="momentum"),
    Case("tests/specs/gpt2.msl", "GPT2", "depth=4;width=96;heads=4;vocab=300;context=64",
        recompute="DecoderLayer", optimizer="sgd"),
    Case("tests/specs/unet.msl", "", "base=8", precision="bfloat16"),
    Case("tests/specs/seed_cnn.msl", optimizer="sgd"),
    Case("tests/specs/vit_b16.msl", optimizer="momentum"),
    Case("examples/zoo/mobilenet_v3.msl", precision="bfloat16", optimizer="sgd"),
    Case("examples/zoo/swin.msl", "SwinT", optimizer="momentum"),
    Case("examples/zoo/lstm_lm.msl", "LSTMLanguageModel", within=0.1),
)  # fmt: skip


@pytest.mark.parametrize("case", QUICK, ids=str)
def test_the_peak_is_that_of_the_tracker(case: Case) -> None:
    spec = case.load()
    counted, seen = rehearsed(case, spec), tracked(case, spec)
    assert counted == pytest.approx(seen, rel=case.within)


def test_the_table_has_its_architectures() -> None:
    assert len({case.spec for case in ARCHITECTURES}) >= 20
