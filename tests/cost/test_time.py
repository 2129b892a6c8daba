"""Step times against published ones, on devices that the coefficients were not fitted on."""

from __future__ import annotations

import statistics
from itertools import pairwise

import pytest

from dsl.cost.memory import MemoryReport, Setup
from dsl.cost.time import faster, step_time
from dsl.devices import find
from dsl.tape.memory import Peak
from dsl.tape.work import Work
from tests.cost import published
from tests.cost.published import Guess, Row

pytestmark = pytest.mark.slow


def some(every: int, source: str, *which: str) -> list[Guess]:
    """What the model says about every so many rows, in order of their names."""
    rows: list[Row] = sorted(published.rows(source, *which), key=lambda row: (row.name, row.device))
    return published.guesses(rows[::every])


@pytest.fixture(scope="module")
def images() -> list[Guess]:
    """Forward passes of image models on an RTX 4090."""
    return some(4, "timm", "rtx-4090", "infer", "nhwc")


@pytest.fixture(scope="module")
def language() -> list[Guess]:
    """Training steps of language models on A100 and H100."""
    return some(6, "foundry")


def test_images_on_another_device(images: list[Guess]) -> None:
    assert published.median_error(images) <= 0.16
    assert published.within(images, 1.5) >= 0.85
    assert published.spearman(images) >= 0.96
    assert published.ranking(images).right >= 0.92


def test_intervals_hold_what_was_measured(images: list[Guess], language: list[Guess]) -> None:
    assert published.coverage(images) >= 0.78
    assert published.coverage(language) >= 0.85
    assert published.width(images) <= 1.9
    assert published.width(language) <= 1.7


def test_language_models(language: list[Guess]) -> None:
    assert published.median_error(language) <= 0.12
    assert published.within(language, 1.5) >= 0.93


def test_training_on_other_devices() -> None:
    found = some(3, "lambda") + some(1, "nvidia")
    assert published.median_error(found) <= 0.2
    assert published.within(found, 1.5) >= 0.9


def test_models_that_differ_are_told_apart(images: list[Guess]) -> None:
    ranking = published.ranking(images)
    assert ranking.decided >= 0.9
    assert ranking.wrong <= 0.05


def test_equal_models_tie(images: list[Guess]) -> None:
    assert faster(images[0].time, images[0].time) == "tie"


def test_the_order_of_two_does_not_matter(images: list[Guess]) -> None:
    other = {"a": "b", "b": "a", "tie": "tie"}
    for a, b in pairwise(images):
        assert faster(b.time, a.time) == other[faster(a.time, b.time)]


def report(*work: Work) -> MemoryReport:
    """A step of some operations, without weights."""
    return MemoryReport(0, 0, 0, 0, 0, 0, Peak(0, 0, "", ""), (), work)


def product(flops: int, bytes_: int, category: str = "gemm", size: int = 2) -> Work:
    """An operation of the forward pass."""
    return Work(category, flops, bytes_, size, "forward", "")


HALF = Setup(training=False, precision="float16")


def seconds(device: str, *work: Work, setup: Setup = HALF) -> float:
    """The best guess for some operations."""
    return step_time(report(*work), find(device), setup).step.mid


def test_nothing_is_faster_than_the_peaks() -> None:
    big = product(10**15, 10**9)
    for name in ("a100-80gb", "h100-sxm", "v100-16gb", "m1", "epyc-9654", "mi300x", "tpu-v4"):
        assert seconds(name, big) > 10**15 / find(name).peak("fp16"), name
        stream = product(0, 10**12, "pointwise")
        assert seconds(name, stream) > 10**12 / find(name).bandwidth, name


def test_what_bounds_a_step() -> None:
    device = find("a100-80gb")
    for work, bound in (
        ([product(10**14, 10**6)], "arithmetic"),
        ([product(0, 10**11, "pointwise")], "bandwidth"),
        ([product(0, 100, "pointwise")] * 1000, "launches"),
    ):
        assert step_time(report(*work), device, HALF).bound == bound


def test_a_host_sends_operations_one_by_one() -> None:
    tiny = [product(0, 100, "pointwise")] * 10_000
    assert seconds("a100-80gb", *tiny) >= 0.1
    assert seconds("b200", *tiny) == pytest.approx(seconds("a100-80gb", *tiny), rel=0.05)


def test_sixteen_bits_are_faster_where_there_are_tensor_cores() -> None:
    single = Setup(training=False)
    fast = seconds("a100-80gb", product(10**13, 10**8))
    slow = seconds("a100-80gb", product(10**13, 10**8, size=4), setup=single)
    assert 1.8 <= slow / fast <= 2.2


def test_parts_add_up_and_accumulation_repeats_them(images: list[Guess]) -> None:
    row = images[0].row
    setup = row.setup.replace(training=True, accumulate=1)
    work = published.rehearsed(row)
    once = step_time(work, find(row.device), setup)
    twice = step_time(work, find(row.device), setup.replace(accumulate=2))
    assert sum(once.parts.values()) == pytest.approx(once.step.mid)
    assert twice.parts["forward"] == pytest.approx(2 * once.parts["forward"])
    assert twice.parts["optimizer"] == once.parts["optimizer"]
    assert twice.batch == 2 * once.batch


def test_intervals_are_wider_where_less_is_known() -> None:
    work = product(10**13, 10**9)
    names = ("rtx-3090", "a100-80gb", "mi300x")
    spans = [step_time(report(work), find(name), HALF).step for name in names]
    widths = [span.high / span.low for span in spans]
    assert widths == sorted(widths)
    assert [span.basis for span in spans] == ["calibrated", "calibrated", "prior"]


def test_the_fitted_device_is_not_held_out() -> None:
    errors = [guess.error for guess in some(3, "timm", "rtx-3090", "train", "nhwc")]
    assert abs(statistics.median(errors)) <= 0.05
