"""Memory of devices against published runs, and what fits at the limit."""

from __future__ import annotations

import statistics

import pytest

from dsl.cost.interval import Interval
from dsl.cost.memory import MemoryReport
from dsl.cost.room import GPU, MIB, ROOMS, device_memory, least_memory, verdict
from dsl.devices import find
from dsl.tape.memory import Peak
from dsl.tape.work import Work
from tests.cost import published
from tests.cost.occupied import Run, boundaries, covered, errors, runs

pytestmark = pytest.mark.slow

CONTEXT = 1455 * MIB


@pytest.fixture(scope="module")
def measured() -> list[Run]:
    """Some of the measured runs."""
    return runs(every=9)


def test_what_a_monitor_shows(measured: list[Run]) -> None:
    off = [abs(error) for error in errors(measured)]
    assert statistics.median(off) <= 0.05
    assert statistics.mean(error <= 0.2 for error in off) >= 0.9
    assert abs(statistics.median(errors(measured))) <= 0.02


def test_intervals_are_narrow_and_hold(measured: list[Run]) -> None:
    assert GPU.spread**2 <= 1.25
    assert covered(measured) >= 0.82


def test_stand_ins_alone_are_half_of_it(measured: list[Run]) -> None:
    fake = statistics.median(abs(run.fake / run.measured - 1) for run in measured)
    assert statistics.median(abs(error) for error in errors(measured)) < fake / 8


def test_what_fits_at_the_limit() -> None:
    edge = boundaries(every=6)
    assert statistics.mean(fits == told for _, fits, told in edge) >= 0.9


def test_nothing_that_ran_is_said_to_be_far_too_large() -> None:
    rows = [
        row for row in published.rows("lambda") if (row.spec, row.precision) != ("bert", "float16")
    ]
    for row in rows[::5]:
        report, device = published.rehearsed(row), find(row.device)
        assert least_memory(report, device) <= 1.1 * device.memory, row


def report(peak: int, *work: Work) -> MemoryReport:
    """A step of that many live bytes."""
    return MemoryReport(0, 0, 0, 0, 0, peak, Peak(0, 0, "", ""), (), work)


def test_an_empty_process_holds_its_context() -> None:
    assert device_memory(report(0), find("rtx-3090")).mid == CONTEXT


def test_convolutions_take_a_library_and_a_workspace() -> None:
    point = Work("conv1x1", 0, 50 * MIB, 4, "forward", "")
    wide = Work("conv", 0, 50 * MIB, 4, "forward", "")
    back = Work("conv", 0, 500 * MIB, 4, "backward", "")
    device = find("rtx-3090")
    assert device_memory(report(0, point, back), device).mid == CONTEXT
    more = device_memory(report(0, wide, back), device).mid - CONTEXT
    assert more == pytest.approx(GPU.library + GPU.workspace * 50 * MIB)


def test_the_verdict_goes_by_what_a_step_runs_with() -> None:
    device = find("rtx-3090")
    room = device.memory
    assert verdict(Interval(0.7 * room, 0.8 * room, 0.9 * room), device) == "fits"
    wide = Interval(0.9 * room, 1.0 * room, 1.1 * room)
    assert verdict(wide, device) == "tight"
    assert verdict(wide, device, least=0.8 * room) == "tight"
    assert verdict(wide, device, least=1.05 * room) == "does not fit"
    large = Interval(1.05 * room, 1.1 * room, 1.2 * room)
    assert verdict(large, device) == "does not fit"
    assert verdict(large, device, least=0.98 * room) == "tight"


def test_what_is_needed_at_least_is_less_than_what_is_shown(measured: list[Run]) -> None:
    for name in ("a100-80gb", "m2-max", "epyc-9654", "tpu-v4"):
        device = find(name)
        for run in measured[::5]:
            assert least_memory(run.report, device) < device_memory(run.report, device).mid


def test_every_kind_of_device_has_a_room() -> None:
    for name in ("a100-80gb", "m2-max", "epyc-9654", "tpu-v4"):
        assert find(name).kind in ROOMS
    assert [name for name, room in ROOMS.items() if room.basis == "calibrated"] == ["gpu"]
