"""The built-in devices: sourced, possible, and none of the known wrong numbers."""

from __future__ import annotations

import re

import pytest

from dsl import devices
from dsl.devices import Device
from dsl.devices.catalogue import all_built_in
from dsl.devices.families import FAMILIES, HALVED, RATES, dense_peak
from dsl.devices.files import check
from dsl.devices.traps import objections
from dsl.source import Source

ALL = devices.all()
SPARSE = {"bf16": (312 * 2, 330.3 * 2, 660, 1457, 1466, 1513, 1671, 1979, 1978.9, 4500, 5000)}
"""Dense nowhere: what data sheets print for A100, RTX 4090, L40S, H100 and B200."""


def every() -> list[object]:
    return [pytest.param(device, id=device.name) for device in ALL]


def test_there_are_many_of_every_sort() -> None:
    assert len(ALL) >= 120
    assert {device.kind for device in ALL} == {"gpu", "mps", "tpu", "cpu"}
    assert {device.vendor for device in ALL} >= {"NVIDIA", "AMD", "Intel", "Google", "Apple"}
    assert sum(device.name.endswith("-laptop") for device in ALL) >= 10
    assert sum(device.family == "edge" for device in ALL) >= 5


@pytest.mark.parametrize("device", every())
def test_each_has_a_source_and_possible_numbers(device: Device) -> None:
    assert device.source and device.check and device.title and device.marketed
    assert re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", device.name)
    assert device.family in FAMILIES and device.origin == ""
    assert 2**30 <= device.memory <= 1024 * 2**30
    assert 10e9 <= device.bandwidth <= 8e12
    assert "fp32" in device.peaks and min(device.peaks.values()) > 0


@pytest.mark.parametrize("device", every())
def test_none_has_more_than_a_user_may_claim(device: Device) -> None:
    known = all_built_in()
    assert objections(known[device.name], known[device.name], lambda: known) == []


@pytest.mark.parametrize("device", [d for d in ALL if d.family in RATES and d.clock])
def test_tensor_peaks_are_units_times_clock_times_rate(device: Device) -> None:
    for precision in ("tf32", "bf16", "fp16", "fp8"):
        peak = device.peaks.get(precision)
        most = dense_peak(device.family, precision, device.units, device.clock / 1e9)
        assert (peak is None) == (most is None)
        assert peak is None or peak / 1e12 == pytest.approx(most, rel=0.02)
    most = dense_peak(device.family, "fp32", device.units, device.clock / 1e9)
    assert device.peaks["fp32"] / 1e12 == pytest.approx(most, rel=0.2)


def test_memory_is_less_than_what_is_on_the_box() -> None:
    for device in ALL:
        sold = float(re.match(r"[\d.]+", device.marketed)[0]) * 2**30
        assert 0.6 * sold <= device.memory <= sold * 1.0001, device.name


def test_known_traps_are_not_built_in() -> None:
    for device in ALL:
        assert all(device.peaks.get("bf16", 0) != wrong * 1e12 for wrong in SPARSE["bf16"])
    tera = {name: devices.find(name).peak("bf16") / 1e12 for name in devices.names()}
    assert tera["rtx-3090"] == pytest.approx(71, rel=0.01)
    assert tera["rtx-4090"] == pytest.approx(165.2, rel=0.01)
    assert tera["rtx-5090"] == pytest.approx(209.5, rel=0.01)
    assert tera["h100-sxm"] == 989 and tera["mi250x-gcd"] == 191.5
    assert devices.find("l4").bandwidth == 300e9
    assert devices.find("h100-sxm").bandwidth == 3350e9
    assert devices.find("h100-sxm-96gb-hbm2e").bandwidth == 2400e9


def test_geforce_cards_sum_in_float32_at_half_the_rate() -> None:
    for family in HALVED:
        best = "fp16" if family.startswith("turing") else "bf16"
        assert RATES[family][best] in (512,)


def test_prices_are_ranges_with_date_and_source() -> None:
    priced = [device for device in ALL if device.price]
    assert len(priced) >= 12
    for device in priced:
        price = device.price
        assert 0 < price.low < price.high < 20 and price.source
        assert re.fullmatch(r"20\d\d-\d\d", price.date)


def test_the_file_is_one_that_a_user_could_write() -> None:
    """A device may be copied from the built-in file to one's own."""
    for name in ("h100-sxm", "rtx-3090", "cpu", "m3-max", "tpu-v5e"):
        table = all_built_in()[name]
        lines = [f"{key} = {_toml(value)}" for key, value in table.items()]
        text = "\n".join([f"[my-{name}]", *lines]) + "\n"
        assert check(Source("devices.toml", text)).errors == (), name


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).replace("'", '"')
