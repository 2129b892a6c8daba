"""The timeline of a step: what is live after each layer of each phase, and what layers keep."""

from __future__ import annotations

import pytest

import dsl
from dsl.cost.estimate import outlook, setup_of
from dsl.cost.memory import MemoryReport
from tests.cost.test_report import SPECS, whole


def rehearsed(name: str, accumulate: int = 1, trains: bool = True) -> MemoryReport:
    """The memory of a spec with a batch of four."""
    loaded = dsl.load(str(SPECS / name))
    setup = setup_of(loaded.compilation.training, 4, trains).replace(accumulate=accumulate)
    return outlook(whole(loaded), loaded.compilation.training, setup).memory


@pytest.mark.parametrize("trains", [True, False])
@pytest.mark.parametrize("name", ["unet.msl", "resnet50.msl", "two_towers.msl"])
def test_the_peak_is_the_highest_moment(name: str, trains: bool) -> None:
    report = rehearsed(name, trains=trains)
    highest = max(report.moments, key=lambda moment: moment[3])
    assert highest[:2] == (report.peak.phase, report.peak.path)
    assert highest[3] == report.peak.bytes
    assert all(gradients <= live <= most for _, _, live, most, gradients in report.moments)


def test_phases_come_one_after_the_other() -> None:
    report = rehearsed("unet.msl")
    phases = list(dict.fromkeys(moment[0] for moment in report.moments))
    assert phases == ["forward", "loss", "backward", "step"]
    forward = [path for phase, path, *_ in report.moments if phase == "forward"]
    backward = [path for phase, path, *_ in report.moments if phase == "backward"]
    assert backward == ["loss", *reversed(forward)]
    assert report.moments[-1][4] == report.gradients


def test_what_layers_keep_is_live_at_the_end_of_the_forward_pass() -> None:
    report = rehearsed("unet.msl")
    assert 0.98 * report.activations < sum(report.kept.values()) <= report.activations
    half = 4 * 64 * 256 * 256 * 4
    assert report.kept["enc1.batch_norm"] == half + 2 * 64 * 4
    assert report.kept["enc1.relu"] == half
    assert rehearsed("unet.msl", trains=False).kept == {}


def test_with_accumulation_gradients_are_there_from_the_start() -> None:
    once, often = rehearsed("unet.msl"), rehearsed("unet.msl", accumulate=2)
    assert once.moments[0][4] == 0
    assert often.moments[0][4] == often.gradients
    assert often.moments[0][2] == once.moments[0][2] + once.gradients
    assert {gradients for gradients, _ in often.levels} == {often.gradients}


@pytest.mark.parametrize(
    ("name", "sample"),
    [
        ("seed_cnn.msl", 28 * 28 * 4 + 8),
        ("gpt2.msl", 2 * 1024 * 8),
        ("two_towers.msl", 2 * 64 * 4 + 20 * 8 + 2 * 4),
    ],
)
def test_a_batch_is_inputs_and_targets_by_their_types(name: str, sample: int) -> None:
    report = rehearsed(name)
    assert report.inputs == 4 * sample
    assert report.held == report.live_peak + 4 * sample
